"""DenseASPP: densely connected atrous convolutions give every region context at several scales (Figure 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AtrousLayer(nn.Sequential):
    """BN - ReLU - 3x3 convolution at one dilation rate; the norm stands before the weights (section 3.3)."""

    def __init__(self, channels: int, maps: int, rate: int) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, maps, kernel_size=3, padding=rate, dilation=rate, bias=False),
        )


class DenseASPP(nn.Module):
    """feat_BDHW -> feat_BD'HW with D' = D + maps * len(rates), the input among the output (section 3.1).

    Layer l sees the input and the maps of all layers before it.
    """

    def __init__(self, channels: int, rates: tuple[int, ...] = (3, 6, 12, 18), maps: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            AtrousLayer(channels + index * maps, maps, rate) for index, rate in enumerate(rates)
        )
        self.channels = channels + maps * len(rates)

    def forward(self, feat_BDHW: Tensor) -> Tensor:
        for layer in self.layers:
            feat_BDHW = torch.cat([feat_BDHW, layer(feat_BDHW)], dim=1)
        return feat_BDHW
