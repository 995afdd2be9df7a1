"""The end of a command on Ctrl-C and SIGTERM: what was kept, and how to go on."""

from __future__ import annotations

import functools
import inspect
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

import typer

from rgnet.cli.exit_codes import INTERRUPTED

Options = ParamSpec("Options")
NOTHING_KEPT = "nothing was kept; run the same command again to start over"
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


def interrupted(kept: str) -> typer.Exit:
    """The end of a command on Ctrl-C, to be raised. kept: what became of the work, and what to do."""
    typer.echo(f"stopped: {kept}", err=True)
    return typer.Exit(INTERRUPTED)


def explain_interrupt(
    kept: str | Callable[..., str],
) -> Callable[[Callable[Options, None]], Callable[Options, None]]:
    """On Ctrl-C a command ends with `kept` in a line: {names} in it are those of its arguments, or it is given them."""

    def explaining(command: Callable[Options, None]) -> Callable[Options, None]:
        @functools.wraps(command)
        def run(*args: Options.args, **kwargs: Options.kwargs) -> None:
            try:
                command(*args, **kwargs)
            except KeyboardInterrupt:
                arguments = inspect.signature(command).bind(*args, **kwargs).arguments
                tell = kept.format if isinstance(kept, str) else kept
                raise interrupted(tell(**arguments)) from None

        return run

    return explaining


def kept_epochs(output: Path, **_: object) -> str:
    """What training in this folder keeps. Its files are looked for by suffix: torch may be half imported."""
    if any(output.glob("*.ckpt")):
        return f"the last finished epoch is kept in {output}; add --resume to continue from it"
    return "no epoch was finished, and nothing was kept; run the same command again to start over"
