"""`rgnet verify`: what is wrong with a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def verify(
    data: Annotated[
        Path, typer.Argument(help="Folder of AVA, AADB or PARA's labels, or your own .csv or .parquet.")
    ],
    photos: options.PhotoFolder = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another data set, or a training list (a name a line), that must share no test photo."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for verify.json and ratings.png, or one .json or .png file."
        ),
    ] = None,
) -> None:
    """Decode every photo of a data set; report what is missing, unreadable, twice there, or leaks.

    Exit code 0 where all is well, 3 where something is wrong.

    Example:  rgnet verify PARA --photos PARA/imgs -o para-check
    """
    from rgnet import datasets
    from rgnet.cli.progress import track
    from rgnet.datasets import verify as checks

    targets = targets_of(output)
    rated = datasets.load(data, photos, strict=False, track=track)
    leaks = leaks_of(rated, against, photos) if against else {}
    verdict = checks.verify(rated, leaks=leaks, track=track)
    typer.echo(checks.report(verdict))
    for target in targets:
        write(verdict, target)
        typer.echo(f"wrote {target}")
    if verdict.problems:
        raise typer.Exit(3)


def leaks_of(rated, against: Path, photos: Path | None):
    from rgnet import datasets
    from rgnet.datasets import verify as checks

    if (
        against.is_file()
        and against.name not in datasets.READERS
        and against.suffix not in datasets.table.SUFFIXES
    ):
        return checks.leaks_from(rated, against)
    other = datasets.load(against, strict=False)
    if not datasets.any_photo(other):
        other = datasets.load(against, photos, strict=False)
    how = "name and by bytes" if datasets.any_photo(other) else "name only, for its photos are not there"
    typer.echo(f"{rated.name} is compared with {other.name} by {how}")
    return checks.leaks_between(rated, other)


def targets_of(output: Path | None) -> list[Path]:
    """The files to write; their folder is made at once, so that a wrong one is not found after minutes of work."""
    from rgnet.atomic import check_writable

    if output is None:
        return []
    one = output.suffix.lower() in (".json", ".png")
    targets = [output] if one else [output / "verify.json", output / "ratings.png"]
    for target in targets:
        check_writable(target)
    return targets


def write(verdict, target: Path) -> None:
    import json

    from rgnet.atomic import write_text
    from rgnet.datasets.picture import draw_ratings

    if target.suffix == ".png":
        draw_ratings(verdict.rated, target)
    else:
        write_text(target, json.dumps(verdict.to_dict(), indent=2) + "\n")
