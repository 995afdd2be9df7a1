"""What Lightning drives: the network, its loss, its optimiser, and the metrics of the validation photos."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torchmetrics import MeanSquaredError, MetricCollection, PearsonCorrCoef, SpearmanCorrCoef

from rgnet.errors import RgnetError
from rgnet.model import RegionVotes, RGNet
from rgnet.model.normalise import Normalise
from rgnet.training.data import Augment, Batch, resize_batch, seed_step
from rgnet.training.losses import Objective
from rgnet.training.optimizers import make_optimizer, make_scheduler
from rgnet.training.recipes import Recipe
from rgnet.training.regions import region_loss, views_of


class NonFiniteLoss(RgnetError):
    """The loss is infinite or not a number: the run stops before it spoils the weights."""


class AestheticsModule(lightning.LightningModule):
    """Trains an RGNet by a recipe on `Batch`es; its checkpoints identify the recipe and the photos.

    threshold: the rating in [0, 1] at and above which a photo is "high"
    photos:    the fingerprint of the training photos
    """

    def __init__(self, network: RGNet, recipe: Recipe, *, threshold: float, photos: str = "") -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.photos = photos
        self.objective = Objective(recipe, threshold)
        self.augment = Augment(recipe.flip, recipe.zoom)
        self.figures = MetricCollection(
            {"srcc": SpearmanCorrCoef(), "plcc": PearsonCorrCoef(), "mse": MeanSquaredError()},
            prefix="held_out/",
        )
        self.normalise = Normalise(recipe.preprocess)
        # Scores and ratings of the whole step: P processes, S micro-batches, B photos
        self.step_score_PSB, self.step_unit_PSB = torch.empty(0), torch.empty(0)

    def forward(self, pixels_B3HW: Tensor) -> Tensor:
        return self._votes(pixels_B3HW).image_BC

    def _votes(self, pixels_B3HW: Tensor) -> RegionVotes:
        image_B3HW = self.normalise(pixels_B3HW).contiguous(memory_format=torch.channels_last)
        return self.network(image_B3HW)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if self.recipe.loss == "regions":
            return self._teach_regions(batch, index)
        parts = self.recipe.accumulate * self.trainer.world_size
        whole = parts == 1 or not self.objective.compares_photos
        if not whole and index % self.recipe.accumulate == 0:
            self._score_step(batch, index)
        image_BC = self._augmented(batch, index)
        if whole:
            loss = total = self.objective(image_BC, batch)
        else:
            mean, between = self.objective.per_photo(image_BC, batch), self._between(image_BC, index)
            # Lightning averages over the parts, which is right for `mean` only
            loss, total = mean + between, mean + parts * between
        self._refuse_non_finite(loss)
        self.log(
            "loss", loss, on_step=True, on_epoch=True, sync_dist=True, batch_size=len(image_BC), prog_bar=True
        )
        return total

    def _teach_regions(self, batch: Batch, index: int) -> Tensor:
        """The lessons of `rgnet.training.regions`, on views of the photos; each micro-batch is judged by itself."""
        seed_step(self.recipe.seed, self.current_epoch, index, self.global_rank)
        size = self.recipe.size_at(self.current_epoch)
        pixels_B3HW = resize_batch(batch.pixels_B3HW.float(), size)
        views = views_of(pixels_B3HW, self.recipe.regions, self.global_step)
        with Float32DepthwiseConvs():
            votes = self._votes(views.pixels_B3HW)
        vote_BHW = votes.vote_BNC[:, :, 0].float().unflatten(1, votes.grid)
        score_B = votes.image_BC[:, 0].float()
        terms = region_loss(vote_BHW, score_B, views, batch.unit_B, self.recipe.regions)
        loss = torch.stack(list(terms.values())).sum()
        self._refuse_non_finite(loss)
        self.log(
            "loss",
            loss,
            on_step=True,
            on_epoch=True,
            sync_dist=True,
            batch_size=len(pixels_B3HW),
            prog_bar=True,
        )
        return loss

    def _augmented(self, batch: Batch, index: int) -> Tensor:
        """The outputs for a micro-batch, whose augmentation its index determines."""
        seed_step(self.recipe.seed, self.current_epoch, index, self.global_rank)
        size = self.recipe.size_at(self.current_epoch)
        with Float32DepthwiseConvs():
            return self(self.augment(resize_batch(batch.pixels_B3HW.float(), size)))

    @torch.no_grad()
    def _score_step(self, batch: Batch, index: int) -> None:
        """Score the whole batch of this step, all its micro-batches on all processes, before any gradient."""
        steps = (batch, *batch.rest)
        with _frozen_batch_norms(self.network):
            score_SB = torch.stack(
                [self.objective.score(self._augmented(part, index + i)) for i, part in enumerate(steps)]
            )
        unit_SB = torch.stack([part.unit_B for part in steps])
        self.step_score_PSB, self.step_unit_PSB = self._gather(score_SB), self._gather(unit_SB)

    def _gather(self, values: Tensor) -> Tensor:
        """The values of every process, stacked."""
        gathered = self.all_gather(values)
        assert isinstance(gathered, Tensor)
        return gathered.view(self.trainer.world_size, *values.shape)

    def _between(self, image_BC: Tensor, index: int) -> Tensor:
        """The loss between all photos of the step, with a gradient for this micro-batch only.

        The gradients of all micro-batches add up to that of a batch computed in one go (as in Gao et al., Scaling
        Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021).
        """
        score_PSB = self.step_score_PSB.clone()
        score_PSB[self.global_rank, index % self.recipe.accumulate] = self.objective.score(image_BC)
        return self.objective.between_photos(score_PSB.flatten(), self.step_unit_PSB.flatten())

    def _refuse_non_finite(self, loss: Tensor) -> None:
        # Processes agree, so that none waits for another that has stopped
        if not self.trainer.strategy.reduce_boolean_decision(bool(torch.isfinite(loss))):
            raise NonFiniteLoss(
                f"the loss is {loss.item()} in epoch {self.current_epoch + 1}, step {self.global_step}: start "
                "again in another folder at lower rates, as in  --set learning_rate=1e-5 --set head_rate=1e-5"
            )

    def on_validation_epoch_start(self) -> None:
        """Batch norms have seen other photos in other processes: the first one's statistics count."""
        if self.trainer.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def validation_step(self, batch: Batch, _index: int) -> None:
        score_B = self.objective.score(self(batch.pixels_B3HW.float()))
        self.figures.update(score_B, batch.unit_B)
        self.log_dict(self.figures, on_epoch=True, prog_bar=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["rgnet"] = {"recipe": self.recipe.to_dict(), "list": self.photos}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = make_optimizer(self.network, self.recipe)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        scheduler = make_scheduler(optimizer, self.recipe, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


@contextlib.contextmanager
def _frozen_batch_norms(network: nn.Module) -> Iterator[None]:
    """Normalise by the batch as training does, but leave the running statistics alone."""
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


class Float32DepthwiseConvs(TorchFunctionMode):
    """Computes depthwise convolutions with a stride in float32 on CPUs, whatever the autocast around them says.

    oneDNN has no fast bf16 gradient of them: in a MobileNetV1 at 224 pixels they took a quarter of a training step,
    and in float32 they take a fourth of that. On a GPU, and in float32 runs, nothing changes.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if function is not F.conv2d or not _is_strided_depthwise(*args, **kwargs):
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            return function(args[0].float(), *args[1:], **kwargs)


def _is_strided_depthwise(
    image_BCHW: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    *_rest: Any,
    groups: int = 1,
    **_more: Any,
) -> bool:
    """Whether the arguments of torch's `conv2d` are such a convolution on a CPU."""
    groups = _rest[2] if len(_rest) > 2 else groups
    alone = groups == image_BCHW.shape[1] > 1
    return alone and image_BCHW.device.type == "cpu" and stride not in (1, (1, 1))
