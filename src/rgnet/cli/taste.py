"""`rgnet taste`: how well the scores predict your own stars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt
from rgnet.cli.tables import print_facts, print_json


@explain_interrupt(NOTHING_KEPT)
@options.with_filters
def taste(
    sources: Annotated[
        list[Path],
        typer.Option(
            "--from",
            help="Lightroom's .lrcat, digiKam's digikam4.db or darktable's library.db, with your ratings; may be "
            "repeated. It is only read.",
            show_default="the stars that you gave in the gallery",
        ),
    ] = [],  # noqa: B006 - Typer copies it
    mapped: options.PathMap = [],  # noqa: B006 - Typer copies it
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    as_json: options.AsJson = False,
) -> None:
    """Check how well the scores of scanned photos predict your own stars.

    Prints the share of pairs that the scores order as you do, with its interval, beside what chance would give.

    Examples:
    $ rgnet taste
    $ rgnet taste --from Catalog.lrcat --folder ~/Pictures/2026
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_scored
    from rgnet.integrations.mapping import PathMapping, comparable
    from rgnet.paths import catalogue_file
    from rgnet.taste.agreement import FEW, measure_agreement
    from rgnet.taste.ratings import REJECTED, read_ratings

    mapping = PathMapping(mapped)
    given = {comparable(path): stars for source in sources for path, stars in read_ratings(source).items()}
    scores, stars, scored = [], [], 0
    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted = filters.select(opened, model)
        for row in find_scored(opened, wanted, once=True):
            scored += 1
            own = REJECTED if row.mark.pick == "rejected" else row.mark.stars
            theirs = (
                given.get(comparable(mapping.theirs(path))) for path in (row.record.path, row.pair) if path
            )
            rating = next((found for found in theirs if found is not None), None) if sources else own
            if rating is not None:
                scores.append(row.record.score)
                stars.append(rating)
    found = measure_agreement(scores, stars)
    if as_json:
        print_json({"scored_photos": scored, **found.to_dict()})
    else:
        pairs, rank = found.pairs, found.srcc
        print_facts(
            {
                "rated and scored photos": f"{found.photos} of {scored} scored photos",
                "pairs ordered as you do": f"{pairs.value:.1%} [{pairs.low:.1%}, {pairs.high:.1%}]; by chance 50 %",
                "rank correlation": f"{rank.value:.3f} [{rank.low:.3f}, {rank.high:.3f}]; by chance 0",
                "mean score": [
                    f"{'rejected' if level == REJECTED else f'{level} stars'}: {mean:.2f} ({count} photos)"
                    for level, (mean, count) in found.means.items()
                ],
            }
        )
    if found.photos < FEW:
        typer.echo(f"fewer than {FEW} ratings: the intervals say how little that means", err=True)
