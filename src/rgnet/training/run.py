"""One training run: `fit` trains a network and keeps checkpoints, `train` goes from rated photos to a model file."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rgnet.atomic import explaining_errors, write_text
from rgnet.datasets.cache import cached_pixels
from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.errors import DataError
from rgnet.model import RGNet
from rgnet.training.card import Provenance, card_of, finish
from rgnet.training.checkpoints import LAST, start_folder, to_resume
from rgnet.training.data import PixelDataset, batches, evenly
from rgnet.training.losses import check_head, check_histograms
from rgnet.training.module import AestheticsTask, revive_batch_norms
from rgnet.training.processes import Processes, one_first
from rgnet.training.recipes import Recipe
from rgnet.training.start import Start, new_network, starting_from
from rgnet.training.trainer import Fitted, OutOfMemory, attempt, more_parts, part_of, quiet

__all__ = ["Fitted", "Provenance", "dataset_of", "fit", "for_data", "new_network", "train"]

REVIVE_PHOTOS = 256


def train(
    recipe: Recipe,
    photos: RatedPhotos,
    folder: Path,
    *,
    provenance: Provenance,
    start: Start = True,
    resume: bool = False,
    track,
    say: Callable[[str], None] = print,
) -> Path:
    """Train and return the model file `folder`/NAME.safetensors, written from the best epoch on the held-out photos.

    folder:  receives recipe.json, logs, checkpoints and the model file
    start:   see `new_network`; from a model file the recipe's network gives way to the model's
    resume:  go on from the last checkpoint in `folder`
    track:   progress of decoding, see `cached_pixels`
    say:     is told what happens, line by line
    Raises DataError, SettingError, OutputError, and what `fit` raises.
    """
    check_split(photos)
    recipe = for_data(starting_from(recipe, start), photos)
    processes = Processes.found()
    with explaining_errors(folder):
        start_folder(folder, resume=resume)

        # Photos, decoded once
        with one_first(processes):
            learn, choose = (
                dataset_of(photos, part, recipe, folder / "pixels", track)
                for part in (photos.train, photos.held_out)
            )

        # The network, from weights that learned something before
        network = new_network(recipe, start)
        cut = float(photos.unit(photos.threshold))
        fitted = fit(
            recipe, network, learn=learn, choose=choose, folder=folder, cut=cut, resume=resume, say=say
        )

        # The model file, from the best epoch
        if processes.rank:
            return folder
        say(f"waiting for photos took {100 * fitted.loader_share:.1f} % of the training time")
        figures = {"held_out_srcc": round(fitted.figures["srcc"], 4)}
        return finish(folder, card_of(fitted.recipe, photos, provenance, figures))


def fit(
    recipe: Recipe,
    network: RGNet,
    *,
    learn: PixelDataset,
    choose: PixelDataset,
    folder: Path,
    cut: float = 0.5,
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> Fitted:
    """Train `network` in place up to the last epoch; `checkpoints.best_weights(folder)` are those of the best.

    network: of recipe.architecture, from `new_network`
    choose:  photos whose SRCC tells which epoch was best
    cut:     the rating in [0, 1] at and above which a photo is "high"
    resume:  go on from `folder`/last.ckpt: the result is, to the bit on a processor, that of an unbroken run
    Raises NonFiniteLoss before a step that would spoil the weights, OutOfMemory where smaller batches do not help.
    """
    check_head(recipe)
    part_of(recipe, len(learn), Processes.found().world)
    network.to(memory_format=torch.channels_last)
    with explaining_errors(folder):
        start_folder(folder, resume=resume)
        checkpoint = to_resume(folder, recipe, learn.fingerprint) if resume else None
        if checkpoint is None:
            prepare(network, recipe, learn)
        start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        while True:
            if Processes.found().rank == 0:
                write_text(folder / "recipe.json", json.dumps(recipe.to_dict(), indent=2) + "\n")
            with quiet():
                task = AestheticsTask(network, recipe, cut=cut, list=learn.fingerprint)
            try:
                return attempt(
                    task, learn=learn, choose=choose, folder=folder, checkpoint=checkpoint, say=say
                )
            except torch.cuda.OutOfMemoryError:
                recipe = in_smaller_parts(recipe, say)

            # Out of the handler, so that nothing holds the memory any more: from the last epoch, or the start
            del task
            gc.collect()
            torch.cuda.empty_cache()
            checkpoint = folder / LAST if (folder / LAST).exists() else None
            network.load_state_dict(start)


def in_smaller_parts(recipe: Recipe, say: Callable[[str], None]) -> Recipe:
    """The recipe with each batch in at least twice as many parts; several processes stop and say it instead."""
    recipe = replace(recipe, accumulate=more_parts(recipe))
    if Processes.found().world > 1:
        raise OutOfMemory(
            "a graphics card's memory does not hold its share of a batch: go on with  "
            f"--resume --set accumulate={recipe.accumulate}"
        ) from None
    say(
        f"the graphics card's memory does not hold a part of a batch: going on with parts of "
        f"{recipe.batch_size // recipe.accumulate} photos (accumulate={recipe.accumulate})"
    )
    return recipe


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


def for_data(recipe: Recipe, photos: RatedPhotos) -> Recipe:
    """The recipe with the bins of the data set, where its head is a histogram."""
    check_head(recipe)
    architecture = recipe.architecture
    if architecture.head == "histogram":
        bins = photos.unit(np.array(photos.bins)).round(6).tolist()
        recipe = replace(recipe, architecture=replace(architecture, bins=tuple(bins)))
    lacking = sum(photo.histogram is None for photo in (*photos.train, *photos.held_out))
    check_histograms(recipe, lacking, photos.name)
    return recipe


def dataset_of(
    photos: RatedPhotos, part: tuple[RatedPhoto, ...], recipe: Recipe, cache: Path, track
) -> PixelDataset:
    """The decoded photos of one side of the split, with what people said of them."""
    unit_N = photos.unit(np.array([photo.mean for photo in part]))
    known = recipe.loss == "emd"
    histogram_NK = np.array([photo.histogram for photo in part], dtype=np.float32) if known else None
    return PixelDataset(cached_pixels(part, recipe.preprocess, cache, track=track), unit_N, histogram_NK)


def prepare(network: RGNet, recipe: Recipe, learn: PixelDataset) -> None:
    """What a recipe asks for before the first step; see `Recipe.norms`, `vote_start` and `graph_start`."""
    if recipe.norms == "revive":
        revive_on(network, recipe, learn)
    if recipe.vote_start == "even":
        torch.nn.init.zeros_(network.head.vote.weight)
    if network.graph is not None:
        for weight_DD in network.graph.weights:
            weight_DD.data.mul_(recipe.graph_start)


def revive_on(network: RGNet, recipe: Recipe, learn: PixelDataset) -> None:
    """Measure batch norm statistics on evenly spaced training photos."""
    batch, *_ = batches(evenly(learn, REVIVE_PHOTOS), REVIVE_PHOTOS)
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) * 255
        for values in (recipe.preprocess.mean, recipe.preprocess.std)
    )
    revive_batch_norms(network.backbone, (batch.pixels_B3HW.cpu() - mean) / std)
