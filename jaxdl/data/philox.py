"""Random numbers by counter: as quick to start at any place, and the same on every machine and release of NumPy."""

import numpy as np


def generator(seed: int, *stream: int) -> np.random.Generator:
    """The numbers of a seed, or of one of its streams: generator(seed, epoch) has nothing to do with the next epoch's.

    A seed may be negative. Source: Salmon et al. (2011), "Parallel Random Numbers: As Easy as 1, 2, 3", Philox-4×64.
    """
    first = int(seed) % 2**64  # int, for NumPy's whole numbers have no room for 2^64
    if not stream:
        return np.random.Generator(np.random.Philox(first))
    return np.random.Generator(np.random.Philox(key=np.array([first, *stream], np.uint64)))
