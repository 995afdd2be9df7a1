"""A graceful end on Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class StopRequest:
    """number: of the signal that asked for an end; None as long as there was none."""

    number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    def exit_if_stopped(self) -> None:
        """End the command as the signal would have, with a line that says how to resume."""
        if self.number is not None:
            typer.echo("Stopped early; run the same command again to resume", err=True)
            raise typer.Exit(128 + self.number)


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """A request that the first signal sets; a second one ends the command at once."""
    request = StopRequest()

    def stop(number: int, _frame: object) -> None:
        request.number = number
        typer.echo("Finishing photos in progress; press Ctrl-C again to stop immediately", err=True)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
