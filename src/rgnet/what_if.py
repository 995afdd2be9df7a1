"""What if a part of the photo were not there: cover it, score again.

Shape letters: R, C rows and columns of cells
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from rgnet.errors import SettingError
from rgnet.imaging.prepare import Prepared
from rgnet.results import box_of
from rgnet.scorer import Scorer, score_in_batches

CELLS, MOST_CELLS = 7, 64

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """A photo scored without each of its parts in turn.

    effect_RC: float32, points on the human scale: the photo's score less its score with the cell covered, so that
               more than 0 lifts the photo and less than 0 distracts. They do not add up to the score.
    Cell (0, 0) is at the top left of the upright photo, and the cells span it, as regions do.
    """

    effect_RC: np.ndarray

    @property
    def grid(self) -> tuple[int, int]:
        return self.effect_RC.shape[0], self.effect_RC.shape[1]

    def ranked(self) -> list[tuple[int, int, float]]:
        """(row, column, effect) of every cell, from what lifts the photo most to what distracts most."""
        order = np.argsort(-self.effect_RC, axis=None, kind="stable")
        places = [divmod(int(index), self.grid[1]) for index in order]
        return [(row, column, float(self.effect_RC[row, column])) for row, column in places]

    def to_dict(self) -> dict[str, Any]:
        return {"grid": list(self.grid), "effect": self.effect_RC.tolist()}


def what_if_covered(scorer: Scorer, photo: Prepared, cells: int = CELLS) -> WhatIf:
    """The photo without each cell of a cells x cells grid. Raises SettingError outside 1 to MOST_CELLS."""
    return compare_covered(score_in_batches(scorer, cover_cells(photo, cells)))


def cover_cells(photo: Prepared, cells: int = CELLS) -> Iterator[Prepared]:
    """What `compare_covered` wants the scores of: the photo, then the photo without each cell. Raises SettingError."""
    if not 1 <= cells <= MOST_CELLS:
        raise SettingError(f"cells to cover: expected 1 to {MOST_CELLS} along each side, found {cells}")
    return chain([photo], cover_each(photo, cell_boxes(cells), blur))


def compare_covered(scores: Sequence[float]) -> WhatIf:
    effect_N = _effects(scores)
    cells = math.isqrt(len(effect_N))
    return WhatIf(effect_N.reshape(cells, cells))


def cell_boxes(cells: int) -> list[Box]:
    """Row by row, as shares of the photo's width and height."""
    grid = (cells, cells)
    return [box_of(grid, row, column, width=1, height=1) for row in range(cells) for column in range(cells)]


def covering_effects(
    scorer: Scorer, photo: Prepared, boxes: Sequence[Box], cover: Callable[..., np.ndarray] | None = None
) -> np.ndarray:
    """What each box, covered alone, is worth to the photo's score, in points.

    boxes: (left, top, right, bottom) as shares of the photo's width and height
    cover: (pixels_HW3, size of a box) -> pixels_HW3, what boxes are filled with
    """
    return _effects(score_in_batches(scorer, chain([photo], cover_each(photo, boxes, cover or blur))))


def _effects(scores: Sequence[float]) -> np.ndarray:
    """scores: of the photo, then of the photo with one box after the other covered"""
    return (scores[0] - np.array(scores[1:])).astype(np.float32)


def cover_each(photo: Prepared, boxes: Sequence[Box], cover: Callable[..., np.ndarray]) -> Iterator[Prepared]:
    """The photo with one box after the other covered."""
    height, width = photo.pixels_HW3.shape[:2]
    left, top, right, bottom = boxes[0]
    filling_HW3 = cover(photo.pixels_HW3, ((bottom - top) * height, (right - left) * width))
    for left, top, right, bottom in boxes:
        rows = slice(round(top * height), round(bottom * height))
        columns = slice(round(left * width), round(right * width))
        pixels_HW3 = photo.pixels_HW3.copy()
        pixels_HW3[rows, columns] = filling_HW3[rows, columns]
        yield photo._replace(pixels_HW3=pixels_HW3)


def blur(pixels_HW3: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The photo with nothing left that is as small as a box of this (height, width)."""
    return np.asarray(Image.fromarray(pixels_HW3).filter(ImageFilter.GaussianBlur(max(size) / 2)))


def fill_with_mean(pixels_HW3: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The photo's mean colour everywhere."""
    return np.broadcast_to(pixels_HW3.mean(axis=(0, 1)).round().astype(np.uint8), pixels_HW3.shape)
