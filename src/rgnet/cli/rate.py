"""`rgnet rate`: stars beside photos, where photo programs look for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.results import ScoredPhoto
from rgnet.text import printable

CHANGES = ("create", "set", "undo", "delete")


def rate(
    folder: Annotated[
        Path | None, typer.Argument(help="Photos of the catalogue in this folder, and below; left out: all.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Do it; without this the changes are only printed.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what rgnet wrote instead.")] = False,
    cuts: Annotated[
        str, typer.Option(help="Percentiles from which photos get 2, 3, 4 and 5 stars.")
    ] = "10,35,65,90",
    naming: Annotated[
        Literal["full", "stem"], typer.Option(help="Of new sidecars: full is a.jpg.xmp, stem is a.xmp.")
    ] = "full",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also replace ratings that a person gave.")
    ] = False,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
) -> None:
    """Write the scores of scanned photos as 1 to 5 stars (xmp:Rating) into XMP sidecars beside them.

    Prints what would change: what is done, the stars before and after, and the sidecar. Nothing is written without
    --write. A rating that a person gave is kept, and --undo takes back what rgnet wrote and nothing else.

    Example:  rgnet rate ~/Pictures/wedding          then the same with --write
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import best, filtered
    from rgnet.errors import PhotoError, SidecarRefused, need
    from rgnet.paths import catalogue_file
    from rgnet.xmp.sidecar import apply, plan, plan_undo, stars_of

    need("lxml.etree", extra="xmp", purpose="writing ratings")
    bounds = percentiles(cuts)
    stars_of(50.0, bounds)

    def wanted(photo: ScoredPhoto) -> Iterable:
        path = Path(photo.path)
        if undo:
            return plan_undo(path)
        said_by, stars = f"{photo.model} {photo.model_hash}", stars_of(photo.percentile, bounds)
        return [plan(path, stars, model=said_by, naming=naming, overwrite=overwrite)]

    counts: Counter[str] = Counter()
    with Catalogue.open(catalogue or catalogue_file()) as opened:
        for photo in best(opened, filtered(opened, model, folder=folder)):
            try:
                for change in wanted(photo):
                    if write:
                        apply(change)
                    tell(change, counts)
            except (PhotoError, SidecarRefused) as problem:
                counts["refused"] += 1
                typer.echo(f"not rated: {printable(str(problem))}", err=True)
    typer.echo(summary(counts, write=write), err=True)
    if counts["refused"]:
        raise typer.Exit(3)


def percentiles(text: str) -> tuple[float, ...]:
    from rgnet.errors import SettingError

    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise SettingError(f"--cuts are four percentiles such as 10,35,65,90, found {text!r}") from None


def tell(change, counts: Counter[str]) -> None:
    counts[change.action] += 1
    if change.action != "same":
        stars = [" -" if value is None else f"{value:2g}" for value in (change.before, change.after)]
        typer.echo("\t".join([change.action, *stars, printable(str(change.sidecar))]))


def summary(counts: Counter[str], *, write: bool) -> str:
    changed = sum(counts[action] for action in CHANGES)
    words = [f"{changed} {'changed' if write else 'would change'}"]
    words += [f"{counts[action]} {action}" for action in ("same", "keep human", "refused") if counts[action]]
    return ", ".join(words) + ("" if write or not changed else "; nothing was written: add --write")
