"""What training minimises: errors of a batch's scores, classes or histograms, and of the order of its photos.

Shape letters: B photos · C outputs of the network · K bins
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from rgnet.errors import SettingError
from rgnet.training.data import Batch
from rgnet.training.recipes import Recipe
from rgnet.training.views import BLOCK

_HEADS = {
    "cross_entropy": ("classes",),
    "mse": ("score", "histogram"),
    "mse+plcc": ("score", "histogram"),
    "emd": ("histogram",),
    "regions": ("score",),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """A recipe's loss; `threshold` is the rating in [0, 1] at and above which a photo is "high".

    The loss of a batch is `per_photo` + `between_photos`. The first is a mean over photos and so may be averaged over
    micro-batches; the second compares photos with each other and needs the whole batch at once.
    """

    recipe: Recipe
    threshold: float

    def __call__(self, image_BC: Tensor, batch: Batch) -> Tensor:
        loss = self.per_photo(image_BC, batch)
        if self.compares_photos:
            loss = loss + self.between_photos(self.score(image_BC), batch.unit_B)
        return loss

    @property
    def compares_photos(self) -> bool:
        return self.recipe.loss == "mse+plcc" or bool(self.recipe.rank_weight)

    def score(self, image_BC: Tensor) -> Tensor:
        return score_of(image_BC, self.recipe.architecture.bins)

    def per_photo(self, image_BC: Tensor, batch: Batch) -> Tensor:
        if self.recipe.loss == "cross_entropy":
            high_B = (batch.unit_B >= self.threshold).long()
            if self.recipe.architecture.pooled:  # a plain classifier, whose output is a softmax already
                return F.nll_loss(image_BC.clamp_min(torch.finfo(torch.float32).tiny).log(), high_B)
            return F.cross_entropy(image_BC, high_B)
        if self.recipe.loss == "emd":
            assert batch.histogram_BK is not None, "check_histograms lets no such batch pass"
            return squared_emd(image_BC, batch.histogram_BK, self.recipe.architecture.bins)
        loss = F.mse_loss(self.score(image_BC), batch.unit_B)
        return 10 * loss if self.recipe.loss == "mse+plcc" else loss

    def between_photos(self, score_B: Tensor, unit_B: Tensor) -> Tensor:
        recipe, loss = self.recipe, score_B.new_zeros(())
        if recipe.loss == "mse+plcc":
            loss = loss + (1 - correlation(score_B, unit_B)) / 2
        if recipe.rank_weight:
            loss = loss + recipe.rank_weight * margin_ranking_loss(score_B, unit_B, recipe.rank_margin)
        return loss


def check_loss(recipe: Recipe) -> None:
    """Raise SettingError where the loss does not fit the outputs of the head, or the other settings."""
    fitting, head = _HEADS[recipe.loss], recipe.architecture.head
    if head not in fitting:
        raise SettingError(
            f"the loss {recipe.loss} needs a head of {' or '.join(fitting)}, found {head}: "
            f"add  --set architecture.head={fitting[0]}"
        )
    if recipe.loss != "regions":
        return
    if odd := [side for _, side in recipe.sizes if side % BLOCK]:
        raise SettingError(
            f"the loss regions compresses photos in blocks of {BLOCK} pixels, and {odd[0]} is no multiple: "
            f"use  --set sizes={recipe.epochs}x{max(BLOCK, round(odd[0] / BLOCK) * BLOCK)}"
        )
    if recipe.rank_weight:
        raise SettingError(
            "the loss regions has no ranking part: leave out rank_weight, or use  --set loss=mse+plcc"
        )


def score_of(image_BC: Tensor, bins: tuple[float, ...] = ()) -> Tensor:
    """The image's score in [0, 1]: y of the regression head, p(high) of equation 5, or a distribution's mean."""
    if bins:
        return (image_BC * image_BC.new_tensor(bins)).sum(dim=1)
    return image_BC[:, 0] if image_BC.shape[1] == 1 else image_BC.softmax(dim=1)[:, 1]


def squared_emd(found_BK: Tensor, human_BK: Tensor, bins: tuple[float, ...]) -> Tensor:
    """Mean over photos of  sum_k (F_k - G_k)^2 (b_{k+1} - b_k),  F and G the cumulative shares, b the bins' values.

    The squared earth mover's distance of Hou et al. (2016), with bins in [0, 1] as far apart as their ratings are.
    """
    gap_K = found_BK.new_tensor(bins).diff()
    difference_BK = (found_BK - human_BK).cumsum(dim=1)[:, :-1]
    return (difference_BK.square() * gap_K).sum(dim=1).mean()


def correlation(score_B: Tensor, unit_B: Tensor) -> Tensor:
    """Pearson's, within the batch."""
    pair = torch.stack([score_B, unit_B])
    centred = pair - pair.mean(dim=1, keepdim=True)
    return F.cosine_similarity(centred[0], centred[1], dim=0)


def margin_ranking_loss(score_B: Tensor, unit_B: Tensor, margin: float) -> Tensor:
    """Mean over pairs with different ratings of  max(0, margin - (better - worse))."""
    one, other = torch.combinations(torch.arange(len(unit_B), device=unit_B.device)).unbind(1)
    order = (unit_B[one] - unit_B[other]).sign()
    apart = order != 0
    if not apart.any():
        return score_B.sum() * 0
    return F.margin_ranking_loss(score_B[one][apart], score_B[other][apart], order[apart], margin=margin)


def check_histograms(recipe: Recipe, lacking: int, data: str) -> None:
    """Raise SettingError where a histogram head meets data without bins, or the loss photos without histograms."""
    if recipe.architecture.head == "histogram" and not recipe.architecture.bins:
        raise SettingError(
            f"a histogram head needs rating histograms, and {data} has means only: "
            "use  --set architecture.head=score --set loss=mse"
        )
    if recipe.loss == "emd" and lacking:
        raise SettingError(
            f"the loss emd needs a histogram of every photo; {lacking} photos of {data} have none: "
            "leave them out of the list, or use  --set loss=mse"
        )
