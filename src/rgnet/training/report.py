"""What a run says of itself: a line an epoch, its pace, and the share of the time that waits for batches."""

from __future__ import annotations

import time
from collections.abc import Callable

import lightning
from lightning.pytorch.profilers import Profiler

NEXT = "[_TrainingEpochLoop].train_dataloader_next"


class LoaderClock(Profiler):
    """Adds up the seconds of waiting for training batches: loading them, and moving them to the device."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0
        self.started: dict[str, float] = {}
        self.learning = False

    def start(self, action_name: str) -> None:
        if action_name.endswith("_next"):
            self.learning = action_name == NEXT
        self.started[action_name] = time.perf_counter()

    def stop(self, action_name: str) -> None:
        start = self.started.pop(action_name, None)
        moving = self.learning and action_name.endswith("batch_to_device")
        if start is not None and (moving or action_name == NEXT):
            self.waited += time.perf_counter() - start

    def summary(self) -> str:
        return ""


class Report(lightning.Callback):
    """Says after every epoch what came out, how fast, and what the loader cost.

    spent, waited: seconds of training in all epochs, exams left out, and of waiting for batches in them
    rate:          photos a second in the last epoch, over all processes
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.clock = LoaderClock()
        self.spent = self.waited = self.rate = 0.0
        self.start = self.end = 0.0

    @property
    def loader_share(self) -> float:
        return self.waited / self.spent if self.spent else 0.0

    def on_train_epoch_start(self, _trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        self.clock.waited = 0.0
        self.start = time.perf_counter()

    def on_train_batch_end(self, *_arguments) -> None:
        self.end = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        seconds, waited = self.end - self.start, self.clock.waited
        photos = trainer.num_training_batches * trainer.train_dataloader.batch_size * trainer.world_size
        self.rate = photos / seconds
        self.spent, self.waited = self.spent + seconds, self.waited + waited
        pace = {"loader_share": waited / seconds, "photos_per_second": self.rate}
        task.log_dict(pace, rank_zero_only=True)
        if trainer.is_global_zero:
            self.say(self.line(trainer, waited / seconds))

    def line(self, trainer: lightning.Trainer, share: float) -> str:
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return (
            f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: loss {found['loss_epoch']:.4f}, "
            f"held out SRCC {found['held_out/srcc']:.4f}, PLCC {found['held_out/plcc']:.4f}, "
            f"{self.rate:.1f} photos/s, loader {100 * share:.1f} % of the time"
        )
