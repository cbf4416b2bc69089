"""Memory that the compiled step takes again and again: kept, instead of given back and fetched anew each time.

Nothing is imported here that starts threads: `keep_freed_memory` works only before there are any.
"""

import contextlib
import ctypes
from importlib.util import find_spec

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8
"""Numbers of the parameters of glibc's `mallopt`."""

ACCELERATORS = ("libtpu", "jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm7_plugin")


def keep_freed_memory() -> bool:
    """Tells the C library to hold on to what is freed; whether it was told. For a process that trains on a CPU.

    XLA allocates the temporaries of a step on a CPU as one block at each call and frees it after. Above 32 MB glibc has
    such a block mapped by the system each time, a page fault for every 4 KB, which was up to half of a ConvNet's step
    (docs/performance.md). With one arena, no mappings and no trimming below 2 GB the same memory serves every step;
    the process stays as large as it ever was. Where steps run on an accelerator, and on other C libraries, nothing
    changes.
    """
    if any(map(find_spec, ACCELERATORS)):
        return False
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(*pair) for pair in ((MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1), (ARENA_MAX, 1)))
    return False
