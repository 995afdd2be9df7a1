"""`rgnet distil`: weights for a backbone that has none, learned from another backbone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import explain_interrupt, kept_epochs


@explain_interrupt(lambda output, **_: kept_epochs(output.with_suffix("")))
def distil(
    data: options.Labels,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    photos: options.PhotoFolder = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="The teacher's weights.", show_default="downloaded ImageNet weights"),
    ] = None,
    overrides: options.Overrides = [],  # noqa: B006 - Typer copies it
    count: Annotated[
        int | None,
        typer.Option(
            help="Training photos, sampled by the recipe's seed.", show_default="all training photos"
        ),
    ] = None,
    resume: options.Resume = False,
) -> None:
    """Distil a backbone from another one (feature matching; no ratings needed).

    It sees the training photos of a data set. The result is for rgnet train --weights.

    Examples:
    $ rgnet distil PARA -o student.safetensors --set student=densenet121
    """
    import numpy as np

    from rgnet import datasets
    from rgnet.cli.progress import track
    from rgnet.datasets.cache import cached_pixels
    from rgnet.datasets.records import draw_training_photos
    from rgnet.errors import SettingError, need
    from rgnet.imaging.preprocess import Preprocess

    need("lightning", extra="train", purpose="training")
    from rgnet.training.data import PixelDataset
    from rgnet.training.distill import DistillRecipe
    from rgnet.training.distill import distill as run
    from rgnet.training.overrides import apply_overrides

    if output.suffix != ".safetensors":
        raise SettingError(
            f"{output}: expected a .safetensors file, found {output.suffix!r}: change --output"
        )
    recipe = apply_overrides(DistillRecipe(), overrides)
    rated = draw_training_photos(datasets.load(data, photos, track=track), count, seed=recipe.seed)
    folder = output.with_suffix("") / "pixels"
    pixels = cached_pixels(rated.train, Preprocess(size=recipe.size), folder, track=track)
    photos_seen = PixelDataset(pixels, np.array([photo.mean for photo in rated.train]))
    teacher = True if weights is None else weights
    say = functools.partial(typer.echo, err=True)
    run(recipe, photos_seen, output, teacher_weights=teacher, resume=resume, say=say)
    typer.echo(f"wrote {output}")
