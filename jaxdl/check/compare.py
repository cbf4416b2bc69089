"""The judgement: analytic gradients beside differences, coordinate by coordinate, leaf by leaf, example by example."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float64, Int

from jaxdl.check.differences import Flat, Leaf, differences
from jaxdl.check.report import LeafCheck, Report
from jaxdl.errors import InputError

FEW = 0.05  # of the checked coordinates may be left out at kinks; with more, nothing can be said


@dataclass(frozen=True)
class Measured:
    """Gradients along n coordinates for E values: analytic g, numeric ĝ, and the rounding error of ĝ.

    closer   which coordinates were compared at ε/100
    kinks    where the one-sided differences disagree however small ε is; g and ĝ are 0 there
    """

    g: Float64[np.ndarray, "n E"]
    numeric: Float64[np.ndarray, "n E"]
    rounding: Float64[np.ndarray, "n E"]
    closer: Bool[np.ndarray, " n"]
    kinks: Bool[np.ndarray, "n E"]


def compare(
    values: Callable[[jax.Array], jax.Array],
    gradients: Callable[[jax.Array], jax.Array],
    flat: Flat,
    summed: Callable[[jax.Array], jax.Array] | None = None,
    *,
    epsilon: float,
    sample: int | None,
    seed: int,
    tolerance: float,
) -> Report:
    """Holds gradients: θ -> [E, P] against the differences of values: θ -> [E], their sum against summed: θ -> [P]."""
    for name, given in (("epsilon", epsilon), ("tolerance", tolerance), ("sample", sample)):
        if given is not None and not 0 < given < math.inf:
            raise InputError(f"{name} = {given}: expected a finite number > 0")
    coordinates = _coordinates(flat.leaves, sample, seed)
    analytic = np.asarray(jax.jit(gradients)(flat.theta))
    total = None if summed is None else np.asarray(jax.jit(summed)(flat.theta))
    with np.errstate(invalid="ignore", over="ignore"):
        measured = _measure(values, flat, analytic, coordinates, epsilon, tolerance)
        leaves = [_judge(leaf, coordinates, measured, analytic, total, tolerance) for leaf in flat.leaves]
        difference = _relative_difference(measured.g, measured.numeric)
    kinks = [_name(flat.leaves, place) for place in coordinates[measured.kinks.any(1)].tolist()]
    closer = [_name(flat.leaves, place) for place in coordinates[measured.closer].tolist()]
    lost = ~np.isfinite([measured.g, measured.numeric]).all((0, 2))
    infinite = [_name(flat.leaves, place) for place in coordinates[lost].tolist()]
    if not np.isfinite(measured.rounding).all():
        infinite = ["these parameters"]
    few = len(kinks) <= FEW * len(coordinates)
    ok = few and all(leaf.ok for leaf in leaves)
    warnings = _warnings(leaves, kinks, few, closer, infinite)
    if not ok and _casts_down(jax.make_jaxpr(values)(flat.theta).jaxpr):
        warnings.append("something on the way is rounded from float64 to a smaller type: differences drown in that")
    return Report(ok, difference, tolerance, epsilon, _worst_first(leaves), tuple(kinks), tuple(warnings))


def _coordinates(leaves: tuple[Leaf, ...], sample: int | None, seed: int) -> Int[np.ndarray, " n"]:
    """All coordinates, or so many of each leaf, in order."""
    rng = np.random.default_rng(seed)
    chosen = []
    for leaf in leaves:
        inside = np.arange(leaf.size)
        if sample is not None and sample < leaf.size:
            inside = np.sort(rng.choice(leaf.size, sample, replace=False, shuffle=False))
        chosen.append(leaf.start + inside)
    return np.concatenate(chosen)


def _measure(
    values: Callable[[jax.Array], jax.Array],
    flat: Flat,
    analytic: Float64[np.ndarray, "E P"],
    coordinates: Int[np.ndarray, " n"],
    epsilon: float,
    tolerance: float,
) -> Measured:
    """Central differences; where they disagree with g, again with ε/100.

    A kink between θ and θ ± ε spoils a difference but not the gradient, and drops out as ε shrinks; a wrong gradient
    stays as wrong as it was. Right at a kink g is compared with nothing if it lies between the one-sided differences.
    What is infinite or NaN is as wrong as can be, and no kink.
    """
    found = differences(values, flat.theta, coordinates, epsilon)
    g, numeric = analytic.T[coordinates], found.central.copy()
    rounding = np.broadcast_to(found.rounding, g.shape).copy()
    error = np.nan_to_num(np.abs(g - numeric), nan=np.inf, posinf=np.inf)
    shares = np.concatenate([_share(g[_within(leaf, coordinates)]) for leaf in flat.leaves])
    noticed = np.maximum(shares * tolerance, rounding)
    closer, kinks = np.zeros(len(g), bool), np.zeros(g.shape, bool)
    again = np.flatnonzero((error > noticed).any(1))
    if again.size:
        near = differences(values, flat.theta, coordinates[again], epsilon / 100)
        near_error = np.abs(g[again] - near.central)
        better = near_error < error[again] / 2
        numeric[again] = np.where(better, near.central, numeric[again])
        rounding[again] = np.where(better, near.rounding, rounding[again])
        kinks[again] = (near_error > np.maximum(noticed[again], near.rounding)) & (near_error <= 1.1 * near.bend)
        kinks[again] &= np.isfinite(error[again]) & np.isfinite(near_error)
        closer[again] = better.any(1) & ~kinks[again].any(1)
    return Measured(np.where(kinks, 0.0, g), np.where(kinks, 0.0, numeric), rounding, closer, kinks)


def _judge(
    leaf: Leaf,
    coordinates: Int[np.ndarray, " n"],
    measured: Measured,
    analytic: Float64[np.ndarray, "E P"],
    total: Float64[np.ndarray, " P"] | None,
    tolerance: float,
) -> LeafCheck:
    inside = _within(leaf, coordinates)
    g, numeric, kinks = measured.g[inside], measured.numeric[inside], measured.kinks[inside]
    found = [_relative_difference(g[:, e], numeric[:, e]) for e in range(g.shape[1])]
    error = np.abs(g - numeric)
    allowed = _norms(measured.rounding[inside])
    passes = (np.array(found) <= tolerance) | (_norms(error) <= allowed)
    passes &= np.isfinite(found) & np.isfinite(allowed)
    e = max(range(len(found)), key=lambda e: (not passes[e], np.nan_to_num(found[e], nan=math.inf)))
    at = int(np.argmax(np.nan_to_num(error[:, e], nan=math.inf)))
    apart = None
    if total is not None:
        own = analytic[:, leaf.start : leaf.start + leaf.size]
        apart = _sum_difference(own, total[leaf.start : leaf.start + leaf.size])
    return LeafCheck(
        path=leaf.path,
        size=leaf.size,
        checked=int((~kinks.any(1)).sum()),
        analytic_norm=float(_norms(g)[e]),
        numeric_norm=float(_norms(numeric)[e]),
        difference=found[e],
        index=_index(leaf, int(coordinates[inside][at])),
        analytic=float(g[at, e]),
        numeric=float(numeric[at, e]),
        rounding=float(allowed[e]),
        ok=bool(passes.all()) and (apart is None or apart <= tolerance),
        example=None if total is None else e,
        sum_difference=apart,
    )


def _warnings(
    leaves: list[LeafCheck], kinks: list[str], few: bool, closer: list[str], infinite: list[str]
) -> list[str]:
    warnings = []
    if infinite:
        warnings.append(f"the value or its gradient is infinite or NaN at {_some(infinite)}: nothing can judge it")
    if closer:
        warnings.append(f"a kink (ReLU, max) within ε, or a strong bend, at {_some(closer)}: compared at ε/100")
    if kinks:
        judged = "left out" if few else "too many to judge"
        warnings.append(f"a kink (ReLU, max) right at {_some(kinks)}: {judged}")
    sizes = {leaf.path: leaf.analytic_norm + leaf.numeric_norm for leaf in leaves}
    if not any(sizes.values()):
        warnings.append("all gradients are 0: nothing was checked")
    faint = [leaf.path for leaf in leaves if 0 < sizes[leaf.path] < 10 * leaf.rounding < math.inf]
    if faint:
        warnings.append(f"the gradient of {_some(faint)} is too small beside the value for differences to resolve")
    return warnings


def _relative_difference(g: np.ndarray, numeric: np.ndarray) -> float:
    """‖g − ĝ‖ / (‖g‖ + ‖ĝ‖), 0 where both are 0, NaN where either is not finite."""
    size = np.linalg.norm(g) + np.linalg.norm(numeric)
    if not np.isfinite(size):
        return math.nan
    return float(np.linalg.norm(g - numeric) / size) if size > 0 else 0.0


def _sum_difference(own: np.ndarray, total: np.ndarray) -> float:
    """‖Σ gₑ − G‖ / (Σ ‖gₑ‖ + ‖G‖): the examples may cancel, their rounding does not."""
    size = np.linalg.norm(own, axis=1).sum() + np.linalg.norm(total)
    if not np.isfinite(size):
        return math.nan
    return float(np.linalg.norm(own.sum(0) - total) / size) if size > 0 else 0.0


def _norms(columns: np.ndarray) -> np.ndarray:
    return np.linalg.norm(columns, axis=0)


def _share(g: np.ndarray) -> np.ndarray:
    """What one coordinate may contribute to a difference of 1 over all of them."""
    return np.broadcast_to(2 * _norms(g) / math.sqrt(max(len(g), 1)), g.shape)


def _within(leaf: Leaf, coordinates: np.ndarray) -> slice:
    return slice(*np.searchsorted(coordinates, [leaf.start, leaf.start + leaf.size]))


def _index(leaf: Leaf, coordinate: int) -> tuple[int, ...]:
    return tuple(int(place) for place in np.unravel_index(coordinate - leaf.start, leaf.shape))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _name(leaves: tuple[Leaf, ...], coordinate: int) -> str:
    leaf = next(leaf for leaf in leaves if leaf.start <= coordinate < leaf.start + leaf.size)
    return f"{leaf.path}{list(_index(leaf, coordinate))}"


def _worst_first(leaves: list[LeafCheck]) -> tuple[LeafCheck, ...]:
    """Failed before passed, then by difference, NaN before all."""
    return tuple(sorted(leaves, key=lambda leaf: (leaf.ok, -np.nan_to_num(leaf.difference, nan=math.inf))))


def _casts_down(jaxpr: Any) -> bool:
    """Whether some value is rounded from float64 to a smaller floating type, here or in an inner function."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "convert_element_type" and equation.invars[0].aval.dtype == np.float64:
            to = equation.outvars[0].aval.dtype
            if jnp.issubdtype(to, jnp.floating) and to.itemsize < 8:
                return True
        inner = jax.tree.leaves(list(equation.params.values()), is_leaf=lambda value: hasattr(value, "eqns"))
        if any(_casts_down(getattr(value, "jaxpr", value)) for value in inner if hasattr(value, "eqns")):
            return True
    return False
