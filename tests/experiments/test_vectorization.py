import numpy as np
import pytest

from experiments.foundations.vectorization import Config, measure, works
from jaxdl.errors import InputError


def test_loop_numpy_and_jax_compute_the_same():
    for of in works(Config(length=2000, columns=100, loop_length=2000)).values():
        loop, numpy, jitted = (of[kind]() for kind in ("loop", "NumPy", "jitted JAX"))
        np.testing.assert_allclose(numpy, loop, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(jitted, loop, rtol=1e-4, atol=1e-6)


def test_a_call_is_many_times_faster_than_a_loop():
    seconds = measure(Config(length=200_000, columns=200, loop_length=2000, repeats=5))
    for of in seconds.values():
        assert of["loop"] > 8 * of["NumPy"]
    assert seconds["dot product"]["loop"] > 50 * seconds["dot product"]["NumPy"]
    assert np.median([of["loop"] / of["jitted JAX"] for of in seconds.values()]) > 8


def test_lengths_that_are_no_whole_rows_are_refused():
    with pytest.raises(InputError, match="whole rows of 1000"):
        measure(Config(loop_length=1500))
