"""`rgnet verify`: problems of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt
from rgnet.cli.tables import print_json

if TYPE_CHECKING:
    from rgnet.datasets.records import RatedPhotos
    from rgnet.datasets.verify import DataSetReport


@explain_interrupt(NOTHING_KEPT)
def verify(
    data: options.Labels,
    photos: options.PhotoFolder = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another data set, or a training list (one name a line), that must not share photos with this one."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for verify.json and ratings.png, or one .json or .png file."
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Decode every photo of a data set; report missing and unreadable photos, duplicates and train/test leaks.

    Exit code 0 if nothing is wrong, 3 if something is.

    Examples:
    $ rgnet verify PARA --photos PARA/imgs -o para-check
    $ rgnet verify my-ratings.csv --against PARA
    """
    from rgnet import datasets
    from rgnet.cli.progress import track
    from rgnet.datasets import verify as checks

    targets = _targets(output)
    rated = datasets.load(data, photos, strict=False, track=track)
    leaks = _find_leaks(rated, against, photos) if against else {}
    verdict = checks.verify(rated, leaks=leaks, track=track)
    print_json(verdict.to_dict()) if as_json else typer.echo(checks.format_report(verdict))
    for target in targets:
        _write(verdict, target)
        typer.echo(f"wrote {target}", err=True)
    exit_if_failed(verdict.problems)


def _find_leaks(rated: RatedPhotos, against: Path, photos: Path | None) -> dict[str, set[str]]:
    from rgnet import datasets
    from rgnet.datasets import custom
    from rgnet.datasets import verify as checks

    if against.is_file() and against.name not in datasets.READERS and against.suffix not in custom.SUFFIXES:
        return checks.leaks_from(rated, against)
    other = datasets.load(against, strict=False)
    if not datasets.has_photos(other):
        other = datasets.load(against, photos, strict=False)
    how = "name and content" if datasets.has_photos(other) else "name only: its photos were not found"
    typer.echo(f"comparing {rated.name} with {other.name} by {how}", err=True)
    return checks.leaks_between(rated, other)


def _targets(output: Path | None) -> list[Path]:
    """The files to write; their folder is made at once, so that a wrong one is not found after minutes of work."""
    from rgnet.atomic import check_writable

    if output is None:
        return []
    single = output.suffix.lower() in (".json", ".png")
    targets = [output] if single else [output / "verify.json", output / "ratings.png"]
    for target in targets:
        check_writable(target)
    return targets


def _write(verdict: DataSetReport, target: Path) -> None:
    import json

    from rgnet.atomic import write_text
    from rgnet.datasets.figures import draw_ratings

    if target.suffix == ".png":
        draw_ratings(verdict.rated, target)
    else:
        write_text(target, json.dumps(verdict.to_dict(), indent=2) + "\n")
