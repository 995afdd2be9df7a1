"""Progress of long work: a bar with rate and time left on a terminal, nothing in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], *, total: int | None, description: str) -> Iterator[Item]:
    """Pass items on and draw how far they are, on standard error."""
    with counter(lambda: total, description) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def counter(total: Callable[[], int | None], description: str) -> Iterator[Callable[[], None]]:
    """A function to call for each finished item; `total` is asked only where there is a terminal to draw on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn(description), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total(), rate="")

        def advance() -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")

        yield advance
