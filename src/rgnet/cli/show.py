"""`rgnet show`: all that the catalogue knows of a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.text import printable

SHADES = " ░▒▓█"


def show(
    photo: Annotated[Path, typer.Argument(help="A photo that was scanned.")],
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
) -> None:
    """Print what the catalogue knows of a photo: its score, where it stands, when it was taken, and its region votes.

    Example:  rgnet show ~/Pictures/wedding/0012.jpg
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import entry, model_asked_for
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        found = entry(opened, photo, model_asked_for(opened, model))
    rows = {"error": None, "paths": "\n          ".join(map(printable, found.same_photo))}
    if found.record is None:
        rows["error"] = "not scored by this model yet: scan its folder"
    elif found.record.ok:
        rows |= scored(found.record)
    else:
        rows["error"] = printable(found.record.error)
    rows |= {"taken": found.taken, "camera": found.camera and printable(found.camera)}
    rows |= {"orientation": found.orientation, "bytes": found.bytes, "sha256": found.sha256}
    rows["gone"] = "since the last scan of its folder" if found.gone else None
    for name, value in rows.items():
        if value is not None:
            typer.echo(f"{name:>11}  {value}")
    if found.votes_HW is not None:
        typer.echo(
            f"\nregion votes, {found.votes_HW.min():.2f} (blank) to {found.votes_HW.max():.2f} (full):"
        )
        typer.echo(shaded(found.votes_HW))


def scored(record) -> dict[str, str | None]:
    label = record.label and f"{record.label}, p(high) {record.probability:.3f}"
    return {
        "score": f"{record.score:.3f}, better than {record.percentile:.0f} % of the rated photos",
        "label": label,
        "size": f"{record.width} x {record.height}",
        "model": f"{record.model} ({record.model_hash}), {record.engine}",
        "notes": "; ".join(record.notes) or None,
    }


def shaded(votes_HW) -> str:
    """The map in characters, two to a region, for terminals' are twice as tall as wide."""
    unit_HW = (votes_HW - votes_HW.min()) / max(float(votes_HW.max() - votes_HW.min()), 1e-6)
    shades = (unit_HW * (len(SHADES) - 1)).round().astype(int)
    return "\n".join("".join(SHADES[shade] * 2 for shade in row) for row in shades)
