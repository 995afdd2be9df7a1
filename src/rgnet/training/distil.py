"""Teach a backbone from another one, where nobody offers ImageNet weights of it.

The student learns to give, through a 1x1 projection that is thrown away afterwards, the teacher's last feature
map on the same photos (Romero et al., FitNets, ICLR 2015). No ratings are used.

Shape letters: B batch · D teacher's feature channels · H, W grid
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from rgnet.model.backbones import make_backbone, plain_weights
from rgnet.preprocess import IMAGENET_MEAN, IMAGENET_STD
from rgnet.training.data import Augment, PixelDataset, batches
from rgnet.training.task import resized

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


class Distillation(lightning.LightningModule):
    """Trains `student` on batches (pixels_B3HW uint8, anything); loss is the mean squared error of features.

    The teacher's features are standardised channel by channel, so that an error of 1 means nothing was learned.
    """

    def __init__(self, lesson: Lesson, teacher_weights: Path | bool) -> None:
        super().__init__()
        self.lesson = lesson
        self.student = make_backbone(lesson.student, output_stride=STRIDE)
        self.teacher = make_backbone(lesson.teacher, output_stride=STRIDE, pretrained=teacher_weights)
        self.teacher.requires_grad_(False)
        self.project = nn.Conv2d(self.student.channels, self.teacher.channels, kernel_size=1)
        self.standard = nn.BatchNorm2d(self.teacher.channels, affine=False)
        self.augment = Augment(lesson.flip, lesson.zoom)

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        side = self.lesson.schedule[self.current_epoch]
        image_B3HW = self.augment(resized(batch[0].float() / 255, side))
        with torch.no_grad():
            wanted_BDHW = self.standard(
                self.teacher.eval()(self.fed(image_B3HW, self.lesson.mean, self.lesson.std))
            )
        found_BDHW = self.project(self.student(self.fed(image_B3HW, IMAGENET_MEAN, IMAGENET_STD)))
        loss = F.mse_loss(found_BDHW.float(), wanted_BDHW.float())
        self.log("loss", loss, prog_bar=True)
        return loss

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
) -> Path:
    """Train the student and write its weights to `target`, in the layout `make_backbone` reads.

    Checkpoint and loss curve lie in the folder of `target`, under its name.
    """
    lightning.seed_everything(lesson.seed, verbose=False)
    folder = target.with_suffix("")
    task = Distillation(lesson, teacher_weights).to(memory_format=torch.channels_last)
    trainer = lightning.Trainer(
        max_epochs=len(lesson.schedule),
        precision=lesson.precision,
        gradient_clip_val=1.0,
        callbacks=[ModelCheckpoint(folder, "last", enable_version_counter=False)],
        logger=CSVLogger(folder, name="", version=""),
        log_every_n_steps=10,
    )
    last = folder / "last.ckpt"
    trainer.fit(task, batches(learn, lesson.batch_size, shuffle=True), ckpt_path=last if resume else None)
    save_file({name: value.contiguous() for name, value in plain_weights(task.student).items()}, target)
    return target
