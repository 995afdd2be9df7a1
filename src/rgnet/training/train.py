"""The whole of `rgnet train`: from rated photos to a model file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rgnet.atomic import explaining_errors
from rgnet.datasets.cache import cached_pixels
from rgnet.datasets.leaks import earlier_list
from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.errors import DataError
from rgnet.training.card import Provenance, make_card, write_model_file
from rgnet.training.checkpoints import BEST, prepare_folder
from rgnet.training.data import PixelDataset, fingerprint_ratings
from rgnet.training.fit import find_run, fit, read_finished
from rgnet.training.losses import check_histograms, check_loss
from rgnet.training.processes import Processes, local_rank_zero_first
from rgnet.training.recipes import Recipe
from rgnet.training.start import Start, new_network
from rgnet.training.teachers import adopt_teachers, follow_teachers
from rgnet.weights.file import ModelFile


def train(
    recipe: Recipe,
    rated: RatedPhotos,
    folder: Path,
    *,
    provenance: Provenance,
    start: Start = True,
    teachers: Sequence[ModelFile] = (),
    resume: bool = False,
    track: Track,
    say: Callable[[str], None] = print,
) -> Path:
    """Train and return the model file `folder`/NAME.safetensors, of the epoch that was best on the validation photos.

    folder: receives recipe.json, logs, checkpoints and the model file
    start:  see `new_network`; for a model file the recipe is made by `recipe(..., start=its card)`
    teachers: models whose scores training also follows, see `rgnet.training.teachers`
    resume: continue from the last checkpoint in `folder`
    track:  progress of decoding and of the teachers
    say:    receives messages, line by line
    Raises DataError, SettingError, OutputError, and what `fit` raises.
    """
    check_split(rated)
    recipe = fit_to_data(adopt_teachers(recipe, teachers), rated)
    processes = Processes.from_environment()
    with explaining_errors(folder):
        prepare_folder(folder, resume=resume)

        # A finished run has nothing left to do
        target = folder / f"{provenance.name}.safetensors"
        if resume and _is_finished(recipe, rated, folder, target):
            say(f"this run is finished, and {target} is its model")
            return target

        # Photos, decoded once
        with local_rank_zero_first(processes):
            train_photos, validation_photos = (
                make_dataset(rated, part, recipe, folder / "pixels", track)
                for part in (rated.train, rated.held_out)
            )

        cache = folder / "pixels"
        follow_teachers(train_photos, teachers, recipe.teacher_share, cache, track=track, say=say)

        # The network, from pretrained weights
        if isinstance(start, ModelFile) and earlier_list(start.card.training, rated):
            say(
                f"{start.card.name} was trained on other photos of {rated.name}, maybe on some of the validation "
                "photos: what is said of it may be too good"
            )
        network = new_network(recipe, start, say=say)
        result = fit(
            recipe,
            network,
            train_photos=train_photos,
            validation_photos=validation_photos,
            folder=folder,
            threshold=rated.unit(rated.threshold),
            keep_start=isinstance(start, ModelFile),
            resume=resume,
            say=say,
        )

        # The model file, from the best epoch
        if processes.rank:
            return folder
        say(f"waiting for photos took {100 * result.loader_share:.1f} % of the training time")
        if result.epoch == 0:
            say("no epoch was better than the model that training started from: its weights are kept")
        say("writing the model file (exporting the network may take a few minutes)")
        return write_model_file(folder, make_card(result.recipe, rated, provenance, result.figures))


def _is_finished(recipe: Recipe, rated: RatedPhotos, folder: Path, model: Path) -> bool:
    """Whether the last epoch is done and the model file was written after the best one."""
    checkpoint = find_run(folder, recipe, fingerprint_ratings(_unit_ratings(rated, rated.train)))
    if not model.exists() or model.stat().st_mtime < (folder / BEST).stat().st_mtime:
        return False
    return read_finished(checkpoint, recipe) is not None


def check_split(rated: RatedPhotos) -> None:
    """Refuse to train where a photo is in two splits, or one that training needs is empty."""
    keys = {side: {photo.key for photo in photos} for side, photos in rated.splits().items()}
    for one, other in (("train", "held_out"), ("train", "test"), ("held_out", "test")):
        if both := keys[one] & keys[other]:
            raise DataError(f"{len(both)} photos are both in {one} and in {other}, {min(both)!r} among them")
    if not keys["train"] or not keys["held_out"]:
        raise DataError("training needs training photos and validation photos (held_out); one list is empty")


def fit_to_data(recipe: Recipe, rated: RatedPhotos) -> Recipe:
    """The recipe with the bins of the data set, where its head is a histogram."""
    check_loss(recipe)
    architecture = recipe.architecture
    if architecture.head == "histogram":
        bins = rated.unit(np.array(rated.bins)).round(6).tolist()
        recipe = replace(recipe, architecture=replace(architecture, bins=tuple(bins)))
    lacking = sum(photo.histogram is None for photo in (*rated.train, *rated.held_out))
    check_histograms(recipe, lacking, rated.name)
    return recipe


def make_dataset(
    rated: RatedPhotos, photos: Sequence[RatedPhoto], recipe: Recipe, cache: Path, track: Track
) -> PixelDataset:
    """The decoded photos of one split, with their ratings."""
    histogram_NK = None
    if recipe.loss == "emd":
        histogram_NK = np.array([photo.histogram for photo in photos], dtype=np.float32)
    pixels = cached_pixels(photos, recipe.preprocess, cache, track=track)
    return PixelDataset(pixels, _unit_ratings(rated, photos), histogram_NK)


def _unit_ratings(rated: RatedPhotos, photos: Sequence[RatedPhoto]) -> np.ndarray:
    """(N,) mean ratings in [0, 1]."""
    return rated.unit(np.array([photo.mean for photo in photos]))
