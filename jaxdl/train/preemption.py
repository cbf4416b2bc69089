"""SIGTERM and SIGINT as a request: finish the step, save, leave."""

import signal
from types import FrameType


class StopRequest:
    """Within the `with` block, remembers that SIGTERM or SIGINT arrived instead of dying of it.

    A second SIGINT interrupts at once, for the person who does not want to wait. Where training ended by itself before
    anybody looked, the signal is passed on at the end of the block: other trainings may be about to follow.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def __enter__(self) -> "StopRequest":
        self._before = {number: signal.signal(number, self._remember) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.signal and error[0] is None:
            signal.raise_signal(self.signal)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.signal == number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number

    @property
    def name(self) -> str:
        """SIGTERM or SIGINT, or nothing."""
        return signal.Signals(self.signal).name if self.signal else ""
