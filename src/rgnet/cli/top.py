"""`rgnet top`: the best photos of the catalogue."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from rgnet.cli import options


@options.with_filters
def top(
    count: Annotated[int, typer.Argument(min=1, help="Number of photos to print.")] = 20,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Of photos that look alike, only the best; see rgnet group.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Print the best photos of the catalogue, best first.

    Examples:
    $ rgnet top 50 --since 2026-01-01 --folder ~/Pictures/wedding
    $ rgnet top 5 --json
    $ rgnet top 20 --distinct
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_scored
    from rgnet.cli.score import print_photos
    from rgnet.culling.membership import find_distinct
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted = filters.select(opened, model)
        found = find_distinct(opened, wanted) if distinct else find_scored(opened, wanted, limit=count)
        rows = list(islice(found, count))
    print_photos([row.record for row in rows], [row.mark for row in rows], as_json=as_json)
    if not rows:
        typer.echo("no photos match these options", err=True)
