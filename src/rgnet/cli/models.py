"""`rgnet models`: which models are available; installing one, and writing one for a model hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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


def models(context: typer.Context, as_json: options.AsJson = False) -> None:
    """List available models with their licence, evaluation results and supported precisions (default first).

    Your own models are found in $RGNET_MODELS, or in the folder that rgnet info prints.

    Examples:
    $ rgnet models
    $ rgnet models --json
    """
    if context.invoked_subcommand is not None:
        return
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


def install(
    file: Annotated[
        str, typer.Argument(help="A model file, a folder of a model hub's layout, or OWNER/NAME of a hub.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a model of the same name.")] = False,
) -> None:
    """Check a downloaded model file and put it into the folder of your own models.

    It is then found by the name in its card: rgnet score --model NAME.

    Examples:
    $ rgnet models install ~/Downloads/mine.safetensors
    """
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model, install_model

    target = install_model(find_model(file), replace=force)
    card = read_card(target)
    typer.echo(f"{target}: {card.name} ({card.short_hash}), licence: {card.licence}")
    if card.notice:
        typer.echo(card.notice)


def export_hub(
    model: options.ModelArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    force: options.Force = False,
) -> None:
    """Write a model as a repository in the layout of Hugging Face's hub; nothing is uploaded.

    A page with licence, tags and evaluation results as metadata, the model file, its network as ONNX (with the extra
    export), and the settings. rgnet reads the folder: rgnet score --model FOLDER.

    Examples:
    $ rgnet models export-hub rgnet-compact --output rgnet-compact
    """
    from rgnet.export.hub import write_repository
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    file = read_model(find_model(model))
    lacking = write_repository(file, output, force=force)
    if lacking:
        typer.echo(f"without model.onnx: {lacking}", err=True)
    typer.echo(f"wrote {file.card.name} to {output}, licence: {file.card.licence}")
    if file.card.notice:
        typer.echo(file.card.notice)


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
            else [f"{name} {value}" for name, value in card.plain_metrics.items()],
            "precision": supported_precisions(card),
            "megabytes": path.stat().st_size / 1e6,
            "licence": card.licence,
            "notice": card.notice,
            "error": None,
        }
    if as_json:
        return row | {"default": default, "path": str(path)}
    return row | {"model": f"{row['model']} (default)" if default else row["model"]}
