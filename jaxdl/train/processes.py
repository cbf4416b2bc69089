"""Several processes as one training: how they find each other, which of them speaks, and how they end together."""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from jaxdl.errors import InputError

COORDINATOR, PROCESS_ID, PROCESS_COUNT = "JAXDL_COORDINATOR", "JAXDL_PROCESS_ID", "JAXDL_PROCESS_COUNT"
WAIT = 120  # seconds for the others to come
PATIENCE = 20  # seconds after which it is said who is missing
HEARTBEAT = 10  # seconds without a sign of life after which a process counts as dead, and the others end


def start() -> None:
    """Joins the other processes, if there are any; to be called before anything asks jax for its devices.

    They are told of each other by three variables of the environment, JAXDL_COORDINATOR (host:port of process 0),
    JAXDL_PROCESS_ID and JAXDL_PROCESS_COUNT; on a Cloud TPU and under Slurm or Open MPI jax finds out by itself.
    What all but process 0 print is dropped: there is one log. InputError where the variables make no sense. Who has not
    come is said after 20 s, and after 120 the process ends with exit code 1.
    """
    given = _given(os.environ)
    if given is None and not _is_cluster(os.environ):
        return
    address, process, count = given or (None, None, None)
    of_all = f"process {process} of {count} at {address}" if given else "a process of this cluster"
    missing = f"process {1 - process}" if count == 2 and process is not None else "at least one of the others"
    met = threading.Event()
    said = f"{of_all} waits: {missing} is missing; the same command must run once for each process"
    threading.Thread(target=_impatient, args=(met, said), daemon=True).start()
    # Beyond its own timeout it would end the process with a stack trace.
    jax.distributed.initialize(
        address, count, process, initialization_timeout=2 * WAIT, heartbeat_timeout_seconds=HEARTBEAT
    )
    met.set()
    if not is_first():
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (for the rest of the process)


def _impatient(met: threading.Event, said: str) -> None:
    """Says who is missing, and later ends the process, unless all have met."""
    if met.wait(PATIENCE):
        return
    print(said, file=sys.stderr, flush=True)
    if not met.wait(WAIT - PATIENCE):
        print(f"nobody came within {WAIT} s", file=sys.stderr, flush=True)
        os._exit(1)


def is_first() -> bool:
    """Whether this is process 0: the one that writes the log, the summary and the report."""
    return jax.process_index() == 0


def meet(where: str) -> None:
    """Returns when every process is here."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(where)


def any_of(flag: bool) -> bool:
    """Whether the flag is set on one of the processes at least; all of them have to ask."""
    if jax.process_count() == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.array(flag))))


def name() -> str:
    """For a message: a comma and `process 1 of 2`, or nothing where there is only one."""
    if not jax.distributed.is_initialized() or jax.process_count() == 1:
        return ""
    return f", process {jax.process_index()} of {jax.process_count()}"


def _given(environment: Mapping[str, str]) -> tuple[str, int, int] | None:
    """(coordinator, process, count) from the variables, or None where there are none of them."""
    values = [environment.get(name, "") for name in (COORDINATOR, PROCESS_ID, PROCESS_COUNT)]
    if not any(values):
        return None
    address, process, count = values
    whole = process.isdecimal() and count.isdecimal() and int(process) < int(count)
    if not whole or not address.rpartition(":")[2].isdecimal():
        raise InputError(
            f"{COORDINATOR}={address} {PROCESS_ID}={process} {PROCESS_COUNT}={count}: "
            "expected all three, such as 10.0.0.1:8476, 0 and 2"
        )
    return address, int(process), int(count)


def _is_cluster(environment: Mapping[str, str]) -> bool:
    """Whether jax can find the other processes by itself: a Cloud TPU, or a job of Slurm or Open MPI with several."""
    tasks = [environment.get(name, "1") for name in ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")]
    is_tpu = Path("/dev/accel0").exists() or Path("/dev/vfio/0").exists()
    cpu_only = environment.get("JAX_PLATFORMS", "") == "cpu"
    return any(text.isdecimal() and int(text) > 1 for text in tasks) or (is_tpu and not cpu_only and _has_libtpu())


def _has_libtpu() -> bool:
    import importlib.util

    return importlib.util.find_spec("libtpu") is not None
