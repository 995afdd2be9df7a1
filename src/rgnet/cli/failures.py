"""Photos that failed, on standard error: a line for each of the first few, then how many more there are.

Camera raw files and videos without the extra that opens them are one line together, which says how to install it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import typer

from rgnet.errors import NO_CAMERA_RAW, NO_VIDEO, install_command
from rgnet.text import printable

_SHOWN = 10
# What the reason begins with: the name of such files, and the extra
_EXTRAS = {NO_CAMERA_RAW: ("camera raw files", "raw"), NO_VIDEO: ("videos", "video")}


@dataclass(slots=True)
class FailureLog:
    """verb: what the photos were not
    first: lines about the first few
    without_extra: how many of them need an extra that is not installed, by their name and the extra
    """

    verb: str = "scored"
    count: int = 0
    first: list[str] = field(default_factory=list)
    without_extra: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, path: str, error: str) -> None:
        for reason, kind in _EXTRAS.items():
            if error.startswith(reason):
                self.count += 1
                self.without_extra[kind] += 1
                return
        self.add_line(f"{path}: {error}")

    def add_line(self, line: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(line)

    def print(self, remedy: str) -> None:
        """remedy: how to see those that are only counted."""
        for line in self.first:
            typer.echo(f"not {self.verb}: {printable(line)}", err=True)
        for (name, extra), count in self.without_extra.items():
            typer.echo(f"{count} {name} skipped: {install_command(extra)}", err=True)
        if more := self.count - self.without_extra.total() - len(self.first):
            typer.echo(f"not {self.verb}: {more} more photos; {remedy}", err=True)
