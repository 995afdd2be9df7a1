"""`rgnet explain`: why photos have their scores, as pictures and as numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import explain_interrupt
from rgnet.cli.tables import Column, print_rows
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.explanation import Explanation
    from rgnet.imaging.jobs import DecodeJob
    from rgnet.scorer import Scorer
    from rgnet.weights.card import Scale

_BOX = Column("left,top,right,bottom", justify="right")
_SHOWN_SHARE = 0.01


class _Request(NamedTuple):
    """region: None for the one with the highest vote."""

    what: str
    region: tuple[int, int] | None


@explain_interrupt(
    "the files written so far are kept; run the same command again with --force to explain all photos"
)
def explain(
    photos: options.Photos,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="For one photo: a picture (.png), or every map as numbers (.npz, .json). For any number: a folder, "
            "which gets all three.",
            show_default="a picture of each photo in the current folder",
        ),
    ] = None,
    what: Annotated[
        Literal["votes", "weights", "graph", "stages", "what-if"],
        typer.Option(
            help="votes: each region's own score; weights: how much each one counts; graph: which regions one attends "
            "to; stages: which are similar to it, at three depths of the network; what-if: how the score changes "
            "without each part of the photo.",
        ),
    ] = "votes",
    region: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="The region for graph and stages, counted from 0,0 at the top left.",
            show_default="the one with the highest vote",
        ),
    ] = None,
    model: options.Model = None,
    force: options.Force = False,
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
) -> None:
    """Show what raises a photo's score and what lowers it.

    Examples:
    $ rgnet explain beach.jpg --output beach.png
    $ rgnet explain beach.jpg --what what-if --output beach.json
    """
    import rgnet
    from rgnet.cli.explanation_files import plan_files
    from rgnet.cli.photos import find_arguments
    from rgnet.cli.progress import track
    from rgnet.cli.skipping import Skipping
    from rgnet.explanation import explain_prepared
    from rgnet.imaging.workers import DecodePool
    from rgnet.results import ScoreFailure
    from rgnet.what_if import CELLS

    place = _parse_region(region) if region else None
    skipping = Skipping(exclude, include)
    plan = plan_files(find_arguments(photos, skipping.selection), output, force=force)
    request, cells = _Request(what, place), CELLS if what == "what-if" else None
    failures = FailureLog("explained")
    with DecodePool() as pool:
        pool.start(len(plan))
        scorer = rgnet.load(model)
        decoded = pool.in_order((photo, _decode_job(scorer, photo, plan[photo])) for photo in plan)
        for photo, answer in track(decoded, total=len(plan), description="explaining"):
            (found,) = explain_prepared(scorer, [photo], [scorer.take(answer)], what_if=cells)
            if isinstance(found, ScoreFailure):
                failures.add(photo, found.error)
            else:
                _report(found, next(iter(answer.pictures), b""), plan[photo], request, scorer.card.scale)
    skipping.print()
    failures.print("explain them one by one")
    exit_if_failed(failures.count)


def _decode_job(scorer: Scorer, photo: str, files: list[Path]) -> DecodeJob:
    """The input of the network, and where it is drawn the photo as large as that."""
    if all(file.suffix.lower() != ".png" for file in files):
        return scorer.decode_job(photo)
    from rgnet.outputs.figures import LONG_SIDE

    return replace(scorer.decode_job(photo), pictures=(LONG_SIDE,), picture_format="PNG")


def _report(found: Explanation, picture: bytes, files: list[Path], request: _Request, scale: Scale) -> None:
    """Write one photo's files, and print what they show."""
    from rgnet.cli.explanation_files import write_file

    region = request.region or found.best_region
    found.index(*region)
    for file in files:
        write_file(found, picture, file, what=request.what, region=region, scale=scale)
    typer.echo(
        f"{printable(found.photo.path)}: {found.photo.score:.2f} on the scale {scale.low:g}-{scale.high:g}, "
        f"better than {found.photo.percentile:.0f} % of the rated photos"
    )
    _print_ranked(found, request.what, region)
    typer.echo(f"wrote {', '.join(printable(str(file)) for file in files)}", err=True)


def _parse_region(text: str) -> tuple[int, int]:
    from rgnet.errors import SettingError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise SettingError(f"--region: expected ROW,COLUMN such as 3,7, found {text!r}")
    return int(parts[0]), int(parts[1])


def _print_ranked(found: Explanation, what: str, region: tuple[int, int]) -> None:
    """The cells of what-if, from what raises the score most; or what a region attends to, most first."""
    if what == "what-if" and found.what_if is not None:
        grid = found.what_if.grid
        columns = (Column("points", "+.3f", justify="right"), Column("row,column"), _BOX)
        print_rows(columns, [_place(found, grid, (r, c), "points", v) for r, c, v in found.what_if.ranked()])
    elif what == "graph":
        share_HW = found.attention(*region)
        columns = (Column("share", ".1%", justify="right"), Column("row,column"), _BOX)
        order = [divmod(int(index), share_HW.shape[1]) for index in share_HW.argsort(axis=None)[::-1]]
        shown = [place for place in order if share_HW[place] >= _SHOWN_SHARE]
        grid = found.regions.grid
        print_rows(columns, [_place(found, grid, place, "share", float(share_HW[place])) for place in shown])


def _place(
    found: Explanation, grid: tuple[int, int], place: tuple[int, int], name: str, value: float
) -> dict[str, object]:
    """A row for a cell of the grid: its value, and where it lies in the upright photo, in pixels."""
    from rgnet.results import box_of

    box = box_of(grid, *place, width=found.photo.width, height=found.photo.height)
    sides = ",".join(str(round(side)) for side in box)
    return {name: value, "row,column": f"{place[0]},{place[1]}", _BOX.name: sides}
