"""`rgnet score`: photos in, scores out."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.results import Record, ScoredPhoto, ScoreFailure
from rgnet.text import printable

FAILURES_SHOWN = 10


def score(
    paths: Annotated[
        list[str], typer.Argument(help="Photos, folders, or - for a list of paths on standard input.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write every row here: .csv, .jsonl, .json or .parquet."),
    ] = None,
    model: options.Model = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor cores to use; left out: all.")] = None,
    fit: Annotated[
        Literal["squash", "keep"] | None,
        typer.Option(
            help="keep: a photo's own shape, at no more pixels; squash: a square. Left out: as in the model's exam."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Rows of the printed table, best first.")] = 20,
) -> None:
    """Score photos and print the best first.

    Example:  rgnet score ~/Pictures/wedding --output scores.csv
    """
    import rgnet
    from rgnet.cli.progress import track
    from rgnet.outputs.tables import open_table

    photos = listed(paths)
    tally = Tally(top)
    with open_table(output) if output else nullcontext(ignore) as write:
        scorer = rgnet.load(model, engine=engine, precision=precision, threads=threads, fit=fit)
        records = track(scorer.score_many(photos), total=len(photos), description="scoring")
        interrupted = consume(records, tally, write)
    tally.print(len(photos), output)
    if interrupted:
        raise typer.Exit(130)
    if tally.failed:
        raise typer.Exit(3)


def consume(records: Iterable[Record], tally: Tally, write: Callable[[Record], object]) -> bool:
    """Write and count every record; on Ctrl-C keep what is there. Returns whether it was interrupted."""
    try:
        for record in records:
            write(record)
            tally.add(record)
    except KeyboardInterrupt:
        return True
    return False


def ignore(_record: Record) -> None:
    """Write no row."""


def listed(paths: Iterable[str]) -> list[str]:
    """Every photo once, in the order given; folders are walked, - is read from standard input."""
    from rgnet.errors import SettingError
    from rgnet.imaging.discovery import photo_names

    words = [word for path in paths for word in (from_stdin() if path == "-" else (path,))]
    photos = list(dict.fromkeys(photo_names(words)))
    if not photos:
        raise SettingError(f"no photos found in {', '.join(words) or 'the list on standard input'}")
    return photos


def from_stdin() -> Iterator[str]:
    """Paths divided by NUL where there is one, else by lines."""
    import os

    data = sys.stdin.buffer.read()
    divider = b"\0" if b"\0" in data else b"\n"
    return (os.fsdecode(line.rstrip(b"\r")) for line in data.split(divider) if line.strip())


@dataclass
class Tally:
    """What the summary needs, of any number of records: the best few, the first failures, and counts."""

    top: int
    best: list[tuple[float, int, ScoredPhoto]] = field(default_factory=list)
    failures: list[ScoreFailure] = field(default_factory=list)
    scored: int = 0
    failed: int = 0

    def add(self, record: Record) -> None:
        if isinstance(record, ScoreFailure):
            self.failed += 1
            if len(self.failures) < FAILURES_SHOWN:
                self.failures.append(record)
            return
        self.scored += 1
        heapq.heappush(self.best, (record.score, -self.scored, record))
        if len(self.best) > self.top:
            heapq.heappop(self.best)

    def print(self, total: int, output: Path | None) -> None:
        photos = [photo for _, _, photo in sorted(self.best, reverse=True)]
        print_photos(photos)
        for failure in self.failures:
            typer.echo(f"not scored: {printable(failure.error)}", err=True)
        more = self.failed - len(self.failures)
        if more > 0:
            typer.echo(f"not scored: {more} more; the rows of --output name each", err=True)
        typer.echo(self.summary(total, output), err=True)

    def summary(self, total: int, output: Path | None) -> str:
        words = [f"{self.scored} scored", f"{self.failed} failed"]
        if (left := total - self.scored - self.failed) > 0:
            words.append(f"{left} not reached")
        where = f"; rows in {output}" if output else ""
        return f"{', '.join(words)} of {total}{where}"


def print_photos(photos: list[ScoredPhoto]) -> None:
    """A table on a terminal; score, percentile and path between tabs in a pipe."""
    if sys.stdout.isatty():
        print_table(photos)
        return
    for photo in photos:
        print(f"{photo.score:.3f}\t{photo.percentile:.1f}\t{printable(photo.path)}")


def print_table(photos: list[ScoredPhoto]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not photos:
        return
    classifier = photos[0].probability is not None
    notes = any(photo.notes for photo in photos)
    table = Table(
        title=f"{photos[0].model} ({photos[0].model_hash}) on {photos[0].engine}", title_justify="left"
    )
    table.add_column("score", justify="right", style="bold")
    table.add_column("percentile", justify="right")
    if classifier:
        table.add_column("label")
        table.add_column("p(high)", justify="right")
    table.add_column("photo", overflow="fold")
    if notes:
        table.add_column("notes", overflow="fold")
    for photo in photos:
        row = [f"{photo.score:.2f}", f"{photo.percentile:.0f}"]
        row += [photo.label, f"{photo.probability:.3f}"] if classifier else []
        table.add_row(*row, printable(photo.path), *(["; ".join(photo.notes)] if notes else []))
    Console(markup=False, highlight=False).print(table)
