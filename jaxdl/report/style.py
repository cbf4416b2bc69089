"""One look for every figure of a report: a colour per set, quiet axes, sizes in page pixels. No pyplot, no rcParams."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:  # matplotlib takes seconds to import, so its types are not named at run time
    Axes = Figure = Any

# The colour-blind-safe palette of Okabe and Ito (2008).
COLORS = {"train": "#0072B2", "dev": "#D55E00", "test": "#009E73"}
OTHERS = ("#CC79A7", "#E69F00", "#56B4E9")

INK = "#1f2328"
SOFT = "#59636e"
RULE = "#d0d7de"
SIZE = 9.0  # points; figures are made at the size they are read, 96 pixels an inch


def color(set_name: str) -> str:
    """The colour of a set, the same in every figure and table."""
    return COLORS.get(set_name) or OTHERS[sum(set_name.encode()) % len(OTHERS)]


def figure(width: float | int, height: float | int) -> Figure:
    """An empty figure of so many page pixels, on white, whose parts make room for one another."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 96, height / 96), layout="constrained", facecolor="white")


def tidy(axes: Axes, xlabel: str = "", ylabel: str = "") -> None:
    """Two spines, a faint grid behind, small grey ticks, labels in ink."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)
    axes.grid(color=RULE, linewidth=0.5, alpha=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=SOFT, labelsize=SIZE - 0.5, length=3, color=RULE)
    axes.tick_params(which="minor", colors=SOFT, labelsize=SIZE - 0.5, length=0)
    axes.set_xlabel(xlabel, fontsize=SIZE, color=INK)
    axes.set_ylabel(ylabel, fontsize=SIZE, color=INK)


def verbatim(text: str) -> str:
    """Text that matplotlib shows as it is: two dollar signs would start a formula."""
    return text.replace("$", r"\$")
