"""A recipe's optimiser and learning rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from rgnet.model import RGNet
from rgnet.training.recipes import Recipe


def make_optimizer(network: RGNet, recipe: Recipe) -> torch.optim.Optimizer:
    """The backbone's rate, and that of the new layers; each a second time for what weight decay spares, if any."""
    new = [layer for layer in (network.context, network.graph, network.head) if layer is not None]
    backbone = list(network.backbone.parameters())
    added = [value for layer in new for value in layer.parameters()]
    groups: list[dict[str, Any]] = [
        {"params": backbone, "lr": recipe.learning_rate},
        {"params": added, "lr": recipe.head_rate},
    ]
    if recipe.decay == "matrices":
        spared = [
            {"params": [p for p in group["params"] if p.ndim < 2], "lr": group["lr"], "weight_decay": 0.0}
            for group in groups
        ]
        for group in groups:
            group["params"] = [p for p in group["params"] if p.ndim >= 2]
        groups += spared
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    return torch.optim.Adam(groups, weight_decay=recipe.weight_decay)


def make_scheduler(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LambdaLR:
    """The same curve for every group; the backbone's are 0 while it is frozen."""

    def factor(step: int) -> float:
        return rate_factor(recipe, step, steps)

    def backbone_factor(step: int) -> float:
        return 0.0 if step * recipe.epochs < recipe.frozen_epochs * steps else factor(step)

    # make_optimizer puts the backbone's groups at even places
    count = len(optimizer.param_groups)
    return LambdaLR(optimizer, [factor if index % 2 else backbone_factor for index in range(count)])


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
