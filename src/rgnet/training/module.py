"""What Lightning drives: the network, its loss, its optimiser, and the figures of the held-out photos."""

from __future__ import annotations

import math
from collections.abc import Iterable

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn
from torchmetrics import MeanSquaredError, MetricCollection, PearsonCorrCoef, SpearmanCorrCoef

from rgnet.errors import RgnetError
from rgnet.model import RGNet
from rgnet.training.data import Augment, Batch, seed_step
from rgnet.training.losses import Objective, score_of
from rgnet.training.precision import FasterOnProcessors
from rgnet.training.recipes import Recipe


class NonFiniteLoss(RgnetError):
    """The loss is infinite or not a number: the run stops before it spoils the weights."""


class AestheticsTask(lightning.LightningModule):
    """Trains an RGNet after a recipe on `Batch`es; its checkpoints name the recipe and the photos.

    cut:  the rating in [0, 1] at and above which a photo is "high"
    list: what names the photos that are learned from
    """

    def __init__(self, network: RGNet, recipe: Recipe, *, cut: float, list: str = "") -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.list = list
        self.objective = Objective(recipe, cut)
        self.augment = Augment(recipe.flip, recipe.zoom)
        self.figures = MetricCollection(
            {"srcc": SpearmanCorrCoef(), "plcc": PearsonCorrCoef(), "mse": MeanSquaredError()},
            prefix="held_out/",
        )
        for name in ("mean", "std"):
            values = torch.tensor(getattr(recipe.preprocess, name)) * 255
            self.register_buffer(name, values.view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels_B3HW: Tensor) -> Tensor:
        image_B3HW = ((pixels_B3HW - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return self.network(image_B3HW).image_BC

    def on_train_batch_start(self, _batch: Batch, index: int) -> None:
        seed_step(self.recipe.seed, self.current_epoch, index, self.global_rank)

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        size = self.recipe.size_at(self.current_epoch)
        with FasterOnProcessors():
            image_BC = self(self.augment(resized(batch.pixels_B3HW.float(), size)))
        loss = self.objective(image_BC, batch)
        # Processes agree, so that none waits for another that has stopped
        if not self.trainer.strategy.reduce_boolean_decision(bool(torch.isfinite(loss))):
            raise NonFiniteLoss(
                f"the loss is {loss.item()} in epoch {self.current_epoch + 1}, step {self.global_step}: lower the "
                "rates, as in  --set learning_rate=1e-5 --set head_rate=1e-5, and go on with  --resume"
            )
        self.log(
            "loss", loss, on_step=True, on_epoch=True, sync_dist=True, batch_size=len(image_BC), prog_bar=True
        )
        return loss

    def on_validation_start(self) -> None:
        """Batch norms have seen other photos in other processes: the first one's statistics count."""
        if self.trainer.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def validation_step(self, batch: Batch, _index: int) -> None:
        score_B = score_of(self(batch.pixels_B3HW.float()), self.recipe.architecture.bins)
        self.figures.update(score_B, batch.unit_B)
        self.log_dict(self.figures, on_epoch=True, prog_bar=True)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["rgnet"] = {"recipe": self.recipe.to_dict(), "list": self.list}

    def configure_optimizers(self) -> dict:
        recipe, network = self.recipe, self.network
        new = [layer for layer in (network.context, network.graph, network.head) if layer is not None]
        groups = [
            {"params": list(network.backbone.parameters()), "lr": recipe.learning_rate},
            {"params": [value for layer in new for value in layer.parameters()], "lr": recipe.head_rate},
        ]
        make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
        optimizer = make(groups, weight_decay=recipe.weight_decay)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(recipe, step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class FreshNorms(lightning.Callback):
    """Measures batch norms' statistics on clean training photos before every exam, so that the exam, and the
    checkpoint after it, hold the statistics of the weights they hold."""

    def __init__(self, photos: Iterable[Batch]) -> None:
        self.photos = photos

    def on_validation_start(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        pixels = (batch.pixels_B3HW.to(task.device).float() for batch in self.photos)
        with trainer.precision_plugin.forward_context():
            update_bn(pixels, task)
        task.eval()


def rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """Factor on the learning rate; the paper's poly decay counts whole epochs, ours counts steps."""
    warm = recipe.warmup * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(1, steps - warm)
    if recipe.schedule == "poly":
        epoch = math.floor(done * recipe.epochs)
        return (1 - epoch / recipe.epochs) ** 0.9
    return (1 + math.cos(math.pi * min(1, done))) / 2


def resized(image_B3HW: Tensor, size: int) -> Tensor:
    """Photos at another side length, for the early epochs of a recipe that grows its photos."""
    if image_B3HW.shape[-1] == size:
        return image_B3HW
    return F.interpolate(image_B3HW, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def revive_batch_norms(backbone: nn.Module, image_B3HW: Tensor) -> None:
    """Give folded batch norms real statistics without changing what the backbone computes.

    A norm y = a x + c with statistics that mean nothing gets the mean m and variance v of its input on
    these images, and the affine part that keeps y: weight a sqrt(v + eps), bias c + a m.
    """

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        offset = norm.bias - norm.running_mean * slope
        mean, variance = inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.bias.copy_(offset + slope * mean)

    norms = [layer for layer in backbone.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    try:
        backbone.eval()(image_B3HW)
    finally:
        for hook in hooks:
            hook.remove()
        backbone.train()
