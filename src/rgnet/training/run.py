"""One training run: from rated photos to a model file, with checkpoints on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from rgnet.datasets.pixels import cached_pixels
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError
from rgnet.export import graph_of
from rgnet.model import build
from rgnet.modelfile import ModelCard, Scale, half, write
from rgnet.training.data import PixelDataset, batches, evenly
from rgnet.training.recipes import Recipe
from rgnet.training.task import AestheticsTask, FreshNorms, revive_batch_norms

REVIVE_PHOTOS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a model card says that neither the recipe nor the photos know."""

    name: str
    command: str


def train(
    recipe: Recipe,
    photos: RatedPhotos,
    folder: Path,
    *,
    provenance: Provenance,
    pretrained: bool | str | Path = True,
    resume: bool = False,
    track,
) -> Path:
    """Train and return the model file `folder`/NAME.safetensors, written from the best epoch on the held-out photos.

    folder:  receives recipe.json, metrics.csv, checkpoints and the model file
    resume:  go on from the last checkpoint in `folder`
    track:   progress of decoding, see `cached_pixels`
    """
    check_split(photos)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict(), indent=2) + "\n")
    lightning.seed_everything(recipe.seed, verbose=False)

    # Photos, decoded once
    cache = folder / "pixels"
    learn = dataset_of(photos, photos.train, recipe, cache, track)
    choose = dataset_of(photos, photos.held_out, recipe, cache, track)

    # The network, from weights somebody else trained
    network = build(recipe.architecture, pretrained=pretrained)
    cut = float(photos.unit(photos.threshold))
    task = AestheticsTask(network.to(memory_format=torch.channels_last), recipe, cut=cut)
    if recipe.norms == "revive":
        revive_on(task, learn)
    if recipe.vote_start == "even":
        torch.nn.init.zeros_(network.head.vote.weight)

    # The loop is Lightning's
    best = ModelCheckpoint(folder, "best", monitor="held_out/srcc", mode="max", enable_version_counter=False)
    last = ModelCheckpoint(folder, "last", every_n_epochs=1, enable_version_counter=False)
    clean = batches(evenly(learn, recipe.norm_photos), 64, shuffle=False)
    fresh = [FreshNorms(clean)] if recipe.norm_photos else []
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        precision=recipe.precision,
        gradient_clip_val=recipe.clip,
        num_sanity_val_steps=0,
        callbacks=[*fresh, best, last, LearningRateMonitor()],
        logger=CSVLogger(folder, name="", version=""),
        log_every_n_steps=10,
    )
    trainer.fit(
        task,
        batches(learn, recipe.batch_size, shuffle=True),
        batches(choose, 100, shuffle=False),
        ckpt_path=last_checkpoint(folder) if resume else None,
    )
    figures = {"held_out_srcc": round(float(best.best_model_score), 4)}
    return finish(folder, card_of(recipe, photos, provenance, figures))


def check_split(photos: RatedPhotos) -> None:
    """Refuse to train where a photo stands on two sides."""
    sides = {side: {photo.key for photo in getattr(photos, side)} for side in ("train", "held_out", "test")}
    for one, other in (("train", "held_out"), ("train", "test"), ("held_out", "test")):
        if both := sides[one] & sides[other]:
            raise DataError(f"{len(both)} photos are both in {one} and in {other}, {min(both)!r} among them")
    if not sides["train"] or not sides["held_out"]:
        raise DataError(
            "training needs photos to learn from and photos held out to choose by; one list is empty"
        )


def dataset_of(
    photos: RatedPhotos, part: tuple[RatedPhoto, ...], recipe: Recipe, cache: Path, track
) -> PixelDataset:
    unit = photos.unit(np.array([photo.mean for photo in part]))
    return PixelDataset(cached_pixels(part, recipe.preprocess, cache, track=track), unit)


def revive_on(task: AestheticsTask, learn: PixelDataset) -> None:
    """Measure batch norm statistics on evenly spaced training photos."""
    (pixels_B3HW, _), *_ = batches(evenly(learn, REVIVE_PHOTOS), REVIVE_PHOTOS, shuffle=False)
    revive_batch_norms(task.network.backbone, (pixels_B3HW.cpu() - task.mean) / task.std)


def last_checkpoint(folder: Path) -> Path:
    path = folder / "last.ckpt"
    if not path.is_file():
        raise DataError(f"there is nothing to resume: {path} is missing; leave out --resume to start")
    return path


def finish(folder: Path, card: ModelCard) -> Path:
    """Write the model file from `folder`/best.ckpt."""
    checkpoint = torch.load(folder / "best.ckpt", map_location="cpu", weights_only=True)
    prefix = "network."
    weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
    network = build(card.architecture)
    network.load_state_dict(weights)
    target = folder / f"{card.name}.safetensors"
    write(target, card, half(network.state_dict()), graph_of(network))
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
        },
        licence=photos.licence,
        notice=photos.notice,
        metrics=figures,
    )
