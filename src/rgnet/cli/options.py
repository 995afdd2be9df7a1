"""Options that several commands share, each said once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Catalogue = Annotated[
    Path | None, typer.Option(help="The catalogue; left out: the one in your user data folder.")
]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Name or file; see `rgnet models`.")]
ScoredBy = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Name or hash of the model whose scores count; left out: the last."),
]
MinScore = Annotated[float | None, typer.Option(help="Photos of at least this score.")]
MaxScore = Annotated[float | None, typer.Option(help="Photos of at most this score.")]
Day = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Taken on this day or after."),
]
LastDay = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Taken on this day or before."),
]
Folder = Annotated[Path | None, typer.Option(help="Photos in this folder, and below.")]


def day(moment: datetime | None) -> str | None:
    return moment and moment.date().isoformat()
