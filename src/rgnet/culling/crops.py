"""The best crop of a photo to a ratio: searched on its map of votes, decided by scoring crops whole.

All candidates are of one size, for a smaller crop of a photo scores lower whatever it shows. A candidate's estimate is
equation 4 over the regions inside it, a region at its edge counting by the part that is inside:

    y = 1/r log( sum_i a_i exp(r Y_i) / sum_i a_i ),   a_i the share of region i that lies in the crop

The best few estimates and the crop in the middle are then scored as photos of their own. Candidates that cut a face are
left out wherever others do not, and so are those that lose faces which others keep.

Shape letters: H, W regions of the map · C candidates · F faces
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from rgnet.culling.picks import TOO_CLOSE
from rgnet.errors import PhotoDamaged, SettingError
from rgnet.faces.detection import Face, FaceDetector, find_prominent
from rgnet.imaging.crop import Box, CropJob, DecodedCrops
from rgnet.imaging.workers import DecodePool
from rgnet.results import ScoredPhoto, ScoreFailure, overlaps
from rgnet.scorer import Scorer, score_in_batches

_SCORED = 5
PICTURE = 640
# Of the shorter side over the longer one of a crop
_NARROWEST = 0.1
# What belongs to a face around its box, in shares of the box: at each side, above, below
_BESIDE, _ABOVE, _BELOW = 0.15, 0.35, 0.1
# Of a face, that counts as none and as all of it
_NONE, _WHOLE = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Crop:
    """box: shares of the upright photo's sides; estimate: from the map; score: as a photo, where it was scored"""

    box: Box
    estimate: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class CropSearch:
    """What became of the search for a crop of one photo.

    best:    the crop to take; centre: the one in the middle; both of the same size
    others:  further crops that were scored, best first
    is_clear: whether `best` is above `centre` by more than the noise of moving a camera, or keeps faces that `centre`
              does not; if neither, it is the centre
    faces:   of the photo, with what belongs to them; none is cut by `best` where a crop of this size can keep from it
    centre_cuts: whether `centre` cuts or loses a face that other crops of this size keep
    photo:   the whole photo's record; its score is not comparable with those of crops
    picture: the whole photo, PICTURE pixels along its longer side at most, as a JPEG file
    """

    best: Crop
    centre: Crop
    others: tuple[Crop, ...]
    is_clear: bool
    photo: ScoredPhoto
    picture: bytes
    faces: tuple[Box, ...] = ()
    centre_cuts: bool = False

    @property
    def pixels(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of `best` in pixels of the upright photo"""
        return self.best.box.pixels(self.photo.width, self.photo.height)


def parse_ratio(text: str) -> float:
    """Width over height of "16:9", "4x5" or "1.5". Raises SettingError."""
    try:
        parts = [float(part) for part in text.replace("x", ":").split(":")]
        ratio = parts[0] / parts[1] if len(parts) == 2 else parts[0]
        valid = len(parts) <= 2 and _NARROWEST <= ratio <= 1 / _NARROWEST
    except (ValueError, ZeroDivisionError):
        valid = False
    if not valid:
        raise SettingError(f"expected a ratio such as 16:9, 4:5 or 1.5, from 1:10 to 10:1, found {text!r}")
    return ratio


def open_crop_pool() -> DecodePool:
    """Processes that decode photos for `find_crop` and `cut_out`."""
    return DecodePool()


def find_crop(
    photo: str,
    scorer: Scorer,
    ratio: float,
    *,
    size: float = 1.0,
    pool: DecodePool | None = None,
    detector: FaceDetector | None = None,
) -> CropSearch:
    """The best crop of a photo's file to a ratio.

    ratio: width over height
    size:  of the largest crop of this ratio, as a share of its sides; below 1 there is room on both sides
    pool:  of `open_crop_pool`; default: a new one
    detector: of faces; default: a new one
    Raises PhotoError, and SettingError for an impossible size.
    """
    job = crop_job(photo, scorer, ratio, size=size)
    if pool is None:
        with open_crop_pool() as pool:
            return find_crop(photo, scorer, ratio, size=size, pool=pool, detector=detector)
    return choose_crop(photo, _read(job, pool), scorer, detector)


def crop_job(source: str | bytes, scorer: Scorer, ratio: float, *, size: float) -> CropJob:
    """What a DecodePool has to do with a photo; `choose_crop` takes the answer. Raises SettingError."""
    if not 0.3 <= size <= 1:
        raise SettingError(f"size of a crop: expected 0.3 to 1 of the largest one, found {size:g}")
    return CropJob(source=source, preprocess=scorer.preprocess, ratio=ratio, size=size, pictures=(PICTURE,))


def choose_crop(
    name: str, answer: DecodedCrops, scorer: Scorer, detector: FaceDetector | None = None
) -> CropSearch:
    """The best crop of a photo that was decoded. Raises PhotoError where the network gives no score."""
    assert answer.prepared is not None
    whole = scorer.score_prepared([name], [answer.prepared], regions=True)[0]
    if isinstance(whole, ScoreFailure):
        raise PhotoDamaged(name, whole.error, hint="")
    faces = tuple(_with_head(face) for face in _find_faces(answer.pictures[0], detector))
    allowed = keep_faces(answer.boxes, faces)
    estimate_C = estimates(whole, answer.boxes, scorer).tolist()
    crops = [Crop(box, value) for box, value in zip(answer.boxes, estimate_C, strict=True)]
    chosen = sorted((i for i in allowed if i), key=lambda index: -crops[index].estimate)[:_SCORED]
    places = (0, *chosen)
    scores = score_in_batches(scorer, [answer.parts[index] for index in places])
    if not np.isfinite(scores).all():
        raise PhotoDamaged(name, "a crop of it has no score", hint="try another model")
    centre, *scored = (
        replace(crops[index], score=score) for index, score in zip(places, scores, strict=True)
    )
    centre_cuts = 0 not in allowed
    ranked = sorted(scored if centre_cuts else (centre, *scored), key=lambda crop: -(crop.score or 0))
    is_clear = centre_cuts or (ranked[0].score or 0) > (centre.score or 0) + TOO_CLOSE
    best = ranked[0] if is_clear else centre
    others = tuple(crop for crop in ranked if crop not in (best, centre))
    return CropSearch(best, centre, others, is_clear, whole, answer.pictures[0], faces, centre_cuts)


def keep_faces(boxes: Sequence[Box], faces: Sequence[Box]) -> list[int]:
    """The boxes that cut the fewest faces, and of these the ones with most faces whole, by their indices."""
    if not faces:
        return list(range(len(boxes)))
    share_CF = np.array([[_share(face, box) for face in faces] for box in boxes])
    whole_C = (share_CF >= _WHOLE).sum(1)
    cut_C = ((share_CF > _NONE) & (share_CF < _WHOLE)).sum(1)
    fewest_C = cut_C == cut_C.min()
    return np.flatnonzero(fewest_C & (whole_C == whole_C[fewest_C].max())).tolist()


def _share(face: Box, box: Box) -> float:
    """Of a face that lies in a box."""
    across = min(face.right, box.right) - max(face.left, box.left)
    down = min(face.bottom, box.bottom) - max(face.top, box.top)
    area = (face.right - face.left) * (face.bottom - face.top)
    return max(across, 0.0) * max(down, 0.0) / max(area, 1e-12)


def _find_faces(picture: bytes, detector: FaceDetector | None) -> list[Face]:
    with Image.open(BytesIO(picture)) as image:
        return find_prominent((detector or FaceDetector()).find(image))


def _with_head(face: Face) -> Box:
    left, top, right, bottom = face.box
    across, down = right - left, bottom - top
    return Box(
        max(0.0, left - _BESIDE * across),
        max(0.0, top - _ABOVE * down),
        min(1.0, right + _BESIDE * across),
        min(1.0, bottom + _BELOW * down),
    )


class CutOut(NamedTuple):
    """A part of a photo as a file. pixels: (left, top, right, bottom) of it in the upright photo"""

    file: bytes
    file_format: str
    pixels: tuple[int, int, int, int]


def cut_out(photo: str, box: Box, pool: DecodePool, *, lossless: bool = False) -> CutOut:
    """A part of a photo in its own colours, upright, with its EXIF block.

    lossless: of a JPEG file the part is moved by up to half a block, and not compressed again; for extra `lossless`
    Raises PhotoError, also where a format cannot be kept without loss.
    """
    answer = _read(CropJob(source=photo, box=box, lossless=lossless), pool)
    return CutOut(answer.file, answer.file_format, answer.pixels)


def estimates(whole: ScoredPhoto, boxes: Sequence[Box], scorer: Scorer) -> np.ndarray:
    """(C,) of each box from the photo's map, on the scale of scores."""
    assert whole.regions is not None
    r, scale = scorer.card.architecture.r, scorer.card.scale
    unit_HW = (whole.regions.votes - scale.low) / (scale.high - scale.low)
    share_CHW = np.stack([_inside(box, whole.regions.grid) for box in boxes])
    total_C = share_CHW.sum(axis=(1, 2))
    unit_C = np.log((share_CHW * np.exp(r * unit_HW)).sum(axis=(1, 2)) / total_C) / r
    return scale.human(unit_C)


def _inside(box: Box, grid: tuple[int, int]) -> np.ndarray:
    """(H, W) share of each region that lies in the box."""
    rows, columns = grid
    down_H = rows * overlaps((box.top, box.bottom), rows)[0]
    return np.outer(down_H, columns * overlaps((box.left, box.right), columns)[0])


def _read(job: CropJob, pool: DecodePool) -> DecodedCrops:
    answer = pool.submit(job).result()
    if answer.error is not None:
        raise answer.error
    assert isinstance(answer, DecodedCrops)
    return answer
