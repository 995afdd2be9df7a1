"""`rgnet distil`: weights for a backbone that has none, learned from another backbone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def distil(
    data: Annotated[Path, typer.Argument(help="Labels of the data set whose training photos are looked at.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    photos: options.PhotoFolder = None,
    weights: Annotated[
        Path | None, typer.Option(help="The teacher's weights; left out: downloaded ImageNet weights.")
    ] = None,
    settings: options.Settings = [],  # noqa: B006 - Typer copies it
    resume: Annotated[bool, typer.Option(help="Go on from the last finished epoch.")] = False,
) -> None:
    """Teach a backbone to see what another one sees, without ratings; `rgnet train --weights` takes the result.

    Example:  rgnet distil PARA -o densenet121.safetensors --set student=densenet121 --set teacher=resnet50
    """
    import numpy as np

    from rgnet import datasets
    from rgnet.cli.progress import track
    from rgnet.datasets.cache import cached_pixels
    from rgnet.errors import SettingError, need
    from rgnet.imaging.preprocess import Preprocess

    need("lightning", extra="train", purpose="training")
    from rgnet.training.data import PixelDataset
    from rgnet.training.distill import DistillRecipe
    from rgnet.training.distill import distill as run
    from rgnet.training.overrides import apply_overrides

    if output.suffix != ".safetensors":
        raise SettingError(f"weights are written as safetensors: {output} should end in .safetensors")
    lesson = apply_overrides(DistillRecipe(), settings)
    rated = datasets.load(data, photos, track=track)
    folder = output.with_suffix("") / "pixels"
    pixels = cached_pixels(rated.train, Preprocess(size=lesson.size), folder, track=track)
    learn = PixelDataset(pixels, np.array([photo.mean for photo in rated.train]))
    teacher = True if weights is None else weights
    say = functools.partial(typer.echo, err=True)
    run(lesson, learn, output, teacher_weights=teacher, resume=resume, say=say)
    typer.echo(f"wrote {output}")
