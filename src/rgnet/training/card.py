"""The model file of the best epoch, and its card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.datasets.records import RatedPhotos, list_hash
from rgnet.export import graph_of
from rgnet.model import RGNet, build
from rgnet.training.checkpoints import load_best_weights
from rgnet.training.pretrained import PretrainedBackbone
from rgnet.training.recipes import Recipe
from rgnet.weights.card import ModelCard, Scale
from rgnet.weights.file import to_stored, write_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a model card holds besides the recipe and the photos.

    start:    the card of the model that training began with, if it was a whole model
    backbone: that it began with, if its weights came as a package
    teachers: the cards of the models whose scores it followed
    """

    name: str
    command: str
    start: ModelCard | None = None
    backbone: PretrainedBackbone | None = None
    teachers: tuple[ModelCard, ...] = ()


def write_model_file(folder: Path, card: ModelCard) -> Path:
    """Write the model file from `folder`/best.ckpt."""
    network = build(card.architecture)
    network.load_state_dict(load_best_weights(folder))
    target = folder / f"{card.name}.safetensors"
    write_network(target, network, card)
    return target


def write_network(target: Path, network: RGNet, card: ModelCard) -> None:
    """Write a network with its graph and its card as one model file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_model(target, card, to_stored(card.architecture, network.state_dict()), graph_of(network))


def make_card(
    recipe: Recipe, rated: RatedPhotos, provenance: Provenance, figures: dict[str, float]
) -> ModelCard:
    """figures: of the validation photos, as `FitResult` has them; {} where they decided nothing"""
    start, backbone, srcc = provenance.start, provenance.backbone, figures.get("srcc", math.nan)
    earlier: list[ModelCard | PretrainedBackbone] = [*provenance.teachers]
    earlier[:0] = [source for source in (start, backbone) if source]
    quantiles = np.quantile([photo.mean for photo in rated.train], np.linspace(0, 1, 101))
    return ModelCard(
        name=provenance.name,
        architecture=recipe.architecture,
        preprocess=recipe.preprocess,
        scale=Scale(
            low=rated.low,
            high=rated.high,
            people=rated.people,
            quantiles=tuple(quantiles.round(4).tolist()),
        ),
        precision=recipe.served,
        training={
            "data": rated.name,
            "photos": len(rated.train),
            "list": list_hash(rated.train),
            "held_out_list": list_hash(rated.held_out),
            "recipe": recipe.to_dict(),
            "command": provenance.command,
        }
        | _describe_start(start)
        | ({"start": backbone.describe()} if backbone else {}),
        licence=_join(*(source.licence for source in earlier), rated.licence),
        notice=_join(*(source.notice for source in earlier), rated.notice),
        metrics={"held_out_srcc": None if math.isnan(srcc) else round(srcc, 4)},
    )


def _describe_start(start: ModelCard | None) -> dict[str, Any]:
    """The model that training began with, and how that one was trained."""
    return {} if start is None else {"start": {"model": start.short_hash} | start.training}


def _join(*terms: str) -> str:
    """Licence or notice of weights that were made from weights with a licence or notice of their own."""
    return "; ".join(dict.fromkeys(term for term in terms if term))
