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
    by: options.By = "score",
    taste: options.TasteName = None,
    as_json: options.AsJson = False,
) -> None:
    """Print the best photos of the catalogue, best first.

    Examples:
    $ rgnet top 50 --since 2026-01-01 --folder ~/Pictures/wedding
    $ rgnet top 5 --json
    $ rgnet top 20 --distinct
    $ rgnet top 20 --by taste
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_scored
    from rgnet.cli.score import print_photos
    from rgnet.culling.membership import find_distinct
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted = options.with_taste(opened, filters.select(opened, model), by, taste)
        if distinct:
            found = find_distinct(opened, wanted, order=by)
        else:
            found = find_scored(opened, wanted, order=by, limit=count)
        rows = list(islice(found, count))
    more: list[dict[str, object]]
    more = [row.mark.to_dict() | ({"taste": row.taste} if wanted.taste else {}) for row in rows]
    print_photos([row.record for row in rows], more, as_json=as_json)
    if not rows:
        typer.echo("no photos match these options", err=True)
