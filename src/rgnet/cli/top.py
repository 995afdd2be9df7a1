"""`rgnet top`: the best photos of the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from rgnet.cli import options


def top(
    count: Annotated[int, typer.Argument(min=1, help="How many.")] = 20,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    min_score: options.MinScore = None,
    max_score: options.MaxScore = None,
    since: options.Day = None,
    until: options.LastDay = None,
    folder: options.Folder = None,
) -> None:
    """Print the best photos of the catalogue, best first.

    Example:  rgnet top 50 --since 2026-01-01 --folder ~/Pictures/wedding
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import best
    from rgnet.cli.score import print_photos
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted = options.asked(opened, model, min_score, max_score, since, until, folder)
        photos = list(best(opened, wanted, count))
    print_photos(photos)
    if not photos:
        typer.echo("no photo of the catalogue is asked for by these options", err=True)
