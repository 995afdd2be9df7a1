"""Teach a backbone from another one, where nobody offers ImageNet weights of it.

The student learns to give, through a 1x1 projection that is thrown away afterwards, the teacher's last feature
map on the same photos (Romero et al., FitNets, ICLR 2015). No ratings are used.

Shape letters: B batch · D teacher's feature channels · H, W grid
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from rgnet.atomic import explaining_errors, write_bytes
from rgnet.imaging.preprocess import IMAGENET_MEAN, IMAGENET_STD
from rgnet.model.backbones import make_backbone, plain_weights
from rgnet.training.checkpoints import LAST, start_folder, to_resume
from rgnet.training.data import Augment, Batch, PixelDataset, learning_batches, seed_step
from rgnet.training.module import resized
from rgnet.training.trainer import interruptible, quiet, trainer_in

STRIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Everything that decides a distillation, apart from the photos and the teacher's weights.

    mean, std: of RGB / 255 as the teacher wants it; the student is fed with ImageNet's
    size:      side in pixels at which photos are kept
    sizes:     ((epochs, side in pixels), ...) at which they are learned from, in order
    Other fields as in `Recipe`.
    """

    student: str = "densenet121"
    teacher: str = "resnet50"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    size: int = 224
    sizes: tuple[tuple[int, int], ...] = ((20, 128), (10, 192))
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    flip: float = 0.5
    zoom: tuple[float, float] = (1.0, 2.0)
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    seed: int = 0

    @property
    def schedule(self) -> list[int]:
        """Side in pixels of every epoch's photos."""
        return [side for epochs, side in self.sizes for _ in range(epochs)]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Distillation(lightning.LightningModule):
    """Trains `student` on `Batch`es, whose ratings it leaves alone; loss is the mean squared error of features.

    The teacher's features are standardised channel by channel, so that an error of 1 means nothing was learned.
    """

    def __init__(
        self, lesson: Lesson, teacher_weights: Path | bool, *, list: str, say: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.lesson = lesson
        self.list = list
        self.say = say
        self.student = make_backbone(lesson.student, output_stride=STRIDE)
        self.teacher = make_backbone(lesson.teacher, output_stride=STRIDE, pretrained=teacher_weights)
        self.teacher.requires_grad_(False)
        self.project = nn.Conv2d(self.student.channels, self.teacher.channels, kernel_size=1)
        self.standard = nn.BatchNorm2d(self.teacher.channels, affine=False)
        self.augment = Augment(lesson.flip, lesson.zoom)

    def on_train_batch_start(self, _batch: Batch, index: int) -> None:
        seed_step(self.lesson.seed, self.current_epoch, index, self.global_rank)

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        side = self.lesson.schedule[self.current_epoch]
        image_B3HW = self.augment(resized(batch.pixels_B3HW.float() / 255, side))
        with torch.no_grad():
            wanted_BDHW = self.standard(
                self.teacher.eval()(self.fed(image_B3HW, self.lesson.mean, self.lesson.std))
            )
        found_BDHW = self.project(self.student(self.fed(image_B3HW, IMAGENET_MEAN, IMAGENET_STD)))
        loss = F.mse_loss(found_BDHW.float(), wanted_BDHW.float())
        size = len(image_B3HW)
        self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=size)
        return loss

    def on_train_epoch_end(self) -> None:
        loss = float(self.trainer.callback_metrics["loss_epoch"])
        self.say(f"epoch {self.current_epoch + 1} of {len(self.lesson.schedule)}: loss {loss:.4f}")

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["rgnet"] = {"recipe": self.lesson.to_dict(), "list": self.list}

    def fed(self, image_B3HW: Tensor, *statistics: tuple[float, float, float]) -> Tensor:
        mean, std = (image_B3HW.new_tensor(values).view(1, 3, 1, 1) for values in statistics)
        return ((image_B3HW - mean) / std).contiguous(memory_format=torch.channels_last)

    def configure_optimizers(self) -> dict:
        learned = [*self.student.parameters(), *self.project.parameters()]
        optimizer = torch.optim.AdamW(learned, weight_decay=self.lesson.weight_decay)
        steps = max(2, int(self.trainer.estimated_stepping_batches))
        scheduler = OneCycleLR(
            optimizer, self.lesson.learning_rate, steps, pct_start=0.1, cycle_momentum=False
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def distil(
    lesson: Lesson,
    learn: PixelDataset,
    target: Path,
    *,
    teacher_weights: Path | bool = True,
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Train the student and write its weights to `target`, in the layout `make_backbone` reads.

    The folder of `target`'s name beside it receives checkpoint and loss curve.
    resume: go on from the last checkpoint there, to the bit as if nothing had happened (on a processor)
    Raises DataError, SettingError and OutputError as `train` does.
    """
    folder = target.with_suffix("")
    with explaining_errors(folder):
        start_folder(folder, resume=resume)
        checkpoint = to_resume(folder, lesson, learn.fingerprint) if resume else None
        lightning.seed_everything(lesson.seed, verbose=False)
        task = Distillation(lesson, teacher_weights, list=learn.fingerprint, say=say)
        with interruptible(folder, say), quiet():
            trainer = trainer_in(
                folder,
                steps=len(learn) // lesson.batch_size,
                callbacks=[ModelCheckpoint(folder, Path(LAST).stem, enable_version_counter=False)],
                max_epochs=len(lesson.schedule),
                precision=lesson.precision,
                gradient_clip_val=1.0,
            )
            photos = learning_batches(learn, lesson.batch_size, rank=0, world=1, seed=lesson.seed)
            trainer.fit(task.to(memory_format=torch.channels_last), photos, ckpt_path=checkpoint)
        weights = {name: value.contiguous() for name, value in plain_weights(task.student).items()}
        write_bytes(target, save(weights))
    return target
