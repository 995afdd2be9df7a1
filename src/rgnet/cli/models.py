"""`rgnet models`: which models are available."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rgnet.cli import options
from rgnet.cli.tables import Column, print_rows

if TYPE_CHECKING:
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
    import rgnet
    from rgnet.errors import ModelNotFound
    from rgnet.weights.registry import DEFAULT

    found = sorted(rgnet.models(), key=lambda model: model[0].stem != DEFAULT)
    if not found:
        raise ModelNotFound("no model is installed: train one with  rgnet train, and pass it as --model FILE")
    on_terminal = sys.stdout.isatty() and not as_json
    columns = _COLUMNS if on_terminal else (*_COLUMNS, Column("notice"))
    print_rows(columns, (_row(path, card, as_json) for path, card in found), as_json=as_json)
    for _, card in found if on_terminal else ():
        if card.notice:
            typer.echo(f"\n{card.name}: {card.notice}")


def _row(path: Path, card: ModelCard, as_json: bool) -> dict[str, object]:
    from rgnet.weights.registry import DEFAULT

    int8 = "int8" in card.training and card.precision != "int8"
    default = path.stem == DEFAULT
    row: dict[str, object] = {
        "model": card.name,
        "hash": card.short_hash,
        "scale": f"{card.scale.low:g}-{card.scale.high:g}",
        "evaluation": [f"{name} {value}" for name, value in card.metrics.items()],
        "precision": [card.precision, *(["int8"] if int8 else [])],
        "megabytes": path.stat().st_size / 1e6,
        "licence": card.licence,
        "notice": card.notice,
    }
    if as_json:
        return row | {"default": default, "path": str(path), "evaluation": dict(card.metrics)}
    return row | {"model": f"{card.name} (default)" if default else card.name}
