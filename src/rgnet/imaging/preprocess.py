"""The one resize: upright pixels to the network's input, for library, commands, trainer and evaluation."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from rgnet.errors import SettingError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

KERNELS = ("bilinear", "bicubic", "lanczos")
Fit = Literal["squash", "keep"]
FITS = get_args(Fit)
_LARGEST = 2048
# Long side to short side of what cameras, phones, cinemas and panoramas give
RATIOS = (1, 5 / 4, 4 / 3, 3 / 2, 16 / 9, 2, 2.4, 3, 4, 6, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """How a model wants its photos; travels in the model file.

    size:      side in pixels of the square a photo is fitted to
    fit:       "squash" to size x size (section 3.3), or "keep" the aspect ratio, see `target`
    multiple:  in pixels, of the sides of a photo whose ratio is kept
    kernel:    Pillow's antialiased resampling: "bilinear", "bicubic" or "lanczos"
    mean, std: of RGB / 255, one for each channel
    """

    size: int = 300
    fit: Fit = "squash"
    kernel: str = "bicubic"
    multiple: int = 16
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise SettingError(f"kernel is one of {', '.join(KERNELS)}, not {self.kernel!r}")
        if self.fit not in FITS:
            raise SettingError(f"fit is 'squash' or 'keep', not {self.fit!r}")
        if not (0 < self.size <= _LARGEST and 0 < self.multiple <= _LARGEST):
            raise SettingError(
                f"size and multiple are 1 to {_LARGEST} pixels, not {self.size} and {self.multiple}"
            )
        if self.fit == "keep" and self.size // self.multiple > _LARGEST // 16:
            raise SettingError(f"a size of {self.size} pixels has too many regions of {self.multiple}")
        if not all(abs(value) <= 1e3 for value in self.mean):
            raise SettingError(f"mean is of RGB / 255, not {self.mean}")
        if not all(1e-4 <= value <= 1e3 for value in self.std):
            raise SettingError(f"std is of RGB / 255 and above 0, not {self.std}")

    def target(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) that a photo of this size is resized to.

        Where its ratio is kept: that of `shapes` which is nearest to it. Their number is small, so that photos meet in
        batches, and none has more than size^2 pixels: no photo costs more than the square.
        """
        if self.fit == "squash":
            return self.size, self.size
        return min(
            shapes(self.size, self.multiple), key=lambda shape: apart(shape[0] / shape[1], width / height)
        )

    def __call__(self, image: Image.Image, *, of: tuple[int, int] | None = None) -> np.ndarray:
        """An upright RGB image as (H, W, 3) uint8; the engine normalises by mean and std.

        of: (width, height) of the photo, where the image is a fraction of it, rounded
        """
        import numpy as np
        from PIL.Image import Resampling

        target, kernel = self.target(*(of or image.size)), Resampling[self.kernel.upper()]
        return np.asarray(image if image.size == target else image.resize(target, kernel))

    @property
    def byte_mean(self) -> tuple[float, ...]:
        """`mean` of pixels from 0 to 255."""
        return tuple(255 * value for value in self.mean)

    @property
    def byte_std(self) -> tuple[float, ...]:
        """`std` of pixels from 0 to 255."""
        return tuple(255 * value for value in self.std)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}


@cache
def shapes(size: int, multiple: int) -> tuple[tuple[int, int], ...]:
    """(width, height) for each of RATIOS, upright and across: sides in multiples, within size^2 pixels; a square is
    size x size, as in the evaluation.

    Of all grids within the budget, the one that loses least: |ln| of its distortion, and half the share of the
    budget that it leaves unused.
    """
    budget = size**2 // multiple**2
    grids = [(columns, rows) for rows in range(1, budget + 1) for columns in range(rows, budget // rows + 1)]
    if not grids:
        raise SettingError(f"a size of {size} pixels has no room for a region of {multiple}: make it larger")

    def loss(grid: tuple[int, int], ratio: float) -> float:
        return apart(grid[0] / grid[1], ratio) + (1 - grid[0] * grid[1] / budget) / 2

    best = [min(grids, key=lambda grid: loss(grid, ratio)) for ratio in RATIOS[1:]]
    across = [(columns * multiple, rows * multiple) for columns, rows in best]
    upright = [(height, width) for width, height in across]
    return ((size, size), *dict.fromkeys(across + upright))


def apart(ratio: float, other: float) -> float:
    """How far one ratio of sides is stretched to be the other: 0, and the same for a photo and for the photo turned."""
    return abs(math.log(ratio / other))
