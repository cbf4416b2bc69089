"""What a gradient check found, as a value: one row per parameter, a verdict, warnings, and a table to read."""

from dataclasses import dataclass

from jaxdl.check.columns import align


@dataclass(frozen=True)
class LeafCheck:
    """One parameter. The norms and the difference are its worst example's, over the checked coordinates.

    checked         how many coordinates, without those left out at a kink
    difference      ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖), 0 where both are 0, NaN where either is not finite
    index           the coordinate with the largest |g − ĝ|; `analytic` and `numeric` are g and ĝ there
    rounding        how much of ‖g − ĝ‖ float64 alone may account for
    example         the worst example's place among those checked; None where the cost of all was checked
    sum_difference  between the sum of the examples' gradients and the gradient of the sum; None for a cost
    """

    path: str
    size: int
    checked: int
    analytic_norm: float
    numeric_norm: float
    difference: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    rounding: float
    ok: bool
    example: int | None = None
    sum_difference: float | None = None


@dataclass(frozen=True)
class Report:
    """The verdict on a whole model; `leaves` has the worst first, and `str(report)` is a table of them.

    difference      ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖) over all leaves (and examples)
    kinks           the coordinates, as "path[index]", that were left out: there the slope jumps
    """

    ok: bool
    difference: float
    tolerance: float
    epsilon: float
    leaves: tuple[LeafCheck, ...]
    kinks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        size, checked = sum(leaf.size for leaf in self.leaves), sum(leaf.checked for leaf in self.leaves)
        failed = ", ".join(leaf.path or "the parameter" for leaf in self.leaves if not leaf.ok)
        verdict = "passed" if self.ok else f"FAILED at {failed}" if failed else "FAILED"
        head = f"gradient check {verdict}: relative difference {self.difference:.1e} (leaves: ≤ {self.tolerance:.0e})"
        head += f"; {checked:,} of {size:,} coordinates, ε = {self.epsilon:.0e}"
        return "\n".join([head, "", _table(self.leaves), *(f"\nwarning: {warning}" for warning in self.warnings)])


def _table(leaves: tuple[LeafCheck, ...]) -> str:
    header = ["leaf", "size", "checked", "‖analytic‖", "‖numeric‖", "difference", "worst at", "analytic", "numeric", ""]
    by_example = any(leaf.example is not None for leaf in leaves)
    rows = [[*header, "example", "sum"] if by_example else header]
    for leaf in leaves:
        row = [leaf.path or ".", f"{leaf.size:,}", f"{leaf.checked:,}"]
        row += [f"{leaf.analytic_norm:.4g}", f"{leaf.numeric_norm:.4g}", f"{leaf.difference:.1e}"]
        row += [str(list(leaf.index)), f"{leaf.analytic:.9g}", f"{leaf.numeric:.9g}", "" if leaf.ok else "FAILED"]
        rows.append([*row, str(leaf.example), f"{leaf.sum_difference:.1e}"] if by_example else row)
    return align(rows)
