"""The head: every region votes, log-sum-exp joins the votes (section 3.2, equations 4 and 5).

Shape letters: B batch · N regions · D features of a region · C outputs (2 classes, 1 score, or K bins)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def log_sum_exp(vote_BNC: Tensor, r: float, dim: int = 1) -> Tensor:
    """y = (1/r) log( (1/N) sum_i exp(r Y_i) ), between the mean (r -> 0) and the maximum (r -> inf) (equation 4).

    The mean inside keeps N out of the formula, so that an exported graph holds for any size of photo.
    """
    if r == 0:
        return vote_BNC.mean(dim)
    peak_B1C = vote_BNC.amax(dim, keepdim=True).detach()
    mean_B1C = (r * (vote_BNC - peak_B1C)).exp().mean(dim, keepdim=True)
    return (peak_B1C + mean_B1C.log() / r).squeeze(dim)


def region_weights(vote_BNC: Tensor, r: float, dim: int = 1) -> Tensor:
    """dy/dY_i = exp(r Y_i) / sum_j exp(r Y_j): each region's share in the image's score; sums to 1 over regions."""
    return (r * vote_BNC).softmax(dim)


class LogSumExpPooling(nn.Module):
    """vote_BNC -> image_BC: log-sum-exp of equation 4; with bins, a mixture of the regions' distributions:

        p = sum_i w_i Y_i,   w_i = exp(r s_i) / sum_j exp(r s_j),   s_i = sum_k bin_k Y_ik

    The weights are log-sum-exp's own, dy/ds_i, of the regions' mean ratings s: the image's distribution sums
    to 1, and its mean lies, as y does, between the regions' mean (r -> 0) and their best (r -> inf).
    """

    bin_K: Tensor | None

    def __init__(self, r: float, bins: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.r = r
        self.register_buffer("bin_K", torch.tensor(bins) if bins else None, persistent=False)

    def forward(self, vote_BNC: Tensor) -> Tensor:
        if self.bin_K is None:
            return log_sum_exp(vote_BNC, r=self.r)
        return (self.weights(vote_BNC) * vote_BNC).sum(dim=1)

    def weights(self, vote_BNC: Tensor) -> Tensor:
        """Each region's share in the image's outputs, (B, N, C), or (B, N, 1) with bins; see `region_weights`."""
        if self.bin_K is not None:
            vote_BNC = (vote_BNC * self.bin_K).sum(dim=2, keepdim=True)
        return region_weights(vote_BNC, r=self.r)


class RegionHead(nn.Module):
    """region_BND -> vote_BNC in [0, 1]: a 1x1 kernel over regions, then softmax over the classes or bins.

    With one channel the softmax becomes a sigmoid: the regression head (section 4.1 says only that the
    loss changes; see docs/deviations.md). Both are computed in float32 whatever the precision around them.

    norm: of a region's features before the vote, which bounds its logits
    """

    def __init__(self, channels: int, outputs: int, *, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.norm = norm
        self.vote = nn.Linear(channels, outputs)

    def forward(self, region_BND: Tensor) -> Tensor:
        if self.norm is not None:
            region_BND = self.norm(region_BND)
        logit_BNC = self.vote(region_BND).float()
        return logit_BNC.softmax(dim=2) if logit_BNC.shape[2] > 1 else logit_BNC.sigmoid()
