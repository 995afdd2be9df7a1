"""Training one network to its last epoch, with smaller micro-batches where GPU memory runs out."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Subset

from rgnet.atomic import explaining_errors, write_text
from rgnet.errors import RgnetError
from rgnet.model import RGNet
from rgnet.training.checkpoints import (
    LAST,
    find_checkpoint,
    load_checkpoint,
    network_weights,
    prepare_folder,
)
from rgnet.training.data import Batch, PixelDataset
from rgnet.training.losses import check_loss
from rgnet.training.module import AestheticsModule
from rgnet.training.processes import Processes
from rgnet.training.recipes import Recipe
from rgnet.training.start import prepare_network
from rgnet.training.trainer import FitResult, micro_batch_size, quiet, run_trainer


class OutOfMemory(RgnetError):
    """A GPU cannot hold its micro-batch."""


def fit(
    recipe: Recipe,
    network: RGNet,
    *,
    train_photos: PixelDataset,
    validation_photos: PixelDataset | Subset[Batch],
    folder: Path,
    module: type[AestheticsModule] = AestheticsModule,
    threshold: float = 0.5,
    keep_start: bool = False,
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> FitResult:
    """Train `network` in place to the last epoch; `checkpoints.load_best_weights(folder)` gives those of the best.

    network:   of recipe.architecture, from `new_network`
    validation_photos: their SRCC decides which epoch is best
    module:    what trains it
    threshold: the rating in [0, 1] at and above which a photo is "high"
    keep_start: the weights of `network` are those of a trained model, and stay if no epoch is better
    resume:    continue from `folder`/last.ckpt: on a CPU the result is bit-identical to an uninterrupted run
    Raises NonFiniteLoss before a step that would spoil the weights, OutOfMemory where smaller batches do not help.
    """
    check_loss(recipe)
    micro_batch_size(recipe, len(train_photos), Processes.from_environment().world)
    network.to(memory_format=torch.channels_last)
    with explaining_errors(folder):
        prepare_folder(folder, resume=resume)
        photos = train_photos.fingerprint
        checkpoint = find_run(folder, recipe, photos) if resume else None
        if checkpoint is None:
            prepare_network(network, recipe, train_photos)
        elif finished := read_finished(checkpoint, recipe):
            result, weights = finished
            network.load_state_dict(weights)
            return result
        start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        while True:
            _write_recipe(folder, recipe)
            with quiet():
                task = module(network, recipe, threshold=threshold, photos=photos)
            try:
                return run_trainer(
                    task,
                    train_photos=train_photos,
                    validation_photos=validation_photos,
                    folder=folder,
                    checkpoint=checkpoint,
                    keep_start=keep_start,
                    say=say,
                )
            except torch.cuda.OutOfMemoryError:
                recipe = _halve_micro_batches(recipe, say)

            # Outside the handler, so that nothing holds the memory any more: from the last epoch, or the start
            del task
            gc.collect()
            torch.cuda.empty_cache()
            checkpoint = folder / LAST if (folder / LAST).exists() else None
            network.load_state_dict(start)


def find_run(folder: Path, recipe: Recipe, photos: str) -> Path:
    """The checkpoint from which a run of this recipe continues; raises as `find_checkpoint` does."""
    return find_checkpoint(folder, recipe.to_dict(), photos, defaults=Recipe(name="").to_dict())


def read_finished(checkpoint: Path, recipe: Recipe) -> tuple[FitResult, dict[str, Tensor]] | None:
    """What a finished run came to, and the weights of its last epoch; None for a run that can continue."""
    saved = load_checkpoint(checkpoint)
    states = saved["callbacks"]
    waited = next((state["wait_count"] for state in states.values() if "wait_count" in state), 0)
    stopped = recipe.patience is not None and 0 < recipe.patience <= waited
    if saved["epoch"] + 1 < recipe.epochs and not stopped:
        return None
    best = states["Keep"]
    return FitResult(recipe, best["figures"], best.get("epoch", 1)), network_weights(saved)


def _write_recipe(folder: Path, recipe: Recipe) -> None:
    if Processes.from_environment().rank == 0:
        write_text(folder / "recipe.json", json.dumps(recipe.to_dict(), indent=2) + "\n")


def _halve_micro_batches(recipe: Recipe, say: Callable[[str], None]) -> Recipe:
    """The recipe with each batch in at least twice as many parts; with several processes, an error that says so."""
    recipe = replace(recipe, accumulate=_next_accumulate(recipe))
    if Processes.from_environment().world > 1:
        raise OutOfMemory(
            "GPU memory does not hold a process's share of a batch: start again, or after an epoch continue "
            f"(--resume), with  --set accumulate={recipe.accumulate}"
        ) from None
    say(
        f"GPU memory does not hold a micro-batch: continuing with micro-batches of "
        f"{recipe.batch_size // recipe.accumulate} photos (accumulate={recipe.accumulate})"
    )
    return recipe


def _next_accumulate(recipe: Recipe) -> int:
    """The next greater `accumulate`, at least double. Raises OutOfMemory where a micro-batch is one photo already."""
    for parts in range(2 * recipe.accumulate, recipe.batch_size + 1):
        if recipe.batch_size % parts == 0:
            return parts
    raise OutOfMemory(
        "GPU memory does not hold a single photo: use smaller photos, as in "
        "--set preprocess.size=224 --set sizes=10x224, or a lighter backbone"
    )
