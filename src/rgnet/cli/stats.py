"""`rgnet stats`: the catalogue in numbers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from rgnet.cli import options
from rgnet.cli.tables import print_facts

if TYPE_CHECKING:
    from rgnet.catalogue.statistics import Statistics

_WIDTH = 50


def stats(
    catalogue: options.Catalogue = None, model: options.ScoredBy = None, as_json: options.AsJson = False
) -> None:
    """Count the photos of the catalogue and show the distribution of their scores.

    Examples:
    $ rgnet stats
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.models import resolve_model
    from rgnet.catalogue.statistics import compute_statistics
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        found = compute_statistics(opened, resolve_model(opened, model))
    histogram = {"histogram": list(found.bars)} if as_json else {}
    print_facts(_facts(found) | histogram, as_json=as_json)
    if found.mean is not None and not as_json:
        _print_histogram(found)


def _facts(found: Statistics) -> dict[str, object]:
    return {
        "photos": found.photos,
        "scored photos": found.scored_photos,
        "scored videos": found.videos,
        "photos without a score": found.failed_photos,
        "photos not scored by this model yet": found.other_photos,
        "files": found.files,
        "raw files beside their JPEG": found.paired_files,
        "clips of Live Photos": found.clips,
        "missing files": found.missing_files,
        "mean score": found.mean,
        "scale": f"{found.low:g}-{found.high:g}",
    }


def _print_histogram(found: Statistics) -> None:
    """Bars on a terminal; in a pipe a line for each step of the scale."""
    step, most = (found.high - found.low) / len(found.bars), max(found.bars)
    for index, count in enumerate(found.bars):
        low = found.low + index * step
        if sys.stdout.isatty():
            bar = "█" * round(_WIDTH * count / most) or ("▏" if count else "")
            typer.echo(f"{low:7.2f}  {bar} {count or ''}".rstrip())
        else:
            typer.echo(f"scored photos from {low:.2f} to {low + step:.2f}\t{count}")
