"""Photos as a model sees them, for programs that feed networks of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgnet.imaging.apart import prepare_any
from rgnet.imaging.decode import Source
from rgnet.imaging.policy import DecodePolicy
from rgnet.weights.file import read_card
from rgnet.weights.registry import find_model


class PhotoTransform:
    """A photo to what a model's network is fed; loads no network, and may be sent to other processes.

    model: as of `rgnet.load`
    """

    def __init__(self, model: str | Path | None = None, *, policy: DecodePolicy | None = None) -> None:
        self.preprocess = read_card(find_model(model)).preprocess
        self.policy = policy or DecodePolicy()

    def __call__(self, photo: Source) -> np.ndarray:
        """(3, H, W) float32: upright, in sRGB, resized and normalised by the model's mean and std.

        photo: a path, a file's bytes, a Pillow image or a uint8 array (H, W, 3)
        Raises PhotoError.
        """
        pixels_HW3 = prepare_any(photo, self.preprocess, self.policy).pixels_HW3
        mean_3 = np.array(self.preprocess.byte_mean, np.float32)
        std_3 = np.array(self.preprocess.byte_std, np.float32)
        return np.ascontiguousarray(((pixels_HW3 - mean_3) / std_3).transpose(2, 0, 1))
