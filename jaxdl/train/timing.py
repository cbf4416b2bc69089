"""Where the time of a training goes: a profiler trace of some steps, and how long a step takes."""

import statistics
import time
from collections import deque
from pathlib import Path

import jax


class Profile:
    """A `jax.profiler` trace of the steps [start, stop), or of none."""

    def __init__(self, span: tuple[int, int] | None, directory: Path):
        self.span, self.directory = span, directory
        self.tracing = False

    def at(self, step: int) -> None:
        """Called before each step."""
        if self.span is None:
            return
        if step >= self.span[1]:
            self.end()
        elif step >= self.span[0] and not self.tracing:
            jax.profiler.start_trace(str(self.directory))
            self.tracing = True

    def end(self) -> None:
        """Writes the trace, if one is under way."""
        if self.tracing:
            jax.profiler.stop_trace()
            self.tracing, self.span = False, None


class Pace:
    """How long a step takes: the median over the last thousand calls that nothing came between."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=1000)
        self._before: float | None = None

    def step(self, count: int, pausing: bool) -> None:
        """A call of so many steps has been launched; the time to the next one doesn't count if it is pausing."""
        now = time.perf_counter()
        if self._before is not None:
            self._seconds.append((now - self._before) / count)
        self._before = None if pausing else now

    def facts(self) -> dict[str, float]:
        """{"step_ms": milliseconds}, or nothing where no two steps followed one another."""
        return {"step_ms": 1e3 * statistics.median(self._seconds)} if self._seconds else {}
