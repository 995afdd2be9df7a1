"""Photos that failed, on standard error: a line for each of the first few, then how many more there are."""

from __future__ import annotations

from dataclasses import dataclass, field

import typer

from rgnet.text import printable

_SHOWN = 10


@dataclass(slots=True)
class FailureLog:
    """verb: what the photos were not
    first: lines about the first few
    """

    verb: str = "scored"
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, path: str, error: str) -> None:
        self.add_line(f"{path}: {error}")

    def add_line(self, line: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(line)

    def print(self, remedy: str) -> None:
        """remedy: how to see those that are only counted."""
        for line in self.first:
            typer.echo(f"not {self.verb}: {printable(line)}", err=True)
        if more := self.count - len(self.first):
            typer.echo(f"not {self.verb}: {more} more photos; {remedy}", err=True)
