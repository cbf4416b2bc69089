"""Tests run on eight devices forced out of one CPU, and share compiled programs through a cache on the disk."""

import os
from pathlib import Path

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
CACHE = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(CACHE, "jaxdl-tests-compiled")))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
