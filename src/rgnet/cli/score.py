"""`rgnet score`: photos in, scores out."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import INTERRUPTED, exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import explain_interrupt
from rgnet.cli.tables import Column, print_json, print_rows
from rgnet.imaging.policy import SECONDS
from rgnet.results import Record, ScoredPhoto, ScoreFailure

_SCORE = (Column("score", ".3f", justify="right"), Column("percentile", ".1f", justify="right"))
_TASTE = Column("taste", ".3f", justify="right")
_CLASS = (Column("label"), Column("probability", ".3f", justify="right"))
_PATH = Column("path", wrap=True)


@explain_interrupt("no photo was scored; run the same command again")
def score(
    photos: options.Photos,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a row for every photo: .csv, .jsonl, .json or .parquet."),
    ] = None,
    model: options.Model = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    timeout: options.Timeout = SECONDS,
    fit: Annotated[
        Literal["squash", "keep"] | None,
        typer.Option(
            help="keep: preserve the aspect ratio (same pixel budget); squash: resize to a square.",
            show_default="whatever the model was evaluated with",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Number of photos to print, best first.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every photo as a line of JSON, in the order given.")
    ] = False,
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
) -> None:
    """Score photos and print the best first.

    Folders are searched with their subfolders. A photo that cannot be scored is a row that says why, and the exit
    code is then 3.

    Examples:
    $ rgnet score ~/Pictures/wedding --output scores.csv
    $ rgnet score beach.jpg --json
    $ find . -name '*.jpg' -print0 | rgnet score -
    """
    import rgnet
    from rgnet.cli.photos import find_arguments
    from rgnet.cli.progress import track
    from rgnet.cli.skipping import Skipping
    from rgnet.imaging.workers import DecodePool
    from rgnet.outputs.tables import open_table

    skipping = Skipping(exclude, include)
    paths = find_arguments(photos, skipping.selection)
    summary = _Summary(0 if as_json else top)
    with (
        open_table(output) if output else nullcontext(_ignore) as write,
        DecodePool(threads, seconds=timeout) as pool,
    ):
        pool.start(len(paths))
        scorer = rgnet.load(model, engine=engine, precision=precision, threads=threads, fit=fit)
        records = track(scorer.score_many(paths, pool=pool), total=len(paths), description="scoring")
        interrupted = _consume(_print_each(records) if as_json else records, summary, write)
    if not as_json:
        print_photos(summary.best_photos())
    skipping.print()
    summary.report(len(paths), output)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    exit_if_failed(summary.failures.count)


def print_photos(
    photos: list[ScoredPhoto], more: Sequence[Mapping[str, object]] = (), *, as_json: bool = False
) -> None:
    """Best first, with their classes where the model has them. more: marks and taste, shown where there are any"""
    classes = any(photo.probability is not None for photo in photos)
    notes = any(photo.notes for photo in photos)
    given = list(more) or [{}] * len(photos)
    marked = [Column(name) for name in ("pick", "stars", "colour") if any(mark.get(name) for mark in given)]
    taste = (_TASTE,) if any("taste" in mark for mark in given) else ()
    columns = (*_SCORE[:1], *taste, *_SCORE[1:], *(_CLASS if classes else ()), *marked, _PATH)
    columns = (*columns, *([Column("notes", wrap=True)] if notes else ()))
    title = f"{photos[0].model} ({photos[0].model_hash}) on {photos[0].engine}" if photos else ""
    rows = (photo.to_dict() | dict(mark) for photo, mark in zip(photos, given, strict=True))
    print_rows(columns, rows, as_json=as_json, title=title)


def _print_each(records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        print_json(record.to_dict())
        yield record


def _consume(records: Iterable[Record], summary: _Summary, write: Callable[[Record], object]) -> bool:
    """Write and count every record; on Ctrl-C keep what is there. Returns whether it was interrupted."""
    try:
        for record in records:
            write(record)
            summary.add(record)
    except KeyboardInterrupt:
        return True
    return False


def _ignore(_record: Record) -> None:
    """Write no row."""


@dataclass
class _Summary:
    """What is printed at the end, of any number of records: the best few, the first failures, and counts."""

    top: int
    best: list[tuple[float, int, ScoredPhoto]] = field(default_factory=list)
    scored: int = 0
    failures: FailureLog = field(default_factory=FailureLog)

    def add(self, record: Record) -> None:
        if isinstance(record, ScoreFailure):
            self.failures.add(record.path, record.error)
            return
        self.scored += 1
        heapq.heappush(self.best, (record.score, -self.scored, record))
        if len(self.best) > self.top:
            heapq.heappop(self.best)

    def best_photos(self) -> list[ScoredPhoto]:
        return [photo for _, _, photo in sorted(self.best, reverse=True)]

    def report(self, total: int, output: Path | None) -> None:
        self.failures.print("the rows of --output name each")
        where = f"; rows in {output}" if output else ""
        typer.echo(counts_line(self.scored, self.failures.count, total) + where, err=True)


def counts_line(scored: int, failed: int, total: int) -> str:
    """What became of `total` photos; interrupted work leaves some that were not reached."""
    words = [f"{scored} scored", f"{failed} failed"]
    if rest := total - scored - failed:
        words.append(f"{rest} not reached")
    return f"{', '.join(words)} of {total} photos"
