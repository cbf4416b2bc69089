"""Values as a reader wants them: settings as they are typed, numbers to four digits, times in their unit."""

import math
from typing import Any


def text(value: Any) -> str:
    """A value of the configuration as it would be typed."""
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value)) if value else "none"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def number(value: Any) -> str:
    """Four significant digits, so that a column lines up."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if isinstance(value, int):
        return f"{value}"
    if 1e4 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:#.4g}"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
