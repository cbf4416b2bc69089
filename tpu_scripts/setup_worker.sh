#!/usr/bin/env bash
# A TPU VM made ready for runs, once and again without harm: a Python of our own (the image's is 3.10), what
# pyproject.toml beside this file asks for, and the storage that all workers share.
#
#   setup_worker.sh PYTHON [SERVER:/SHARE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p code jobs shared
if [[ -n ${2:-} ]] && ! mountpoint -q shared; then
  command -v mount.nfs >/dev/null || sudo apt-get -o DPkg::Lock::Timeout=300 install -qy nfs-common
  sudo mount -t nfs "$2" shared
fi
mkdir -p shared/runs
python3 -m pip install --quiet --user uv
python3 -m uv venv --quiet --allow-existing --python "$1" venv
python3 -m uv pip install --quiet --compile-bytecode --python venv/bin/python -r pyproject.toml --extra tpu
cat /proc/sys/kernel/random/boot_id >ready # a reboot takes the storage away: then it is to be done again
echo "jaxdl ready"
