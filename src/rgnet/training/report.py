"""What a run says of itself: a line an epoch, and the share of the time that waits for batches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import lightning
from lightning.pytorch.profilers import Profiler

WORK, NEXT = "run_training_batch", "[_TrainingEpochLoop].train_dataloader_next"


class LoaderClock(Profiler):
    """Adds up the seconds spent on training batches, and on waiting for them: loading and moving to the device."""

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, float] = {}
        self.seconds: Counter[str] = Counter()
        self.learning = False

    def start(self, action_name: str) -> None:
        if action_name.endswith("_next"):
            self.learning = action_name == NEXT
        self.started[action_name] = time.perf_counter()

    def stop(self, action_name: str) -> None:
        start = self.started.pop(action_name, None)
        moving = self.learning and action_name.endswith("batch_to_device")
        if start is not None and (moving or action_name in (WORK, NEXT)):
            self.seconds[action_name] += time.perf_counter() - start

    def share(self, before: Counter[str] | None = None) -> float:
        """Of the time since `before` (a copy of `seconds`), or of all, in [0, 1]."""
        spent = self.seconds - (before or Counter())
        return 1 - spent[WORK] / spent.total() if spent else 0.0

    def summary(self) -> str:
        return ""


class Report(lightning.Callback):
    """Says after every epoch what came out, and where the run went wrong how to go on."""

    def __init__(self, clock: LoaderClock, say: Callable[[str], None]) -> None:
        self.clock, self.say = clock, say
        self.before: Counter[str] = Counter()

    def on_train_epoch_start(self, _trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        self.before = self.clock.seconds.copy()

    def on_train_epoch_end(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        share = self.clock.share(self.before)
        task.log("loader_share", share, rank_zero_only=True)
        if trainer.is_global_zero:
            found = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self.say(
                f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: loss {found['loss_epoch']:.4f}, "
                f"held out SRCC {found['held_out/srcc']:.4f}, PLCC {found['held_out/plcc']:.4f}, "
                f"loader {100 * share:.1f} % of the time"
            )
