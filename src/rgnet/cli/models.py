"""`rgnet models`: which models are available."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rgnet.cli import options
from rgnet.cli.tables import Column, print_rows
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.errors import ModelFileError
    from rgnet.weights.card import ModelCard

_COLUMNS = (
    *(Column("model"), Column("hash"), Column("scale"), Column("evaluation", wrap=True)),
    *(
        Column("precision", wrap=True),
        Column("megabytes", ".1f", justify="right"),
        Column("licence", wrap=True),
    ),
)


def models(as_json: options.AsJson = False) -> None:
    """List available models with their licence, evaluation results and supported precisions (default first).

    Your own models are found in $RGNET_MODELS, or in the folder that rgnet info prints.

    Examples:
    $ rgnet models
    """
    from rgnet.errors import ModelFileError, ModelNotFound
    from rgnet.weights.registry import DEFAULT, read_cards

    found = sorted(read_cards(), key=lambda model: model[0].stem != DEFAULT)
    if not found:
        raise ModelNotFound("no model is installed: train one with  rgnet train, and pass it as --model FILE")
    on_terminal = sys.stdout.isatty() and not as_json
    columns = _COLUMNS if on_terminal else (*_COLUMNS, Column("notice"), Column("error"))
    print_rows(columns, (_row(path, card, as_json) for path, card in found), as_json=as_json)
    for path, card in found if on_terminal else ():
        if isinstance(card, ModelFileError):
            typer.echo(f"\n{printable(path.stem)} cannot be used: {printable(str(card))}")
        elif card.notice:
            typer.echo(f"\n{card.name}: {card.notice}")


def _row(path: Path, card: ModelCard | ModelFileError, as_json: bool) -> dict[str, object]:
    from rgnet.engines.registry import supported_precisions
    from rgnet.errors import ModelFileError
    from rgnet.weights.registry import DEFAULT

    default = path.stem == DEFAULT
    row: dict[str, object] = dict.fromkeys(column.name for column in (*_COLUMNS, Column("notice")))
    if isinstance(card, ModelFileError):
        row |= {"model": path.stem, "error": str(card)}
    else:
        row |= {
            "model": card.name,
            "hash": card.short_hash,
            "scale": f"{card.scale.low:g}-{card.scale.high:g}",
            "evaluation": dict(card.metrics)
            if as_json
            else [f"{name} {value}" for name, value in card.metrics.items()],
            "precision": supported_precisions(card),
            "megabytes": path.stat().st_size / 1e6,
            "licence": card.licence,
            "notice": card.notice,
            "error": None,
        }
    if as_json:
        return row | {"default": default, "path": str(path)}
    return row | {"model": f"{row['model']} (default)" if default else row["model"]}
