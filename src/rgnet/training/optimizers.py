"""A recipe's optimiser and learning rate schedule."""

from __future__ import annotations

import math

import torch
from torch.optim.lr_scheduler import LambdaLR

from rgnet.model import RGNet
from rgnet.training.recipes import Recipe


def make_optimizer(network: RGNet, recipe: Recipe) -> torch.optim.Optimizer:
    """Two rates: the backbone's, and that of the new layers."""
    new = [layer for layer in (network.context, network.graph, network.head) if layer is not None]
    groups = [
        {"params": list(network.backbone.parameters()), "lr": recipe.learning_rate},
        {"params": [value for layer in new for value in layer.parameters()], "lr": recipe.head_rate},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    return torch.optim.Adam(groups, weight_decay=recipe.weight_decay)


def make_scheduler(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LambdaLR:
    return LambdaLR(optimizer, lambda step: rate_factor(recipe, step, steps))


def rate_factor(recipe: Recipe, step: int, steps: int) -> float:
    """Factor on the learning rate; the paper's poly decay counts whole epochs, ours counts steps."""
    warm = recipe.warmup * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(1, steps - warm)
    if recipe.schedule == "poly":
        epoch = math.floor(done * recipe.epochs)
        return (1 - epoch / recipe.epochs) ** 0.9
    return (1 + math.cos(math.pi * min(1, done))) / 2
