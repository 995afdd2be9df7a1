"""Pixels as the network wants them. Shape letters: B batch · H, W pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rgnet.imaging.preprocess import Preprocess


class Normalise(nn.Module):
    """(B, 3, H, W) pixels from 0 to 255 -> image_B3HW, by the mean and std of the preprocessing.

    Its buffers move with the module that holds it, and are in no checkpoint.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, preprocess: Preprocess) -> None:
        super().__init__()
        for name, values in (("mean", preprocess.byte_mean), ("std", preprocess.byte_std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels_B3HW: Tensor) -> Tensor:
        return (pixels_B3HW - self.mean) / self.std
