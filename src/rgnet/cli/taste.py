"""`rgnet taste`: how well the scores predict your own stars, and your own taste learned from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt
from rgnet.cli.tables import print_facts, print_json

if TYPE_CHECKING:
    from rgnet.evaluation.bootstrap import Estimate
    from rgnet.taste.agreement import Agreement
    from rgnet.taste.library import Learned


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
    learn: Annotated[
        bool,
        typer.Option(
            "--learn",
            help="Learn your taste from these stars, and keep it if it predicts them better than the score. Needs "
            "photos that were scanned with --features.",
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare the scores with your stars, as without options.")
    ] = False,
    pairs: Annotated[
        bool,
        typer.Option(
            "--pairs",
            help="Serve the gallery to ask which of two photos is better, where the taste learned so far is unsure.",
        ),
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the taste that is learned.")] = "mine",
    mapped: options.PathMap = [],  # noqa: B006 - Typer copies it
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    as_json: options.AsJson = False,
) -> None:
    """Check how well the scores of scanned photos predict your own stars, or learn your taste from them.

    Prints the share of pairs that the scores order as you do, with its interval, beside what chance would give. With
    --learn also the share that your taste orders as you do, each photo's taste learned without that photo. top, export
    and rate use the taste with --by taste.

    Examples:
    $ rgnet taste
    $ rgnet taste --learn
    $ rgnet taste --pairs
    $ rgnet taste --from Catalog.lrcat --folder ~/Pictures/2026
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_scored
    from rgnet.cli.serve import serve
    from rgnet.errors import SettingError
    from rgnet.integrations.mapping import PathMapping, comparable
    from rgnet.paths import catalogue_file
    from rgnet.taste.agreement import FEW, measure_agreement
    from rgnet.taste.library import learn_taste
    from rgnet.taste.ratings import REJECTED, read_ratings

    if learn + check + pairs > 1:
        raise SettingError("--check, --learn and --pairs are three different things: give one of them")
    if pairs:
        typer.echo(
            "open the address below and choose  Which is better?  Then run  rgnet taste --learn", err=True
        )
        serve(catalogue=catalogue or catalogue_file(), model=model)
        return
    mapping = PathMapping(mapped)
    given = {comparable(path): stars for source in sources for path, stars in read_ratings(source).items()}
    scores, stars, photos, scored = [], [], [], 0
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
                photos.append(int(row.id))
        if learn:
            ratings = dict(zip(photos, stars, strict=True))
            _keep(learn_taste(opened, wanted.model, ratings, name=name), as_json=as_json)
            return
    found = measure_agreement(scores, stars)
    _print_agreement(found, scored, as_json=as_json)
    if found.photos < FEW:
        typer.echo(f"fewer than {FEW} ratings: too few to be sure, as the intervals show", err=True)


def _print_agreement(found: Agreement, scored: int, *, as_json: bool) -> None:
    from rgnet.taste.ratings import REJECTED

    if as_json:
        print_json({"scored_photos": scored, **found.to_dict()})
        return
    rank = found.srcc
    print_facts(
        {
            "rated and scored photos": f"{found.photos} of {scored} scored photos",
            "pairs ordered as you do": f"{_percent(found.pairs)}; by chance 50 %",
            "rank correlation": f"{rank.value:.3f} [{rank.low:.3f}, {rank.high:.3f}]; by chance 0",
            "mean score": [
                f"{'rejected' if level == REJECTED else f'{level} stars'}: {mean:.2f} ({count} photos)"
                for level, (mean, count) in found.means.items()
            ],
        }
    )


def _keep(learned: Learned, *, as_json: bool) -> None:
    """Print what was learned, and write it where it is better than the score."""
    from rgnet.taste.file import taste_file, write_taste

    found, taste = learned.found, learned.taste
    file = None if taste is None else taste_file(taste.card.name)
    if taste is not None and file is not None:
        write_taste(file, taste)
    if as_json:
        shares = {name: getattr(found, name) for name in ("generic", "personal", "gain")}
        plain = {name: [share.value, share.low, share.high] for name, share in shares.items()}
        facts = {"ratings": learned.ratings, "answered_pairs": learned.pairs, **plain}
        print_json({**facts, "file": None if file is None else str(file)})
    else:
        pairs = f" and {learned.pairs} answered pairs" if learned.pairs else ""
        print_facts(
            {
                "learned from": f"your {learned.ratings} ratings{pairs}",
                "pairs ordered as you do": [
                    f"by the score {_percent(found.generic)}; by chance 50 %",
                    f"by your taste {_percent(found.personal)}, of photos that it had not seen",
                ],
                "gain": f"{100 * found.gain.value:+.1f} points "
                f"[{100 * found.gain.low:+.1f}, {100 * found.gain.high:+.1f}]",
                "taste": None if file is None else str(file),
            }
        )
    if taste is None:
        typer.echo(
            "not kept: it orders your photos no better than the score does; rate more of them", err=True
        )
    elif found.gain.low <= 0:
        typer.echo(
            "the gain may be due to chance (its interval includes 0): rate more photos to find out", err=True
        )


def _percent(share: Estimate) -> str:
    return f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"
