"""Lightning's loop, set up after a recipe: one go at training, from the start or from a checkpoint."""

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
from lightning.pytorch.callbacks import LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning_utilities.core.imports import RequirementCache

from rgnet.errors import RgnetError, SettingError
from rgnet.training.checkpoints import LAST, Keep, Patience, WholeFiles
from rgnet.training.data import PixelDataset, batches, evenly, exam_batches, learning_batches
from rgnet.training.module import AestheticsTask, FreshNorms
from rgnet.training.processes import Processes
from rgnet.training.recipes import Recipe
from rgnet.training.report import Report

# Of Lightning, torchmetrics and DDP, none of it for users of a recipe
ADVICE = (
    "does not have many workers", "available but not used", "LeafSpec", "predictions in the buffer", "sync_dist",
    "Grad strides do not match", "exists and is not empty",
)  # fmt: skip


class OutOfMemory(RgnetError):
    """A graphics card cannot hold its part of a batch."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a run came to.

    recipe:       as it was carried out; `accumulate` may have grown
    figures:      of the best epoch on the held-out photos: srcc, plcc and mse of ratings in [0, 1]
    loader_share: of the time of training, spent on waiting for batches; in [0, 1]
    rate:         photos a second in the last epoch, exam left out
    """

    recipe: Recipe
    figures: dict[str, float]
    loader_share: float
    rate: float


def attempt(
    task: AestheticsTask,
    *,
    learn: PixelDataset,
    choose: PixelDataset,
    folder: Path,
    checkpoint: Path | None,
    say: Callable[[str], None],
) -> Fitted:
    """Train `task` to its recipe's end, from `checkpoint` if there is one. Raises torch.cuda.OutOfMemoryError."""
    recipe, processes = task.recipe, Processes.found()
    part = part_of(recipe, len(learn), processes.world)
    report, keep = Report(say), Keep(folder)
    seats = {"rank": processes.rank, "world": processes.world}
    steps = len(learn) // recipe.batch_size
    with interruptible(folder, say), quiet():
        measure = measuring(recipe, learn, part)
        trainer = trainer_in(
            folder,
            steps=steps,
            callbacks=[*measure, LearningRateMonitor(), report, *stopping(recipe), keep],
            max_epochs=recipe.epochs,
            precision=recipe.precision,
            gradient_clip_val=recipe.clip,
            accumulate_grad_batches=recipe.accumulate,
            limit_train_batches=steps * recipe.accumulate,
            num_sanity_val_steps=0,
            profiler=report.clock,
            **processes.trainer(),
        )
        trainer.fit(
            task,
            learning_batches(learn, part, seed=recipe.seed, **seats),
            exam_batches(choose, min(100, 2 * part), **seats),
            ckpt_path=checkpoint,
        )
    return Fitted(recipe, keep.figures, report.loader_share, report.rate)


def trainer_in(
    folder: Path, *, steps: int, callbacks: list[lightning.Callback], **settings: Any
) -> lightning.Trainer:
    """A Trainer that keeps what it writes in `folder`, files whole, and shows a bar on a terminal only.

    steps: of an epoch
    """
    bar = [RichProgressBar()] if sys.stderr.isatty() else []
    return lightning.Trainer(
        callbacks=[*callbacks, *bar],
        logger=loggers(folder),
        log_every_n_steps=max(1, min(10, steps)),
        plugins=[WholeFiles()],
        enable_progress_bar=bool(bar),
        enable_model_summary=False,
        **settings,
    )


def part_of(recipe: Recipe, photos: int, world: int) -> int:
    """Photos that one process computes at a time. Raises SettingError where they cannot be dealt out."""
    if photos < recipe.batch_size:
        raise SettingError(
            f"batch_size is {recipe.batch_size}, and there are only {photos} photos to learn from: "
            f"give more, or  --set batch_size={max(1, photos // 4)}"
        )
    parts = recipe.accumulate * world
    if recipe.accumulate < 1 or recipe.batch_size % parts:
        raise SettingError(
            f"batch_size={recipe.batch_size} cannot be dealt out in accumulate={recipe.accumulate} parts to "
            f"{world} processes: choose a batch_size that {max(1, parts)} divides"
        )
    return recipe.batch_size // parts


def more_parts(recipe: Recipe) -> int:
    """The next greater `accumulate`, at least double. Raises OutOfMemory where a part is one photo already."""
    for parts in range(2 * recipe.accumulate, recipe.batch_size + 1):
        if recipe.batch_size % parts == 0:
            return parts
    raise OutOfMemory(
        "the graphics card's memory does not hold a single photo: use smaller photos, as in "
        "--set preprocess.size=224 --set sizes=10x224, or a lighter backbone"
    )


def measuring(recipe: Recipe, learn: PixelDataset, part: int) -> list[lightning.Callback]:
    if not recipe.norm_photos:
        return []
    return [FreshNorms(batches(evenly(learn, recipe.norm_photos), min(64, part)))]


def stopping(recipe: Recipe) -> list[lightning.Callback]:
    return [Patience(recipe.patience)] if recipe.patience else []


def loggers(folder: Path) -> list[Logger]:
    """logs/version_N: a new N each time a run starts or goes on, so that no curve is written over."""
    table = CSVLogger(folder, name="logs")
    if not RequirementCache("tensorboard"):
        return [table]
    return [table, TensorBoardLogger(folder, name="logs", version=table.version)]


@contextlib.contextmanager
def interruptible(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C as a KeyboardInterrupt again, which Lightning turns into an exit, and a word on how to go on."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, handler)
        kept = f"the last finished epoch is in {folder / LAST}: go on with  --resume"
        say(f"stopped; {kept if (folder / LAST).exists() else 'no epoch was finished yet, nothing is kept'}")
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's news and its advice, which is for loaders that decode: our photos lie decoded."""
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for about in ADVICE:
                warnings.filterwarnings("ignore", message=f".*{about}")
            yield
    finally:
        logger.setLevel(before)
