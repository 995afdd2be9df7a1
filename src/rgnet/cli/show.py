"""`rgnet show`: everything the catalogue knows about a photo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.tables import print_facts
from rgnet.results import ScoredPhoto

if TYPE_CHECKING:
    import numpy as np

    from rgnet.catalogue.queries import Entry

_SHADES = " ░▒▓█"


def show(
    photo: Annotated[Path, typer.Argument(help="A photo that was scanned.")],
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    as_json: options.AsJson = False,
) -> None:
    """Print everything the catalogue knows about a photo.

    That is its score and rank, why it has none, when and with what it was taken, its copies, your own pick,
    stars and colour, and its region votes.

    Examples:
    $ rgnet show ~/Pictures/wedding/0012.jpg
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.models import resolve_model
    from rgnet.catalogue.queries import find_entry
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened:
        found = find_entry(opened, photo, resolve_model(opened, model))
    facts = {**_score_facts(found), **_file_facts(found)}
    if as_json:
        facts["votes"] = None if found.votes_HW is None else found.votes_HW.round(4).tolist()
    print_facts(facts, as_json=as_json)
    if found.votes_HW is not None and not as_json:
        _print_votes(found.votes_HW)


def _score_facts(found: Entry) -> dict[str, object]:
    record = found.record
    if record is None:
        return {"error": "not scored by this model yet: scan its folder"}
    if not isinstance(record, ScoredPhoto):
        return {"error": record.error}
    return {
        "score": record.score,
        "percentile": record.percentile,
        "label": record.label,
        "probability": record.probability,
        "width": record.width,
        "height": record.height,
        "model": record.model,
        "model_hash": record.model_hash,
        "engine": record.engine,
        "notes": list(record.notes),
        "error": None,
    }


def _file_facts(found: Entry) -> dict[str, object]:
    from rgnet.outputs.tables import describe_frame

    return {
        "path": list(found.paths),
        "pair": found.pair,
        "taken": found.taken,
        "camera": found.camera,
        **found.mark.to_dict(),
        "orientation": found.orientation,
        **describe_frame(found.frame),
        "bytes": found.bytes,
        "sha256": found.sha256,
        "missing": "since the last scan of its folder" if found.is_missing else None,
        "unreadable": found.read_error,
    }


def _print_votes(votes_HW: np.ndarray) -> None:
    """The region map as numbers, a line for each row; on a terminal shaded."""
    low, high = float(votes_HW.min()), float(votes_HW.max())
    if not sys.stdout.isatty():
        for row in votes_HW:
            typer.echo("votes\t" + " ".join(f"{vote:.3f}" for vote in row))
        return
    typer.echo(f"\nregion votes, {low:.2f} (blank) to {high:.2f} (full):\n{_shade(votes_HW, low, high)}")


def _shade(votes_HW: np.ndarray, low: float, high: float) -> str:
    """Two characters to a region, for those of a terminal are twice as tall as wide."""
    unit_HW = (votes_HW - low) / max(high - low, 1e-6)
    shades = (unit_HW * (len(_SHADES) - 1)).round().astype(int)
    return "\n".join("".join(_SHADES[shade] * 2 for shade in row) for row in shades)
