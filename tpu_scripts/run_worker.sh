#!/usr/bin/env bash
# One run on one worker: started in a process group of its own, told by its exit code, stopped as a group.
#
#   run_worker.sh unpack DIGEST               code-DIGEST.tar.gz into code/DIGEST
#   run_worker.sh start RUN LAUNCH DIGEST COMMAND…
#                                             in code/DIGEST with the variables of the file env-LAUNCH, detached; prints
#                                             "jaxdl started", or "jaxdl busy RUN" while that run is alive
#   run_worker.sh poll RUN                    prints "jaxdl STATE EXIT TIME STEP LAUNCH", with - for what there is not
#   run_worker.sh stop RUN SECONDS [again [LAUNCH]]
#                                             TERM, after SECONDS KILL; prints "jaxdl free", "jaxdl dirty PID…",
#                                             "jaxdl busy RUN" for another that is alive, or "jaxdl none RUN…"; what
#                                             is stopped to be started again is absent afterwards, not stopped; of
#                                             another LAUNCH nothing is touched
#   run_worker.sh stop_all SECONDS            every run
#   run_worker.sh log RUN LINES               the last lines
#
# STATE: bare (not set up since the VM has booted), absent, running, ended, stopped (by this file), or lost (no exit
# code: a reboot, or killed from outside).
# Beside this file lie code/, venv/, shared/ (the storage of all workers) and jobs/RUN/ with what is known of a run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
boot=$(</proc/sys/kernel/random/boot_id)

unpack() {
  if [[ ! -d code/$1 ]]; then
    [[ $(sha256sum <"code-$1.tar.gz") == "$1"* ]] || { echo "code-$1.tar.gz arrived damaged" >&2; exit 1; }
    rm -rf "code/$1.new"
    mkdir -p "code/$1.new"
    tar -xzf "code-$1.tar.gz" -C "code/$1.new"
    mv "code/$1.new" "code/$1"
  fi
  rm -f "code-$1.tar.gz"
  echo "jaxdl unpacked"
}

alone() { # SECONDS WHAT: one start or stop at a time
  exec 9>>lock
  flock -w "$1" 9 || { echo "still busy here: $(<lock)" >&2; exit 1; }
  echo "$2" >lock
}

is_alive() { # JOB: its supervisor, or where that was killed, anything in its process group
  [[ ! -e $1/exit && -s $1/supervisor && $(<"$1/boot") == "$boot" ]] || return 1
  kill -0 "$(<"$1/supervisor")" 2>/dev/null || { [[ -s $1/group ]] && kill -0 -- "-$(<"$1/group")" 2>/dev/null; }
}

state() { # JOB
  if [[ ! -e $1/supervisor ]]; then echo absent
  elif is_alive "$1"; then echo running
  elif [[ -e $1/stopping ]]; then echo stopped
  elif [[ -e $1/exit ]]; then echo ended
  else echo lost; fi
}

