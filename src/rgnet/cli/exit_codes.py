"""What the exit code of a command means."""

from __future__ import annotations

import signal

import typer

USAGE = 2  # wrong usage, or an error that stopped the command
SOME_FAILED = 3  # done, but some photos failed
INTERRUPTED = 128 + signal.SIGINT


def exit_if_failed(failures: object) -> None:
    """End the command with SOME_FAILED where there are any."""
    if failures:
        raise typer.Exit(SOME_FAILED)
