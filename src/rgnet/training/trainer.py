"""Lightning's Trainer, set up by a recipe: one attempt at training, from the start or from a checkpoint."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import EMAWeightAveraging, LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning_utilities.core.imports import RequirementCache
from torch.utils.data import Subset

from rgnet.errors import SettingError
from rgnet.training.callbacks import MeasureBatchNorms, ReportProgress, SaveCheckpoints, StopEarly
from rgnet.training.checkpoints import AtomicCheckpointIO
from rgnet.training.data import (
    Batch,
    PixelDataset,
    load_in_order,
    load_training,
    load_validation,
    take_evenly,
)
from rgnet.training.module import AestheticsModule
from rgnet.training.processes import Processes
from rgnet.training.recipes import Recipe

# Warnings of Lightning, torchmetrics and DDP that do not concern users of a recipe
_IGNORED_WARNINGS = (
    "does not have many workers", "available but not used", "LeafSpec", "predictions in the buffer", "sync_dist",
    "Grad strides do not match", "exists and is not empty",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a run came to.

    recipe:       as it was carried out; `accumulate` may have grown
    figures:      of the best epoch on the validation photos: srcc, plcc and mse of ratings in [0, 1]
    loader_share: share of the training time spent waiting for batches
    rate:         photos per second in the last epoch, without validation
    epoch:        the best one, counted from 1; 0 is the model that training started from
    """

    recipe: Recipe
    figures: dict[str, float]
    epoch: int = 1
    loader_share: float = 0.0
    rate: float = 0.0


def run_trainer(
    module: AestheticsModule,
    *,
    train_photos: PixelDataset,
    validation_photos: PixelDataset | Subset[Batch],
    folder: Path,
    checkpoint: Path | None,
    keep_start: bool,
    say: Callable[[str], None],
) -> FitResult:
    """Train `module` to its recipe's end, from `checkpoint` if there is one. Raises torch.cuda.OutOfMemoryError.

    keep_start: the weights as they are may be the best ones
    """
    recipe, processes = module.recipe, Processes.from_environment()
    micro_batch = micro_batch_size(recipe, len(train_photos), processes.world)
    sides = [recipe.size_at(epoch) for epoch in range(recipe.epochs)]
    report, save = (
        ReportProgress(micro_batch * processes.world, sides, say),
        SaveCheckpoints(folder, averaged=bool(recipe.average)),
    )
    steps = len(train_photos) // recipe.batch_size
    with restore_interrupt(), quiet():
        trainer = make_trainer(
            folder,
            steps=steps,
            callbacks=[
                *([EMAWeightAveraging(decay=recipe.average)] if recipe.average else []),
                *_measure_norms(recipe, train_photos, micro_batch),
                LearningRateMonitor(),
                report,
                *([StopEarly(recipe.patience)] if recipe.patience else []),
                save,
            ],
            max_epochs=recipe.epochs,
            precision=recipe.precision,
            gradient_clip_val=recipe.clip,
            accumulate_grad_batches=recipe.accumulate,
            limit_train_batches=steps * recipe.accumulate,
            num_sanity_val_steps=0,
            profiler=report.clock,
            **processes.trainer_settings(),
        )
        validation = load_validation(
            validation_photos, min(100, 2 * micro_batch), rank=processes.rank, world=processes.world
        )
        if keep_start and checkpoint is None:
            trainer.validate(module, validation, verbose=False)
            save.save_if_best(trainer, epoch=0)
            module.figures.reset()  # out of inference mode, whose tensors cannot be updated in training
            if trainer.is_global_zero:
                say(f"before training: validation SRCC {save.figures['srcc']:.4f}")
        trainer.fit(
            module,
            load_training(
                train_photos,
                micro_batch,
                rank=processes.rank,
                world=processes.world,
                seed=recipe.seed,
                accumulate=recipe.accumulate,
            ),
            validation,
            ckpt_path=checkpoint,
        )
    return FitResult(recipe, save.figures, save.epoch, report.loader_share, report.rate)


def make_trainer(
    folder: Path, *, steps: int, callbacks: list[lightning.Callback], **settings: Any
) -> lightning.Trainer:
    """A Trainer that keeps what it writes in `folder`, atomically, and shows a bar on a terminal only.

    steps: per epoch
    """
    bar = [RichProgressBar()] if sys.stderr.isatty() else []
    return lightning.Trainer(
        callbacks=[*callbacks, *bar],
        logger=_make_loggers(folder),
        log_every_n_steps=max(1, min(10, steps)),
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=bool(bar),
        enable_model_summary=False,
        **settings,
    )


def micro_batch_size(recipe: Recipe, photos: int, world: int) -> int:
    """Photos that one process computes at a time. Raises SettingError where a batch cannot be split so."""
    check_batch_size(recipe.batch_size, photos)
    parts = recipe.accumulate * world
    if recipe.accumulate < 1 or recipe.batch_size % parts:
        raise SettingError(
            f"batch_size={recipe.batch_size} cannot be split into accumulate={recipe.accumulate} micro-batches for "
            f"each of {world} processes: choose a batch_size that {max(1, parts)} divides"
        )
    return recipe.batch_size // parts


def check_batch_size(size: int, photos: int) -> None:
    """Raise SettingError where there is not a single whole batch."""
    if photos < size:
        raise SettingError(
            f"batch_size is {size}, and there are only {photos} training photos: "
            f"add photos, or use  --set batch_size={max(1, photos // 4)}"
        )


def _measure_norms(recipe: Recipe, photos: PixelDataset, micro_batch: int) -> list[lightning.Callback]:
    if not recipe.norm_photos:
        return []
    return [MeasureBatchNorms(load_in_order(take_evenly(photos, recipe.norm_photos), min(64, micro_batch)))]


def _make_loggers(folder: Path) -> list[Logger]:
    """logs/version_N: a new N each time a run starts or resumes, so that no curve is overwritten."""
    table = CSVLogger(folder, name="logs")
    if not RequirementCache("tensorboard"):
        return [table]
    return [table, TensorBoardLogger(folder, name="logs", version=table.version)]


@contextlib.contextmanager
def restore_interrupt() -> Iterator[None]:
    """Ctrl-C as a KeyboardInterrupt again, which Lightning turns into an exit."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's messages and its advice, which is for loaders that decode: our photos are decoded."""
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _IGNORED_WARNINGS:
                warnings.filterwarnings("ignore", message=f".*{message}")
            yield
    finally:
        logger.setLevel(before)
