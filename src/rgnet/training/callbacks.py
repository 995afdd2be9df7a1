"""What happens between epochs: keeping the best one, stopping early, fresh batch norms, and a line of progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.profilers import Profiler
from lightning.pytorch.trainer.states import TrainerFn
from torch.optim.swa_utils import update_bn

from rgnet.training.checkpoints import BEST, LAST, SELECTION_METRIC
from rgnet.training.data import Batch

# Seconds of the first epoch after which the time of the whole run is estimated
_ESTIMATE_AFTER = 10
_NEXT_BATCH = "[_TrainingEpochLoop].train_dataloader_next"


class SaveCheckpoints(Checkpoint):
    """Saves the last epoch, and the best epoch by SRCC on the validation photos.

    score: of the best epoch so far, None as long as none had one that is a number; part of the checkpoint, so that a
           resumed run knows it
    epoch: the best one, counted from 1; 0 is the model that training started from
    averaged: another callback puts averaged weights into whole checkpoints
    """

    def __init__(self, folder: Path, *, averaged: bool = False) -> None:
        self.folder = folder
        self.averaged = averaged
        self.score: float | None = None
        self.figures: dict[str, float] = {}
        self.epoch = 0

    def on_train_epoch_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        self.save_if_best(trainer, trainer.current_epoch + 1)
        trainer.save_checkpoint(self.folder / LAST)

    def save_if_best(self, trainer: lightning.Trainer, epoch: int) -> None:
        """Keep the validated weights unless earlier ones were better; a NaN at first gives way to any number."""
        score = float(trainer.callback_metrics[SELECTION_METRIC])
        first = not self.figures
        if not first and not score > (-math.inf if self.score is None else self.score):
            return
        self.score, self.epoch = None if math.isnan(score) else score, epoch
        self.figures = {
            name.partition("/")[2]: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("held_out/")
        }
        # Only a whole checkpoint has averaged weights
        trainer.save_checkpoint(self.folder / BEST, weights_only=not self.averaged)

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "figures": self.figures, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        score = state["score"]
        self.score = None if score is None or math.isnan(score) else score
        self.figures, self.epoch = state["figures"], state.get("epoch", 1)

    @property
    def state_key(self) -> str:
        """As in checkpoints from before the class had this name."""
        return "Keep"


class StopEarly(EarlyStopping):
    """Stops after `epochs` without a better SRCC; a run that had stopped stays stopped when it is resumed."""

    def __init__(self, epochs: int) -> None:
        super().__init__(SELECTION_METRIC, patience=epochs, mode="max", check_finite=False)

    @property
    def state_key(self) -> str:
        """As in checkpoints from before the class had this name."""
        return f"Patience{dict(monitor=self.monitor, mode=self.mode)!r}"

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


class MeasureBatchNorms(lightning.Callback):
    """Measures batch norm statistics on unaugmented training photos before every validation, so that validation
    and the checkpoint after it use statistics that belong to their weights, averaged ones too."""

    def __init__(self, photos: Iterable[Batch]) -> None:
        self.photos = photos

    def on_validation_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if trainer.state.fn != TrainerFn.FITTING:  # the model that training starts from, as it is
            return
        pixels = (batch.pixels_B3HW.to(module.device).float() for batch in self.photos)
        with trainer.precision_plugin.forward_context():
            update_bn(pixels, module)
        module.eval()


class LoaderClock(Profiler):
    """Adds up the seconds of waiting for training batches: loading them, and moving them to the device."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0
        self.started: dict[str, float] = {}
        self.training = False

    def start(self, action_name: str) -> None:
        if action_name.endswith("_next"):
            self.training = action_name == _NEXT_BATCH
        self.started[action_name] = time.perf_counter()

    def stop(self, action_name: str) -> None:
        start = self.started.pop(action_name, None)
        moving = self.training and action_name.endswith("batch_to_device")
        if start is not None and (moving or action_name == _NEXT_BATCH):
            self.waited += time.perf_counter() - start

    def summary(self) -> str:
        return ""


class ReportProgress(lightning.Callback):
    """Prints a line after every epoch: losses, metrics, speed, what loading cost, and the time left.

    sides:         side in pixels of every epoch's photos, by which the time left is estimated
    spent, waited: seconds of training in all epochs without validation, and of waiting for batches in them
    rate:          photos per second in the last epoch, over all processes
    """

    def __init__(self, photos_per_step: int, sides: Sequence[int], say: Callable[[str], None]) -> None:
        self.photos_per_step = photos_per_step
        self.sides = sides
        self.say = say
        self.estimated = False
        self.clock = LoaderClock()
        self.spent = self.waited = self.rate = 0.0
        self.start = self.end = 0.0

    @property
    def loader_share(self) -> float:
        return self.waited / self.spent if self.spent else 0.0

    def on_train_epoch_start(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        self.clock.waited = 0.0
        self.start = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        _module: lightning.LightningModule,
        _outputs: Any,
        _batch: Any,
        batch_idx: int,
    ) -> None:
        self.end = time.perf_counter()
        seconds, done, steps = self.end - self.start, batch_idx + 1, int(trainer.num_training_batches)
        if not self.estimated and seconds > _ESTIMATE_AFTER and done < steps and trainer.is_global_zero:
            self.estimated = True
            left = (steps / done - 1) * seconds + self._estimate(trainer, steps / done * seconds)
            self.say(f"{len(self.sides)} epochs: about {format_duration(left)} left, if none ends early")

    def _estimate(self, trainer: lightning.Trainer, seconds: float) -> float:
        """Of the epochs after this one, which takes `seconds`: time goes with the number of pixels."""
        this, *later = (side**2 for side in self.sides[trainer.current_epoch :])
        return seconds * sum(later) / this

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        seconds, waited = self.end - self.start, self.clock.waited
        self.rate = int(trainer.num_training_batches) * self.photos_per_step / seconds
        self.spent, self.waited = self.spent + seconds, self.waited + waited
        pace = {"loader_share": waited / seconds, "photos_per_second": self.rate}
        module.log_dict(pace, rank_zero_only=True)
        if trainer.is_global_zero:
            self.say(self._line(trainer, waited / seconds))

    def _line(self, trainer: lightning.Trainer, share: float) -> str:
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        left = self._estimate(trainer, time.perf_counter() - self.start)
        return (
            f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: loss {found['loss_epoch']:.4f}, "
            f"validation SRCC {found['held_out/srcc']:.4f}, PLCC {found['held_out/plcc']:.4f}, "
            f"{self.rate:.1f} photos/s, loader {100 * share:.1f} % of the time"
            + (f", about {format_duration(left)} left" if left else "")
        )


def format_duration(seconds: float) -> str:
    """Such as "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
