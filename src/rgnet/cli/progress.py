"""Progress of long work: a bar with rate and time left on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
PATIENCE_S = 0.5


def track(items: Iterable[Item], *, total: int | None, description: str) -> Iterator[Item]:
    """Pass items on and draw how far they are, on standard error."""
    with counter(lambda: total, description) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def counter(total: Callable[[], int | None], description: str) -> Iterator[Callable[..., None]]:
    """A function to call for each finished item, or with a number for so many.

    `total` is asked, and a bar drawn, where there is a terminal and the work takes longer than PATIENCE_S.
    """
    if not sys.stderr.isatty():
        yield lambda count=1: None
        return
    bar = Bar(total, description)
    try:
        yield bar.advance
    finally:
        bar.close()


class Bar:
    """Draws nothing at first: work that is done in a moment should not wait for a drawing of it."""

    def __init__(self, total: Callable[[], int | None], description: str) -> None:
        self.total = total
        self.description = description
        self.begun = time.monotonic()
        self.done = 0
        self.drawing = None

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self.drawing is None and time.monotonic() - self.begun > PATIENCE_S:
            self.drawing = self.open()
        if self.drawing:
            speed = self.drawing.tasks[0].speed
            self.drawing.update(self.task, completed=self.done, rate=f"{speed:.1f}/s" if speed else "")

    def open(self):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        rate = TextColumn("{task.fields[rate]}")
        columns = (
            TextColumn(self.description),
            BarColumn(),
            MofNCompleteColumn(),
            rate,
            TimeRemainingColumn(),
        )
        drawing = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = drawing.add_task(self.description, total=self.total(), rate="")
        drawing.start()
        return drawing

    def close(self) -> None:
        if self.drawing:
            self.drawing.stop()