running() { # [EXCEPT]: the run that is alive
  local job
  for job in jobs/*/; do
    job=${job%/}
    [[ $job == "jobs/${1:-}" || $(state "$job") != running ]] || { echo "${job#jobs/}"; return; }
  done
}

newest_step() { # JOB: the newest checkpoint in the run directory that its log names
  local directory
  directory=$(sed -n 's/^run directory: //p' "$1/log" 2>/dev/null | tail -n 1)
  [[ -n $directory ]] || return 0
  (cd "code/$(<"$1/digest")" && find "$directory/checkpoints/" -maxdepth 1 -name '[0-9]*' -printf '%f\n' 2>/dev/null) |
    grep -x '[0-9]*' | sort -n | tail -n 1
}

poll() {
  local job=jobs/$1 state=bare code=- time=- step=- launch=-
  if [[ -e ready && $(<ready) == "$boot" ]]; then
    state=$(state "$job")
    [[ $state != @(ended|stopped) || ! -e $job/exit ]] || read -r code time <"$job/exit"
    step=$(newest_step "$job" || true)
    [[ ! -e $job/launch ]] || launch=$(<"$job/launch")
  fi
  echo "jaxdl $state $code $time ${step:--} $launch"
}

start() { # RUN LAUNCH DIGEST COMMAND…
  local job=jobs/$1 other
  alone 10 "start $1"
  if [[ ! -e env-$2 ]]; then # this launch has begun it, and asks again
    [[ $(<"$job/launch") == "$2" ]] || { echo "launch $2 was given up" >&2; exit 1; }
    echo "jaxdl started"
    return
  fi
  other=$(running)
  if [[ -n $other ]]; then
    rm "env-$2"
    echo "jaxdl busy $other"
    return
  fi
  mkdir -p "$job" shared/runs
  rm -f "$job"/{supervisor,group,exit,stopping}
  ln -sfn "$root/shared/runs" "code/$3/runs"
  echo "$2" >"$job/launch"
  echo "$3" >"$job/digest"
  echo "$boot" >"$job/boot"
  mv "env-$2" "$job/env"
  echo "== started $(date -u +%FT%TZ) on $(hostname)" >>"$job/log"
  setsid bash "$root/run_worker.sh" supervise "$@" </dev/null >/dev/null 2>>"$job/log" 9>&- &
  echo $! >"$job/supervisor"
  until [[ -s $job/group ]] || ! is_alive "$job"; do sleep 0.05; done
  echo "jaxdl started"
}

supervise() { # RUN LAUNCH DIGEST COMMAND…: outside the run's process group, so that it lives to tell the exit code
  local job=$root/jobs/$1 launch=$2 code=0 group variables
  variables=$(<"$job/env")
  rm "$job/env"
  cd "code/$3"
  shift 3
  export PATH="$root/venv/bin:$PATH" PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
  ( # whatever the run's variables are called, they are none of the supervisor's
    set -a
    eval "$variables"
    exec setsid "$@"
  ) </dev/null >>"$job/log" 2>&1 &
  group=$!
  echo "$group" >"$job/group"
  wait "$group" || code=$?
  kill -KILL -- "-$group" 2>/dev/null || true # what the run left behind
  [[ $(<"$job/launch") == "$launch" ]] || return 0 # too late: it was stopped, and another has begun
  echo "$code $(date +%s.%N)" >"$job/exit.new"
  mv "$job/exit.new" "$job/exit"
}

holders() { # processes that have the accelerator open
  local sudo=()
  ! sudo -n true 2>/dev/null || sudo=(sudo -n)
  "${sudo[@]}" find /proc/[0-9]*/fd -lname "${JAXDL_ACCELERATOR:-/dev/accel*}" -o -lname '/dev/vfio/[0-9]*' 2>/dev/null |
    cut -d/ -f3 | sort -un | paste -sd ' '
}

stop() { # RUN SECONDS [again [LAUNCH]]
  local job=jobs/$1 tenths=$(($2 * 10)) second pids other jobs
  alone $(($2 + 20)) "stop $1" # a start under way is stopped when it has started
  [[ -z ${4:-} ]] || rm -f "env-$4"
  if [[ ! -d $job ]]; then
    jobs=(jobs/*)
    [[ -e ${jobs[0]} ]] || jobs=()
    echo "jaxdl none ${jobs[*]#jobs/}"
    return
  fi
  if [[ -z ${4:-} || $(<"$job/launch") == "$4" ]]; then
    case $(state "$job") in
      running)
        touch "$job/stopping"
        kill -TERM -- "-$(<"$job/group")" 2>/dev/null || true
        while is_alive "$job" && ((tenths-- > 0)); do sleep 0.1; done
        kill -KILL -- "-$(<"$job/group")" 2>/dev/null || true
        [[ -z ${3:-} ]] || rm "$job/supervisor"
        ;;
      ended | lost) # not done, and by hand: it must not be started again
        [[ -n ${3:-} || $(cat "$job/exit" 2>/dev/null) == "0 "* ]] || touch "$job/stopping"
        ;;
    esac
  fi
  other=$(running "$1")
  if [[ -n $other ]]; then
    echo "jaxdl busy $other"
    return
  fi
  pids=$(holders || true)
  for ((second = 0; second < $2 && ${#pids} > 0; second++)); do # a device is let go a moment after its process
    sleep 1
    pids=$(holders || true)
  done
  echo "jaxdl ${pids:+dirty }${pids:-free}"
}

stop_all() { # SECONDS
  local job
  for job in jobs/*/; do
    job=${job#jobs/}
    [[ ! -d jobs/$job ]] || stop "${job%/}" "$1"
  done
}

log() {
  if [[ -e jobs/$1/log ]]; then tail -n "$2" "jobs/$1/log"; else echo "there is no run $1 here"; fi
}

"$@"
