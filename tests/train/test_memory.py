"""Memory is kept between the steps."""

import platform
import subprocess
import sys

import pytest

from jaxdl.train.memory import keep_freed_memory

FAULTS = """
import resource, sys
from jaxdl.train.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

import jax, jax.numpy as jnp

step = jax.jit(lambda x: jnp.sort(jnp.sin(x)[:, None] * jnp.arange(8.0), 0).sum())  # 8 * 2**21 floats: 64 MB
x = jnp.ones(2**21)
for _ in range(3):
    step(x).block_until_ready()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    step(x).block_until_ready()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 4)
"""


def faults(how):
    command = [sys.executable, "-c", FAULTS, how]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def test_a_step_with_large_temporaries_takes_its_memory_from_the_system_once():
    """64 MB are 16,384 pages. Where the C library is not glibc there is nothing to keep, and it is said so."""
    if platform.libc_ver()[0] != "glibc":
        assert not keep_freed_memory()
        return
    assert faults("keep") < faults("leave") / 3


@pytest.mark.parametrize("plugin", ["libtpu", "jax_cuda12_plugin", "jax_cuda13_plugin"])
def test_beside_an_accelerator_the_c_library_is_left_alone(plugin, monkeypatch):
    monkeypatch.setattr("jaxdl.train.memory.find_spec", lambda name: name == plugin or None)
    assert not keep_freed_memory()
