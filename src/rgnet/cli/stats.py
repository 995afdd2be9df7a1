"""`rgnet stats`: the catalogue in numbers."""

from __future__ import annotations

import typer

from rgnet.cli import options

WIDTH = 50


def stats(catalogue: options.Catalogue = None, model: options.ScoredBy = None) -> None:
    """Count the photos of the catalogue, and draw how their scores are spread.

    Example:  rgnet stats
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import model_asked_for, sums
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        found = sums(opened, model_asked_for(opened, model))
    for name, count in found.counts.items():
        typer.echo(f"{name:>7}  {count}")
    if found.mean is None:
        return
    typer.echo(f"{'mean':>7}  {found.mean:.2f} on the scale {found.low:g}-{found.high:g}")
    step, most = (found.high - found.low) / len(found.bars), max(found.bars)
    for index, count in enumerate(found.bars):
        bar = "█" * round(WIDTH * count / most) or ("▏" if count else "")
        typer.echo(f"{found.low + index * step:7.2f}  {bar} {count or ''}".rstrip())
