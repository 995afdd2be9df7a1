"""Feature distillation: a backbone without published ImageNet weights learns from another one.

Through a 1x1 projection that is discarded afterwards, the student learns to give the teacher's last feature map on
the same photos (Romero et al., FitNets, ICLR 2015). No ratings are used.

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
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from rgnet.atomic import explaining_errors, write_bytes
from rgnet.imaging.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from rgnet.model.backbones import make_backbone, plain_network, plain_weights
from rgnet.model.normalise import Normalise
from rgnet.training.checkpoints import LAST, find_checkpoint, prepare_folder
from rgnet.training.data import Augment, Batch, PixelDataset, load_training, resize_batch, seed_step
from rgnet.training.module import NonFiniteLoss
from rgnet.training.slices import first_cut, slice_densenet
from rgnet.training.trainer import check_batch_size, make_trainer, quiet, restore_interrupt

_STRIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillRecipe:
    """Everything that decides a distillation, apart from the photos and the teacher's weights.

    start:      of the student: "random", or "slices" of a teacher of its family, see `rgnet.training.slices`; layers
                before the first cut are the teacher's own, and stay as they are
    mean, std: of RGB / 255 that the teacher expects; the student gets ImageNet's
    size:      side in pixels at which photos are cached
    sizes:     ((epochs, side in pixels), ...) of training, in order
    Other fields as in `Recipe`.
    """

    student: str = "densenet121"
    teacher: str = "resnet50"
    start: Literal["random", "slices"] = "random"
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
    """Trains `student` on `Batch`es, ignoring their ratings; the loss is the mean squared error of features.

    The teacher's features are standardised per channel, so that an error of 1 means that nothing was learned.
    """

    def __init__(
        self, recipe: DistillRecipe, teacher_weights: Path | bool, *, photos: str, say: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.photos = photos
        self.say = say
        self.student = make_backbone(recipe.student, output_stride=_STRIDE)
        self.teacher = make_backbone(recipe.teacher, output_stride=_STRIDE, pretrained=teacher_weights)
        self.teacher.requires_grad_(False)
        self.shared: list[nn.Module] = []
        if recipe.start == "slices":
            self._start_from_slices()
        self.project = nn.Conv2d(self.student.channels, self.teacher.channels, kernel_size=1)
        self.standard = nn.BatchNorm2d(self.teacher.channels, affine=False)
        self.augment = Augment(recipe.flip, recipe.zoom)
        self.normalise = Normalise(Preprocess())
        self.normalise_for_teacher = Normalise(Preprocess(mean=recipe.mean, std=recipe.std))

    def _start_from_slices(self) -> None:
        theirs, ours = plain_weights(self.teacher), plain_weights(self.student)
        network = plain_network(self.student)
        network.load_state_dict(slice_densenet(theirs, ours), strict=False)
        cut = first_cut(theirs, ours)
        for name, part in network.named_children():
            if name == cut:
                break
            self.shared.append(part.requires_grad_(False))

    def on_train_epoch_start(self) -> None:
        for part in self.shared:
            part.eval()

    def on_train_batch_start(self, _batch: Batch, index: int) -> None:
        seed_step(self.recipe.seed, self.current_epoch, index, self.global_rank)

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        side = self.recipe.schedule[self.current_epoch]
        pixels_B3HW = self.augment(resize_batch(batch.pixels_B3HW.float(), side))
        seen_B3HW, taught_B3HW = (
            normalise(pixels_B3HW).contiguous(memory_format=torch.channels_last)
            for normalise in (self.normalise, self.normalise_for_teacher)
        )
        with torch.no_grad():
            wanted_BDHW = self.standard(self.teacher.eval()(taught_B3HW))
        found_BDHW = self.project(self.student(seen_B3HW))
        loss = F.mse_loss(found_BDHW.float(), wanted_BDHW.float())
        if not torch.isfinite(loss):
            raise NonFiniteLoss(
                f"the loss is {loss.item()} in epoch {self.current_epoch + 1}: start again at another --output and a "
                "lower rate, as in  --set learning_rate=1e-4"
            )
        size = len(pixels_B3HW)
        self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=size)
        return loss

    def on_train_epoch_end(self) -> None:
        loss = float(self.trainer.callback_metrics["loss_epoch"])
        self.say(f"epoch {self.current_epoch + 1} of {len(self.recipe.schedule)}: loss {loss:.4f}")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["rgnet"] = {"recipe": self.recipe.to_dict(), "list": self.photos}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        parameters = [*self.student.parameters(), *self.project.parameters()]
        learned = [parameter for parameter in parameters if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learned, weight_decay=self.recipe.weight_decay)
        steps = max(2, int(self.trainer.estimated_stepping_batches))
        scheduler = OneCycleLR(
            optimizer, self.recipe.learning_rate, steps, pct_start=0.1, cycle_momentum=False
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def distill(
    recipe: DistillRecipe,
    photos: PixelDataset,
    target: Path,
    *,
    teacher_weights: Path | bool = True,
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Train the student and write its weights to `target`, in the layout `make_backbone` reads.

    Checkpoint and loss curve go into a folder beside it, named as `target` without its suffix.
    resume: continue from the last checkpoint there; on a CPU the result is bit-identical to an uninterrupted run
    Raises DataError, SettingError and OutputError as `train` does.
    """
    check_batch_size(recipe.batch_size, len(photos))
    folder = target.with_suffix("")
    with explaining_errors(folder):
        prepare_folder(folder, resume=resume)
        checkpoint = find_checkpoint(folder, recipe.to_dict(), photos.fingerprint) if resume else None
        lightning.seed_everything(recipe.seed, verbose=False)
        module = Distillation(recipe, teacher_weights, photos=photos.fingerprint, say=say)
        with restore_interrupt(), quiet():
            trainer = make_trainer(
                folder,
                steps=len(photos) // recipe.batch_size,
                callbacks=[ModelCheckpoint(folder, Path(LAST).stem, enable_version_counter=False)],
                max_epochs=len(recipe.schedule),
                precision=recipe.precision,
                gradient_clip_val=1.0,
                devices=1,
            )
            loader = load_training(photos, recipe.batch_size, rank=0, world=1, seed=recipe.seed)
            trainer.fit(module.to(memory_format=torch.channels_last), loader, ckpt_path=checkpoint)
        weights = {name: value.contiguous() for name, value in plain_weights(module.student).items()}
        write_bytes(target, save(weights))
    return target
