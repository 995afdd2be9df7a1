"""Options that several commands share, each said once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rgnet.catalogue import database as library
    from rgnet.catalogue.queries import Filter

PHOTOS = "Which photos of the catalogue"

Catalogue = Annotated[
    Path | None, typer.Option(help="The catalogue; left out: the one in your user data folder.")
]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Name or file; see `rgnet models`.")]
Engine = Annotated[
    str,
    typer.Option(help="auto, openvino, torch (torch:cuda:1 for a device) or compiled (torch.compile)."),
]
Precision = Annotated[
    str,
    typer.Option(
        help="auto as the model asks for; bf16 or int8 may be faster; f32 is the same on every machine."
    ),
]
PhotoFolder = Annotated[
    Path | None, typer.Option(help="Folder of the photos; left out: the folder of the labels.")
]
Settings = Annotated[
    list[str], typer.Option("--set", help="Change a setting of the recipe: NAME=VALUE; may be repeated.")
]
ScoredBy = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Name or hash of the model whose scores count; left out: the last."),
]
MinScore = Annotated[
    float | None, typer.Option(rich_help_panel=PHOTOS, help="Photos of at least this score.")
]
MaxScore = Annotated[float | None, typer.Option(rich_help_panel=PHOTOS, help="Photos of at most this score.")]
Day = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        rich_help_panel=PHOTOS,
        help="Taken on this day or after.",
    ),
]
LastDay = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        rich_help_panel=PHOTOS,
        help="Taken on this day or before.",
    ),
]
Folder = Annotated[
    Path | None, typer.Option(rich_help_panel=PHOTOS, help="Photos in this folder, and below.")
]


def asked(
    catalogue: library.Catalogue,
    model: str | None,
    min_score: float | None,
    max_score: float | None,
    since: datetime | None,
    until: datetime | None,
    folder: Path | None,
) -> Filter:
    """The photos of an open catalogue that the options above ask for."""
    from rgnet.catalogue.queries import filtered

    first, last = (moment and moment.date().isoformat() for moment in (since, until))
    scores = {"lowest": min_score, "highest": max_score}
    return filtered(catalogue, model, **scores, since=first, until=last, folder=folder)
