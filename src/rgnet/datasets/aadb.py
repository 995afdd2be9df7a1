"""AADB: about 10,000 photos of Flickr with a score in [0, 1] and eleven attributes (Kong et al., ECCV 2016).

Expects a label folder with
    imgListTrainRegression_score.txt       "NAME SCORE" a line, and likewise ...Validation... and ...TestNew...;
    imgListTrainRegression_ColorHarmony.txt and the like for the attributes; all here or in imgListFiles_label/
or  AADBinfo.mat                           names and scores of training and test, no validation, no attributes
and the photos by their names anywhere below the photo folder. Files of the new test may be named SCORE_NAME.

The paper says 8,500 / 500 / 1,000; the files hold 8,458 / 500 / 1,000, and 127 validation photos stand on the
test list too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rgnet.datasets.readers import number, photos_by_name, read_lines
from rgnet.datasets.records import RatedPhoto, RatedPhotos, hold_out, told
from rgnet.errors import DataError, need

HELD_OUT = 500
FOLDERS = (".", "imgListFiles_label")
LISTS = {"train": "Train", "held_out": "Validation", "test": "TestNew"}
ATTRIBUTES = (
    *("BalacingElements", "ColorHarmony", "Content", "DoF", "Light", "MotionBlur", "Object"),
    *("Repetition", "RuleOfThirds", "Symmetry", "VividColor"),
)
SCORE_BEFORE_NAME = re.compile(r"^[01]\.\d{3}_")
NOTICE = (
    "Trained on AADB, photos of Flickr whose rights stay with their photographers. Cite 'Photo Aesthetics Ranking "
    "Network with Attributes and Content Adaptation' (Kong et al., ECCV 2016). The rgnet code is Apache-2.0; these "
    "weights are for research."
)

Scores = dict[str, float]


def load(
    labels: Path, photos: Path, *, held_out: int | None = None, seed: int = 0, strict: bool = True
) -> RatedPhotos:
    """AADB's official lists; from AADBinfo.mat, `held_out` (500) training photos are set aside by `seed`."""
    folder = next((labels / name for name in FOLDERS if (labels / name / list_name("train")).is_file()), None)
    if folder is None:
        sides, attributes = read_mat(labels / "AADBinfo.mat"), {}
        notes = ("AADBinfo.mat holds no attributes and no validation list: photos are held out of training",)
    else:
        sides = {side: read_scores(folder / list_name(side)) for side in LISTS}
        attributes, notes = read_attributes(folder, sides)

    # A photo stands on one side only: test before validation before training
    left_out = {
        "on the test list too": [*repeats(sides, "train", "test"), *repeats(sides, "held_out", "test")],
        "on the validation list too": repeats(sides, "train", "held_out"),
    }
    dropped = {name for names in left_out.values() for name in names}
    present = {SCORE_BEFORE_NAME.sub("", name): path for name, path in photos_by_name(photos).items()}
    found = {
        side: [
            RatedPhoto(name, present.get(name) or photos / name, score, attributes=attributes.get(name, {}))
            for name, score in scores.items()
            if side == "test" or name not in dropped
        ]
        for side, scores in sides.items()
    }
    if folder is None:
        count = HELD_OUT if held_out is None else held_out
        found["train"], found["held_out"] = hold_out(found["train"], count, seed=seed)
    return RatedPhotos(
        name="AADB",
        low=0.0,
        high=1.0,
        people="five workers of Mechanical Turk a photo, their mean on a scale of 0 to 1 (AADB)",
        **{side: tuple(listed) for side, listed in found.items()},
        threshold=0.5,
        licence="AADB research-only",
        notice=NOTICE,
        notes=(*notes, *told(left_out)),
        left_out={reason: tuple(names) for reason, names in left_out.items() if names},
    )


def list_name(side: str, what: str = "score") -> str:
    return f"imgList{LISTS[side]}Regression_{what}.txt"


def repeats(sides: Mapping[str, Scores], one: str, other: str) -> list[str]:
    return [name for name in sides.get(one, ()) if name in sides.get(other, ())]


def read_scores(path: Path, *, low: float = 0.0) -> Scores:
    """{name: value}, every value in [low, 1] and no name twice."""
    scores: Scores = {}
    for count, line in read_lines(path):
        where = f"{path}, line {count}"
        name, _, text = line.rpartition(" ")
        if not name:
            raise DataError(f"{where}: expected NAME SCORE, found {line!r}")
        value = number(text, where)
        if not low <= value <= 1:
            raise DataError(f"{where}: a value of AADB lies in {low:g} to 1, found {text}")
        name = name.strip()
        if scores.setdefault(name, value) != value:
            raise DataError(f"{where}: {name} has the value {value:g} here and {scores[name]:g} before")
    if not scores:
        raise DataError(f"{path} is empty: expected NAME SCORE a line")
    return scores


def read_attributes(
    folder: Path, sides: Mapping[str, Scores]
) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """({photo: {attribute: value in [-1, 1]}}, notes): the eleven, or fewer where a file is missing."""
    rated: dict[str, dict[str, float]] = {}
    missing = []
    for side in sides:
        for attribute in ATTRIBUTES:
            path = folder / list_name(side, attribute)
            if not path.is_file():
                missing.append(path.name)
                continue
            values = read_scores(path, low=-1.0)
            if values.keys() != sides[side].keys():
                stray = min(values.keys() ^ sides[side].keys())
                raise DataError(f"{path} and {list_name(side)} name different photos, {stray} among them")
            for name, value in values.items():
                rated.setdefault(name, {})[attribute] = value
    notes = (f"{len(missing)} attribute files are not there, {missing[0]} first",) if missing else ()
    return rated, notes


def read_mat(path: Path) -> dict[str, Scores]:
    """{"train": ..., "test": ...} of AADBinfo.mat: cells of names beside rows of scores."""
    if not path.is_file():
        raise DataError(f"AADB's scores are not at {path.parent}: give the folder of {list_name('train')}")
    scipy_io = need("scipy.io", extra="evaluation", purpose="reading AADBinfo.mat")
    try:
        content = scipy_io.loadmat(path)
    except (ValueError, TypeError, NotImplementedError, scipy_io.matlab.MatReadError) as problem:
        raise DataError(f"{path} is no MATLAB file of version 5 ({problem})") from problem
    fields = [f"{side}{what}" for side in ("train", "test") for what in ("NameList", "Score")]
    if lacking := [name for name in fields if name not in content]:
        raise DataError(f"{path} lacks {', '.join(lacking)}: expected the AADBinfo.mat of AADB's authors")
    return {side: scores_of(path, side, content) for side in ("train", "test")}


def scores_of(path: Path, side: str, content: Mapping[str, np.ndarray]) -> Scores:
    names = [str(cell.item()) for cell in content[f"{side}NameList"].ravel()]
    values = content[f"{side}Score"].ravel().astype(float).tolist()
    if len(names) != len(values) or not all(0 <= value <= 1 for value in values):
        raise DataError(f"{path}: expected one score in 0 to 1 for each of the {len(names)} names of {side}")
    return dict(zip(names, values, strict=True))
