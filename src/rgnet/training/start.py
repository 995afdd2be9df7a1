"""Where a run starts: from a backbone that learned something else, or from a whole model that learned this."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightning

from rgnet.errors import DataError
from rgnet.model import RGNet, build, restored
from rgnet.training.recipes import Recipe
from rgnet.weights.file import ModelFile

Start = bool | str | Path | ModelFile


def starting_from(recipe: Recipe, start: Start) -> Recipe:
    """The recipe as it is carried out: a model brings its own network and preprocessing, ready to be used."""
    if not isinstance(start, ModelFile):
        return recipe
    card = start.card
    return replace(
        recipe,
        architecture=card.architecture,
        preprocess=card.preprocess,
        norms="keep",
        vote_start="he",
        graph_start=1.0,
        served=card.precision,
    )


def new_network(recipe: Recipe, start: Start = True) -> RGNet:
    """The recipe's network as training starts from it, drawn by its seed.

    start: a model file, or the backbone's weights: see `make_backbone`
    Raises DataError without weights, ModelDamaged for a model that lacks some.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    if isinstance(start, ModelFile):
        return restored(recipe.architecture, start.tensors)
    try:
        return build(recipe.architecture, pretrained=start)
    except OSError as problem:
        raise DataError(
            f"the ImageNet weights of {recipe.architecture.backbone} cannot be fetched ({problem}): "
            "give a file with --weights, or start from random ones by  --weights none"
        ) from problem
