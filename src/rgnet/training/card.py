"""From the best epoch to a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.datasets.records import RatedPhotos, list_hash
from rgnet.export import graph_of
from rgnet.model import build
from rgnet.training.checkpoints import best_weights
from rgnet.training.recipes import Recipe
from rgnet.weights.card import ModelCard, Scale
from rgnet.weights.file import to_half, write_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a model card says that neither the recipe nor the photos know.

    start: the card of the model that training began with, where it was a whole model
    """

    name: str
    command: str
    start: ModelCard | None = None


def finish(folder: Path, card: ModelCard) -> Path:
    """Write the model file from `folder`/best.ckpt."""
    network = build(card.architecture)
    network.load_state_dict(best_weights(folder))
    target = folder / f"{card.name}.safetensors"
    write_model(target, card, to_half(network.state_dict()), graph_of(network))
    return target


def card_of(
    recipe: Recipe, photos: RatedPhotos, provenance: Provenance, figures: dict[str, float]
) -> ModelCard:
    quantiles = np.quantile([photo.mean for photo in photos.train], np.linspace(0, 1, 101))
    return ModelCard(
        name=provenance.name,
        architecture=recipe.architecture,
        preprocess=recipe.preprocess,
        scale=Scale(
            low=photos.low,
            high=photos.high,
            people=photos.people,
            quantiles=tuple(quantiles.round(4).tolist()),
        ),
        precision=recipe.served,
        training={
            "data": photos.name,
            "photos": len(photos.train),
            "list": list_hash(photos.train),
            "held_out_list": list_hash(photos.held_out),
            "recipe": recipe.to_dict(),
            "command": provenance.command,
        }
        | begun_with(provenance.start),
        licence=both(provenance.start and provenance.start.licence, photos.licence),
        notice=both(provenance.start and provenance.start.notice, photos.notice),
        metrics=figures,
    )


def begun_with(start: ModelCard | None) -> dict[str, Any]:
    """What a card says of the model that training began with, and of how that one was trained."""
    return {} if start is None else {"start": {"model": start.short_hash} | start.training}


def both(before: str | None, now: str) -> str:
    """What was said of the weights before holds for what was made of them."""
    return now if not before or before == now else f"{before}; {now}"
