"""The arithmetic of what slides over a space: padding, places, parameters and multiplications."""

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxdl.errors import InputError

Whole = int | np.integer
Padding = str | Whole | Sequence[Whole | tuple[Whole, Whole]]
"""`VALID` (none), `SAME` (the output has ⌈n/s⌉ places), or so many zeros: on every side, on both sides of each
dimension, or (before, after) of each."""


class Window(NamedTuple):
    """What slides over a space, a value for each dimension: its size f, stride s, zeros (before, after), dilation d."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def places(self, space: Sequence[int]) -> tuple[int, ...]:
        """⌊(n + p − d·(f − 1) − 1) / s⌋ + 1 in each dimension, p the zeros on both sides."""
        return tuple((n + sum(p) - d * (f - 1) - 1) // s + 1 for n, f, s, p, d in zip(space, *self, strict=True))


def window(
    space: Sequence[int],
    size: Sequence[int],
    strides: Whole | Sequence[Whole] = 1,
    padding: Padding = "VALID",
    dilation: Whole | Sequence[Whole] = 1,
) -> Window:
    """A window for this space. InputError for numbers that don't fit it, and a space smaller than the window."""
    sized = each(size, len(space), "size")
    steps, apart = each(strides, len(space), "strides"), each(dilation, len(space), "dilation")
    found = Window(sized, steps, padded(padding, space, sized, steps, apart), apart)
    if min(found.places(space)) < 1:
        given, needed, between = ("×".join(map(str, numbers)) for numbers in (space, sized, apart))
        spread = f", its places {between} apart" if max(apart) > 1 else ""
        raise InputError(f"an input of {given} is too small for a window of {needed}{spread}: enlarge or pad it")
    return found


def each(value: Whole | Sequence[Whole], dimensions: int, name: str) -> tuple[int, ...]:
    """A number of at least 1 for every dimension."""
    values = tuple(map(operator.index, (value,) * dimensions if isinstance(value, Whole) else value))
    if len(values) != dimensions or min(values) < 1:
        raise InputError(f"{name} {value}: expected a number of at least 1, or {dimensions} of them")
    return values


def padded(
    padding: Padding, space: Sequence[int], size: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """The zeros (before, after) each dimension. InputError for what is no padding."""
    if padding == "VALID":
        return ((0, 0),) * len(space)
    if padding == "SAME":
        # Half of what is missing on each side, the odd one after.
        needed = [
            max((math.ceil(n / s) - 1) * s + d * (f - 1) + 1 - n, 0)
            for n, f, s, d in zip(space, size, strides, dilation, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in needed)
    sides = (padding,) * len(space) if isinstance(padding, Whole) else tuple(padding)
    pairs: list[Any] = [(side, side) if isinstance(side, Whole) else tuple(side) for side in sides]
    good = all(len(pair) == 2 and all(isinstance(n, Whole) and n >= 0 for n in pair) for pair in pairs)
    if len(pairs) != len(space) or not good:
        raise InputError(
            f"padding {padding!r}: expected VALID, SAME, a number of at least 0, or one or a pair of them for each of "
            f"{len(space)} dimensions"
        )
    return tuple((int(before), int(after)) for before, after in pairs)


def output_size(n: int, f: int, p: int = 0, s: int = 1, d: int = 1) -> int:
    """⌊(n + 2p − d·(f − 1) − 1) / s⌋ + 1: places of f values, d apart, on n values with p zeros on both sides."""
    return window((n,), (f,), s, p, d).places((n,))[0]


def parameters(size: Sequence[int], c_in: int, c_out: int, groups: int = 1, bias: bool = True) -> int:
    """f·f·(c_in / g)·c_out weights, and c_out biases."""
    return math.prod(size) * (c_in // groups) * c_out + bias * c_out


def multiplications(space: Sequence[int], size: Sequence[int], c_in: int, c_out: int, groups: int = 1) -> int:
    """n·n·c_out outputs, each the sum of f·f·(c_in / g) products; `space` is the output's."""
    return math.prod(space) * c_out * math.prod(size) * (c_in // groups)
