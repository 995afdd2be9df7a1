"""`rgnet train`: a model file from rated photos."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def train(
    recipe: Annotated[
        str, typer.Argument(help="yours (a few thousand photos), para, ava_paper or aadb_paper.")
    ],
    data: Annotated[Path, typer.Argument(help="The labels of a data set.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for checkpoints, figures and the model file.")
    ],
    photos: options.PhotoFolder = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Backbone weights: a safetensors file, or none; left out: downloaded ImageNet weights."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Begin with a trained model instead, all of it: a name of `rgnet models`, or a file."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model, and of its file.")] = "my-rgnet",
    settings: options.Settings = [],  # noqa: B006 - Typer copies it
    resume: Annotated[
        bool, typer.Option(help="Go on from the last finished epoch in the output folder.")
    ] = False,
) -> None:
    """Train a model on rated photos and write it as one model file.

    Several graphics cards:  torchrun --nproc-per-node 4 -m rgnet train ...

    Example:  rgnet train para PARA --photos PARA/imgs -o runs/mine --set batch_size=32
    """
    from rgnet import datasets
    from rgnet.cli.progress import track
    from rgnet.errors import SettingError, need
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    need("lightning", extra="train", purpose="training")
    from rgnet.training.card import Provenance
    from rgnet.training.recipes import recipe as recipe_named
    from rgnet.training.train import train as run

    if start and weights:
        raise SettingError("--start brings all weights of a model: leave out --weights")
    trained = read_model(find_model(start)) if start else None
    chosen = recipe_named(recipe, settings)
    rated = datasets.load(data, photos, held_out=chosen.held_out, seed=chosen.seed, track=track)
    first = os.environ.get("RANK", "0") == "0"
    for note in rated.notes if first else ():
        typer.echo(note, err=True)
    model = run(
        chosen,
        rated,
        output,
        provenance=Provenance(
            name=name,
            command=" ".join(["rgnet", *(public(word) for word in sys.argv[1:])]),
            start=trained and trained.card,
        ),
        start=trained or {None: True, "none": False}.get(weights, weights),
        resume=resume,
        track=track,
        say=lambda line: typer.echo(line, err=True),
    )
    if first:
        typer.echo(f"wrote {model}")


def public(word: str) -> str:
    """A command word for the model card: of an absolute path only the last part, for it names a private folder."""
    return shlex.quote(Path(word).name if Path(word).is_absolute() else word)
