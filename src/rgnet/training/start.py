"""The weights that training begins with: a pretrained backbone, or a whole trained model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lightning
import torch
from torch import Tensor, nn

from rgnet.errors import DataError, SettingError
from rgnet.model import RGNet, build, restored
from rgnet.model.normalise import Normalise
from rgnet.model.region_graph import RegionGraph
from rgnet.training.data import PixelDataset, load_in_order, take_evenly
from rgnet.training.recipes import Recipe
from rgnet.weights.file import ModelFile

Start = bool | str | Path | ModelFile

_REVIVE_PHOTOS = 256


def new_network(recipe: Recipe, start: Start = True, *, say: Callable[[str], None] = print) -> RGNet:
    """The recipe's network with the weights that training starts from, random ones drawn by the recipe's seed.

    start: a model file, or the backbone's weights: see `make_backbone`
    say:   receives what a network that differs from the model's has of its weights
    Raises DataError without weights, ModelDamaged for a model that lacks some, SettingError for another backbone.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    if isinstance(start, ModelFile):
        network = restored(start.card.architecture, start.tensors)
        if recipe.architecture == start.card.architecture:
            return network
        return _take_over(network, recipe, start, say)
    try:
        return build(recipe.architecture, pretrained=start)
    except OSError as problem:
        raise DataError(
            f"the ImageNet weights of {recipe.architecture.backbone} cannot be downloaded ({problem}): give a "
            "trained model with  --start rgnet-compact (for research only), the backbone's weights as a file with "
            "--weights, or start from random ones with  --weights none"
        ) from problem


def _take_over(trained: RGNet, recipe: Recipe, start: ModelFile, say: Callable[[str], None]) -> RGNet:
    """The recipe's network with those weights of a trained one that fit by name and shape; the others are new."""
    network = build(recipe.architecture)
    own, theirs = network.state_dict(), trained.state_dict()
    kept = {
        name: theirs[name]
        for name, tensor in own.items()
        if name in theirs and theirs[name].shape == tensor.shape
    }
    card = start.card
    if not all(name in kept for name in own if name.startswith("backbone.")):
        raise SettingError(
            f"{card.name} has the backbone {card.architecture.backbone}, the recipe {recipe.architecture.backbone} or "
            "another form of it: drop --start, or the settings of architecture that concern the backbone"
        )
    network.load_state_dict(kept, strict=False)
    say(
        f"the network differs from that of {card.name}: {len(kept)} of its {len(theirs)} weights are taken over, "
        f"{len(own) - len(kept)} are new"
    )
    return network


def prepare_network(network: RGNet, recipe: Recipe, photos: PixelDataset) -> None:
    """What a recipe does before the first step; see `Recipe.norms`, `vote_start` and `graph_start`.

    photos: to measure batch norm statistics on, where the recipe revives them
    """
    if recipe.norms == "revive":
        batch, *_ = load_in_order(take_evenly(photos, _REVIVE_PHOTOS), _REVIVE_PHOTOS)
        revive_batch_norms(network.backbone, Normalise(recipe.preprocess)(batch.pixels_B3HW.cpu()))
    if recipe.vote_start == "even":
        torch.nn.init.zeros_(network.head.vote.weight)
    if isinstance(network.graph, RegionGraph):
        for weight_DD in network.graph.weights:
            weight_DD.data.mul_(recipe.graph_start)


@torch.no_grad()
def revive_batch_norms(backbone: nn.Module, image_B3HW: Tensor) -> None:
    """Give folded batch norms real statistics without changing what the backbone computes.

    A norm y = a x + c with meaningless statistics gets the mean m and variance v of its input on these images, and
    the affine part that keeps y: weight a sqrt(v + eps), bias c + a m.
    """

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None
        assert norm.running_var is not None
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        offset = norm.bias - norm.running_mean * slope
        mean, variance = inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.bias.copy_(offset + slope * mean)

    norms = [layer for layer in backbone.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    try:
        backbone.eval()(image_B3HW)
    finally:
        for hook in hooks:
            hook.remove()
        backbone.train()
