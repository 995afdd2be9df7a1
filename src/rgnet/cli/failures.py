"""Photos that failed, on standard error: a line for each of the first few, then how many more there are.

Camera raw files without the extra that opens them are one line together, which says how to install it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import typer

from rgnet.errors import NO_CAMERA_RAW, install_command
from rgnet.text import printable

_SHOWN = 10


@dataclass(slots=True)
class FailureLog:
    """verb: what the photos were not
    first: lines about the first few
    camera_raw: how many of them are camera raw files, and the extra is not installed
    """

    verb: str = "scored"
    count: int = 0
    first: list[str] = field(default_factory=list)
    camera_raw: int = 0

    def add(self, path: str, error: str) -> None:
        if error.startswith(NO_CAMERA_RAW):
            self.count += 1
            self.camera_raw += 1
        else:
            self.add_line(f"{path}: {error}")

    def add_line(self, line: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(line)

    def print(self, remedy: str) -> None:
        """remedy: how to see those that are only counted."""
        for line in self.first:
            typer.echo(f"not {self.verb}: {printable(line)}", err=True)
        if self.camera_raw:
            typer.echo(f"{self.camera_raw} camera raw files skipped: {install_command('raw')}", err=True)
        if more := self.count - self.camera_raw - len(self.first):
            typer.echo(f"not {self.verb}: {more} more photos; {remedy}", err=True)
