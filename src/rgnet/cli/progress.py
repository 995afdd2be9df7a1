"""Progress of long work: a bar with rate and time left on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")
DELAY_S = 0.5


class Advance(Protocol):
    def __call__(self, count: int = 1) -> None: ...


def track(items: Iterable[Item], *, total: int | None, description: str) -> Iterator[Item]:
    """Pass items on, and draw on standard error how many have been."""
    with counter(lambda: total, description) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def counter(total: Callable[[], int | None], description: str) -> Iterator[Advance]:
    """A function to call for each finished item, or with a number for so many.

    `total` is called, and a bar drawn, only on a terminal and once the work has taken DELAY_S.
    """
    if not sys.stderr.isatty():
        yield lambda count=1: None
        return
    bar = _Bar(total, description)
    try:
        yield bar.advance
    finally:
        bar.close()


class _Bar:
    """Draws nothing at first: importing what draws takes longer than much of the work."""

    def __init__(self, total: Callable[[], int | None], description: str) -> None:
        self.total = total
        self.description = description
        self.begun = time.monotonic()
        self.done = 0
        self.drawing: Progress | None = None

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self.drawing is None and time.monotonic() - self.begun > DELAY_S:
            self.drawing = self._open()
        if self.drawing:
            [task] = self.drawing.tasks
            rate = f"{task.speed:.1f}/s" if task.speed else ""
            self.drawing.update(task.id, completed=self.done, rate=rate)

    def _open(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            *(TextColumn(self.description), BarColumn(), MofNCompleteColumn()),
            *(TextColumn("{task.fields[rate]}"), TimeRemainingColumn()),
        )
        drawing = Progress(*columns, console=Console(stderr=True), transient=True)
        drawing.add_task(self.description, total=self.total(), rate="")
        drawing.start()
        return drawing

    def close(self) -> None:
        if self.drawing:
            self.drawing.stop()
