"""`rgnet explain`: why photos have their scores, as pictures and as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from rgnet.cli import options
from rgnet.cli.score import listed
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.explanation import Explanation
    from rgnet.weights.card import Scale

ENDINGS = (".png", ".npz", ".json")

Region = tuple[int, int]


class Question(NamedTuple):
    """What is asked of every photo; region is None for the highest-voted one."""

    what: str
    region: Region | None
    scale: Scale


def explain(
    photos: Annotated[
        list[str], typer.Argument(help="Photos, folders, or - for a list of paths on standard input.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Of one photo: a picture (.png), or every map as numbers (.npz, .json). Of any number: a folder, "
            "which gets all three. Left out: a picture of each photo, here.",
        ),
    ] = None,
    what: Annotated[
        Literal["votes", "weights", "graph", "stages", "what-if"],
        typer.Option(
            help="votes: every region's own score; weights: how much each counts; graph: which regions one hears; "
            "stages: which are like it, at three depths; what-if: what each part of the photo is worth.",
        ),
    ] = "votes",
    region: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="The region of graph and stages, counted from 0,0 at the top left. Left out: the highest-voted.",
        ),
    ] = None,
    model: options.Model = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output if it is there.")] = False,
) -> None:
    """Show what lifts a photo's score and what sinks it.

    Example:  rgnet explain beach.jpg --what what-if --output beach.png
    """
    import rgnet
    from rgnet.cli.progress import track
    from rgnet.errors import PhotoError

    place = parsed(region) if region else None
    targets = planned(listed(photos), output, force)
    scorer = rgnet.load(model)
    question = Question(what, place, scorer.card.scale)
    failed = 0
    for photo, files in track(targets.items(), total=len(targets), description="explaining"):
        try:
            answer(scorer, photo, files, question, named=len(targets) > 1)
        except PhotoError as problem:
            failed += 1
            typer.echo(f"not scored: {printable(str(problem))}", err=True)
    if failed:
        raise typer.Exit(3)


def answer(scorer, photo: str, files: list[Path], question: Question, *, named: bool) -> None:
    from rgnet.explanation import explain
    from rgnet.what_if import CELLS

    found = explain(scorer, photo, what_if=CELLS if question.what == "what-if" else None)
    region = question.region or found.best_region
    found.index(*region)
    for file in files:
        write(found, photo, file, question._replace(region=region))
    typer.echo((f"{printable(photo)}: " if named else "") + said(found, question.scale))
    print_ranked(found, question.what, region)
    typer.echo(f"wrote {', '.join(printable(str(file)) for file in files)}", err=True)


# --- what is asked ---------------------------------------------------------------------------------------


def parsed(region: str) -> Region:
    from rgnet.errors import SettingError

    parts = [part.strip() for part in region.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise SettingError(f"--region is ROW,COLUMN such as 3,7, not {region!r}")
    return int(parts[0]), int(parts[1])


def planned(photos: list[str], output: Path | None, force: bool) -> dict[str, list[Path]]:
    """The files that each photo is to have. Raises SettingError where that cannot be meant."""
    from rgnet.errors import SettingError

    targets = {photo: files_of(photo, output, alone=len(photos) == 1) for photo in photos}
    taken: dict[Path, str] = {}
    for photo, files in targets.items():
        if (other := taken.setdefault(files[0], photo)) != photo:
            raise SettingError(
                f"{other} and {photo} would both be {files[0].name}: explain one of them by itself"
            )
        for file in files:
            check_free(file, photos, force)
    return targets


def files_of(photo: str, output: Path | None, *, alone: bool) -> list[Path]:
    from rgnet.errors import SettingError

    name = f"{Path(photo).stem}.rgnet"
    if output is None:
        return [Path(f"{name}.png")]
    if output.is_dir() or not output.suffix:
        return [output / f"{name}{ending}" for ending in ENDINGS]
    if output.suffix.lower() not in ENDINGS:
        raise SettingError(
            f"an explanation is a file or a folder of them: {output} should end in {', '.join(ENDINGS)} or nothing"
        )
    if not alone:
        raise SettingError(f"{output} is one file and there are several photos: give --output a folder")
    return [output]


def check_free(file: Path, photos: list[str], force: bool) -> None:
    from rgnet.errors import SettingError

    if not file.exists():
        return
    precious = file.is_dir() or any(Path(photo).exists() and file.samefile(photo) for photo in photos)
    if precious or not force:
        raise SettingError(
            f"{file} is already there: give another --output" + ("" if precious else ", or --force")
        )


# --- what is written and said ----------------------------------------------------------------------------


def write(found: Explanation, photo: str, file: Path, question: Question) -> None:
    """A file that appears whole, in a folder made where there is none. Raises OutputError."""
    from rgnet.atomic import replacing
    from rgnet.errors import OutputError
    from rgnet.outputs.maps import WRITERS

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            if writer := WRITERS.get(file.suffix.lower()):
                writer(found, partial, region=question.region)
            else:
                draw(found, photo, partial, question)
    except OSError as problem:
        raise OutputError(f"{file} cannot be written: {problem.strerror or problem}") from problem


def draw(found: Explanation, photo: str, file: Path, question: Question) -> None:
    from rgnet.imaging.decode import decode
    from rgnet.outputs import figures as heatmap

    image = decode(photo, at_least=(heatmap.LONG_SIDE, heatmap.LONG_SIDE)).image
    heatmap.draw(found, image, file, what=question.what, region=question.region, scale=question.scale)


def said(found: Explanation, scale: Scale) -> str:
    scored = found.photo
    return (
        f"{scored.score:.2f} on the scale {scale.low:g}-{scale.high:g}, "
        f"better than {scored.percentile:.0f} % of the rated photos"
    )


def print_ranked(found: Explanation, what: str, region: Region) -> None:
    """What the map says place by place, most first: a table on a terminal, tabs in a pipe."""
    import sys

    titles = {"what-if": ("points", "cell"), "graph": (f"{region[0]},{region[1]} hears", "region")}
    if what not in titles:
        return
    rows = worths(found) if what == "what-if" else heard(found, region)
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    print_table((*titles[what], "left, top, right, bottom in pixels"), rows)


def worths(found: Explanation) -> list[tuple[str, str, str]]:
    """Every cell with the points that it is worth, from what lifts most to what distracts most."""
    grid = found.what_if.grid
    return [
        (f"{effect:+.3f}", f"{row},{column}", pixels(found, grid, (row, column)))
        for row, column, effect in found.what_if.ranked()
    ]


def heard(found: Explanation, region: Region) -> list[tuple[str, str, str]]:
    """Region by region what one hears, itself included, down to 1 %."""
    share_HW = found.hears(*region)
    order = [divmod(int(index), share_HW.shape[1]) for index in share_HW.argsort(axis=None)[::-1]]
    return [
        (f"{share_HW[place]:.0%}", f"{place[0]},{place[1]}", pixels(found, share_HW.shape, place))
        for place in order
        if share_HW[place] >= 0.01
    ]


def pixels(found: Explanation, grid: tuple[int, int], place: Region) -> str:
    """Where a cell of the grid lies in the upright photo."""
    from rgnet.results import box_of

    box = box_of(grid, *place, width=found.photo.width, height=found.photo.height)
    return ",".join(str(round(side)) for side in box)


def print_table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for title in titles:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
