"""The one resize: upright pixels to what the network is fed, for library, command, trainer and exam alike."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from rgnet.errors import SettingError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

KERNELS = ("bilinear", "bicubic", "lanczos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """How a model wants its photos; travels in the model file.

    size:      side in pixels of the square a photo is fitted to
    fit:       "squash" to size x size (section 3.3), or "keep" the aspect ratio at about size^2 pixels,
               each side rounded to a multiple of `multiple`
    kernel:    Pillow's antialiased resampling: "bilinear", "bicubic" or "lanczos"
    mean, std: of RGB / 255, one for each channel
    """

    size: int = 300
    fit: Literal["squash", "keep"] = "squash"
    kernel: str = "bicubic"
    multiple: int = 16
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise SettingError(f"kernel is one of {', '.join(KERNELS)}, not {self.kernel!r}")
        if self.fit not in ("squash", "keep"):
            raise SettingError(f"fit is 'squash' or 'keep', not {self.fit!r}")

    def target(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) that a photo of this size is resized to."""
        if self.fit == "squash":
            return self.size, self.size
        side = self.size * math.sqrt(min(max(width / height, 1 / 8), 8))
        return self._rounded(side), self._rounded(self.size**2 / side)

    def __call__(self, image: Image.Image) -> np.ndarray:
        """An upright RGB image as (H, W, 3) uint8; the engine normalises by mean and std."""
        import numpy as np
        from PIL.Image import Resampling

        target, kernel = self.target(*image.size), Resampling[self.kernel.upper()]
        return np.asarray(image if image.size == target else image.resize(target, kernel))

    def _rounded(self, side: float) -> int:
        return max(self.multiple, round(side / self.multiple) * self.multiple)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocess:
        return cls(**values | {"mean": tuple(values["mean"]), "std": tuple(values["std"])})
