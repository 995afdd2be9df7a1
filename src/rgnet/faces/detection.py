"""Faces in a picture: BlazeFace for full range, which sees the whole picture at 192 pixels.

Faces below about a twentieth of the longer side are missed, and so are most that look away or lie on their side.

Shape letters: A anchors, one for each 4 x 4 pixels of the network's input · F candidates above the threshold
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from rgnet.faces.networks import Network

_SIDE, _STRIDE = 192, 4
# Above it 1 of 20 is no face on ordinary photos, see docs/crop.md; boxes that overlap by more are one face
_CONFIDENT, _SAME = 0.65, 0.3
# A face that counts is at least this tall beside the largest one
_PROMINENT = 0.5


class Face(NamedTuple):
    """Of the upright photo, as shares of its width and height.

    box:  (left, top, right, bottom), from the brows to the chin
    eyes: (x, y) of each, the left one in the picture first
    confidence: of its being a face, 0.65 to 1
    """

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]]
    confidence: float


class FaceDetector:
    """Not for several threads at once."""

    def __init__(self, threads: int | None = None) -> None:
        self._network = Network("face_detection_full_range.tflite", threads)

    def find(self, image: Image.Image) -> list[Face]:
        """The faces of an upright photo, whose size does not matter beyond 192 pixels; the surest first."""
        picture, (left, top, width, height) = _fit(image.convert("RGB"))
        point_A82, logit_A1 = self._network.run(np.asarray(picture, np.float32) / 127.5 - 1)
        confidence_A = 1 / (1 + np.exp(-np.clip(logit_A1[:, 0], -50, 50)))
        chosen = np.flatnonzero(confidence_A >= _CONFIDENT)
        point_F82 = _to_points(point_A82.reshape(-1, 8, 2)[chosen], chosen)
        point_F82 = (point_F82 - (left, top)) / (width, height)
        return [_to_face(*found) for found in _merge(point_F82, confidence_A[chosen])]


def find_prominent(faces: list[Face]) -> list[Face]:
    """Those that are not much smaller than the largest: passers-by in the background do not count."""
    tallest = max((face.box[3] - face.box[1] for face in faces), default=0.0)
    return [face for face in faces if face.box[3] - face.box[1] >= _PROMINENT * tallest]


def _fit(image: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The picture on the network's black square, and its (left, top, width, height) there."""
    scale = _SIDE / max(image.size)
    width, height = (max(1, round(scale * side)) for side in image.size)
    place = (_SIDE - width) // 2, (_SIDE - height) // 2
    square = Image.new("RGB", (_SIDE, _SIDE))
    square.paste(image.resize((width, height), Image.Resampling.BILINEAR), place)
    return square, (*place, width, height)


def _to_points(raw_F82: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(F, 8, 2) in pixels of the input: two corners, then the eyes, nose, mouth and ears.

    The network gives a centre, a size and six points, all but the size from the middle of their anchor.
    """
    row, column = np.divmod(anchors, _SIDE // _STRIDE)
    middle_F12 = ((np.stack([column, row], -1) + 0.5) * _STRIDE)[:, None]
    centre_F12, half_F12 = raw_F82[:, :1] + middle_F12, raw_F82[:, 1:2] / 2
    return np.concatenate([centre_F12 - half_F12, centre_F12 + half_F12, raw_F82[:, 2:] + middle_F12], 1)


def _merge(point_F82: np.ndarray, confidence_F: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Candidates of one face as their mean, weighted by confidence; the surest face first."""
    found, waiting = [], np.argsort(-confidence_F)
    while len(waiting):
        best = waiting[0]
        same = _overlap(point_F82[waiting], point_F82[best]) > _SAME
        same[0] = True
        point_82 = np.average(point_F82[waiting[same]], axis=0, weights=confidence_F[waiting[same]])
        found.append((point_82, float(confidence_F[best])))
        waiting = waiting[~same]
    return found


def _overlap(point_F82: np.ndarray, point_82: np.ndarray) -> np.ndarray:
    """(F,) intersection over union of boxes."""
    low_F2, high_F2 = np.maximum(point_F82[:, 0], point_82[0]), np.minimum(point_F82[:, 1], point_82[1])
    common_F = np.clip(high_F2 - low_F2, 0, None).prod(1)
    area_F, area = (point_F82[:, 1] - point_F82[:, 0]).prod(1), (point_82[1] - point_82[0]).prod()
    return common_F / (area_F + area - common_F)


def _to_face(point_82: np.ndarray, confidence: float) -> Face:
    (left, top), (right, bottom), first, second = np.clip(point_82[:4], 0, 1).tolist()
    return Face((left, top, right, bottom), (tuple(first), tuple(second)), confidence)
