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
from rgnet.training.data import Augment
from rgnet.training.recipes import Recipe


class NonFiniteLoss(RgnetError):
    """The loss is infinite or not a number: the run stops before it spoils the weights."""


class AestheticsTask(lightning.LightningModule):
    """Trains an RGNet after a recipe on batches (pixels_B3HW uint8, ratings_B in [0, 1]).

    cut: the rating in [0, 1] at and above which a photo is "high"
    """

    def __init__(self, network: RGNet, recipe: Recipe, *, cut: float) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.cut = cut
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

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        pixels_B3HW, unit_B = batch
        pixels_B3HW = self.augment(resized(pixels_B3HW.float(), self.recipe.size_at(self.current_epoch)))
        loss = loss_of(self.recipe.loss, self(pixels_B3HW), unit_B, self.cut)
        if not torch.isfinite(loss):
            raise NonFiniteLoss(f"loss is {loss.item()} at step {self.global_step}: lower the learning rate")
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        pixels_B3HW, unit_B = batch
        self.figures.update(human_unit(self(pixels_B3HW.float())), unit_B)
        self.log_dict(self.figures, on_epoch=True, prog_bar=True)

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

    def __init__(self, photos: Iterable[tuple[Tensor, Tensor]]) -> None:
        self.photos = photos

    def on_validation_start(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        pixels = (pixels_B3HW.to(task.device).float() for pixels_B3HW, _ in self.photos)
        with trainer.precision_plugin.forward_context():
            update_bn(pixels, task)
        task.eval()


def loss_of(kind: str, image_BC: Tensor, unit_B: Tensor, cut: float) -> Tensor:
    """The training objective of a batch; see `Recipe.loss`."""
    if kind == "cross_entropy":
        return F.cross_entropy(image_BC, (unit_B >= cut).long())
    score_B = human_unit(image_BC)
    mse = F.mse_loss(score_B, unit_B)
    if kind == "mse":
        return mse
    pair = torch.stack([score_B, unit_B])
    centred = pair - pair.mean(dim=1, keepdim=True)
    plcc = F.cosine_similarity(centred[0], centred[1], dim=0)
    return 10 * mse + (1 - plcc) / 2


def human_unit(image_BC: Tensor) -> Tensor:
    """The image's score in [0, 1]: the regression head's y, or p(high) of equation 5."""
    return image_BC[:, 0] if image_BC.shape[1] == 1 else image_BC.softmax(dim=1)[:, 1]


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
