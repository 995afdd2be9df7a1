"""`rgnet train`: a model file from rated photos."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import explain_interrupt, kept_epochs


@explain_interrupt(kept_epochs)
def train(
    recipe: Annotated[
        str,
        typer.Argument(help="yours (a few thousand photos), para, para_regions, ava_paper or aadb_paper."),
    ],
    data: options.Labels,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for checkpoints, figures and the model file.")
    ],
    photos: options.PhotoFolder = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Backbone weights: a .safetensors file, or none.", show_default="downloaded ImageNet weights"
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Start from all weights of a trained model instead: a name of rgnet models, or a file; "
            "or from efficientnet-lite0, a backbone under Apache-2.0 (extra of that name)."
        ),
    ] = None,
    teacher: Annotated[
        list[str],
        typer.Option(
            help="Also follow the scores of this trained model (repeatable): a name of rgnet models, or a file."
        ),
    ] = [],  # noqa: B006 - Typer copies it
    name: Annotated[str, typer.Option(help="Name of the model, and of its file.")] = "my-rgnet",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of epochs.", show_default="as in the recipe")
    ] = None,
    overrides: options.Overrides = [],  # noqa: B006 - Typer copies it
    resume: options.Resume = False,
) -> None:
    """Train a model on rated photos and write it as one model file.

    On several GPUs: torchrun --nproc-per-node 4 -m rgnet train ...

    Examples:
    $ rgnet train yours my-ratings.csv -o runs/mine
    $ rgnet train yours my-ratings.csv -o runs/mine --start efficientnet-lite0
    $ rgnet train para PARA --photos PARA/imgs -o runs/para --set batch_size=32
    """
    from rgnet import datasets
    from rgnet.cli.command_line import shareable_command
    from rgnet.cli.progress import track
    from rgnet.errors import SettingError, need
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    need("lightning", extra="train", purpose="training")
    from rgnet.training.card import Provenance
    from rgnet.training.pretrained import BACKBONES
    from rgnet.training.recipes import recipe as find_recipe
    from rgnet.training.train import train as run

    if start and weights:
        raise SettingError("--start brings all weights of a model: drop --weights")
    backbone = BACKBONES.get(start or "")
    trained = read_model(find_model(start)) if start and not backbone else None
    teachers = [read_model(find_model(model)) for model in teacher]
    overrides = [
        *(backbone.settings if backbone else ()),
        *overrides,
        *([] if epochs is None else [f"epochs={epochs}"]),
    ]
    chosen = find_recipe(recipe, overrides, start=trained.card if trained else None)
    rated = datasets.load(data, photos, held_out=chosen.held_out, seed=chosen.seed, track=track)
    first_process = os.environ.get("RANK", "0") == "0"
    for note in rated.notes if first_process else ():
        typer.echo(note, err=True)
    with TemporaryDirectory() as folder:
        if backbone:
            backbone.write(Path(folder) / "backbone.safetensors")
            weights = str(Path(folder) / "backbone.safetensors")
        model = run(
            chosen,
            rated,
            output,
            provenance=Provenance(
                name=name,
                command=shareable_command(),
                start=trained.card if trained else None,
                backbone=backbone,
                teachers=tuple(model.card for model in teachers),
            ),
            start=trained or _backbone_weights(weights),
            teachers=teachers,
            resume=resume,
            track=track,
            say=lambda line: typer.echo(line, err=True),
        )
    if first_process:
        typer.echo(f"wrote {model}")


def _backbone_weights(weights: str | None) -> bool | str:
    """As the trainer takes it: True downloads, False draws at random."""
    return True if weights is None else weights != "none" and weights
