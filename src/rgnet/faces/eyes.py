"""How far the eyes of a face are open: height over width of the lids that MediaPipe's iris network finds.

About 0.35 when open, 0.15 when closed; a smile, a glance down or glasses lie between, so that only frames of the same
face tell. The network sees each eye at 64 pixels.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from rgnet.faces.detection import Face
from rgnet.faces.networks import Network

_SIDE = 64
# Of what is shown around an eye, as a share of the distance between the eyes; and the least such distance in pixels
_SHOWN, _LEAST = 1.1, 18
# Of the network's points: the corners, and the middles of the lower and of the upper lid
_CORNERS, _LOWER, _UPPER = [0, 8], slice(3, 6), slice(11, 14)


class EyeReader:
    """Not for several threads at once."""

    def __init__(self, threads: int | None = None) -> None:
        self._network = Network("iris_landmark.tflite", threads)

    def openness(self, image: Image.Image, face: Face) -> float | None:
        """Of the eye that is open wider, for the other may be hidden; None where the face is too small to say."""
        first, second = (np.multiply(eye, image.size) for eye in face.eyes)
        across = second - first
        distance = math.hypot(*across)
        if distance < _LEAST:
            return None
        angle = math.atan2(across[1], across[0])
        eyes = [_cut(image, eye, angle, _SHOWN * distance) for eye in (first, second)]
        # The network knows left eyes only
        eyes[1] = eyes[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return max(map(self._read, eyes))

    def _read(self, eye: Image.Image) -> float:
        lids, _ = self._network.run(np.asarray(eye, np.float32) / 255)
        point_P2 = lids.reshape(-1, 3)[:, :2]
        width = np.linalg.norm(np.subtract(*point_P2[_CORNERS]))
        height = np.linalg.norm(point_P2[_LOWER] - point_P2[_UPPER], axis=1).mean()
        return float(height / max(width, 1e-6))


def _cut(image: Image.Image, centre: np.ndarray, angle: float, side: float) -> Image.Image:
    """A square around a point, turned so that the eyes are level."""
    cosine, sine = (turn * side / _SIDE for turn in (math.cos(angle), math.sin(angle)))
    left = centre[0] - (cosine - sine) * _SIDE / 2
    top = centre[1] - (sine + cosine) * _SIDE / 2
    turned = (cosine, -sine, left, sine, cosine, top)
    return image.transform((_SIDE, _SIDE), Image.Transform.AFFINE, turned, Image.Resampling.BILINEAR)
