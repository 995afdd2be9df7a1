"""AADB: about 10,000 photos of Flickr with a score in [0, 1] and eleven attributes (Kong et al., ECCV 2016).

Expects a label folder with
    imgListTrainRegression_score.txt       "NAME SCORE" a line, and likewise ...Validation... and ...TestNew...;
    imgListTrainRegression_ColorHarmony.txt and the like for the attributes; all here or in imgListFiles_label/
or  AADBinfo.mat                           names and scores of training and test, no validation, no attributes
and the photos by their names anywhere below the photo folder. Files of the new test may be named SCORE_NAME.

The paper says 8,500 / 500 / 1,000; the files hold 8,458 / 500 / 1,000, and 127 validation photos are on the
test list too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rgnet.datasets.readers import parse_number, photos_by_name, read_lines
from rgnet.datasets.records import RatedPhoto, RatedPhotos, describe_excluded, hold_out
from rgnet.errors import DataError, need

_HELD_OUT = 500
_FOLDERS = (".", "imgListFiles_label")
_LISTS = {"train": "Train", "held_out": "Validation", "test": "TestNew"}
ATTRIBUTES = (
    *("BalacingElements", "ColorHarmony", "Content", "DoF", "Light", "MotionBlur", "Object"),
    *("Repetition", "RuleOfThirds", "Symmetry", "VividColor"),
)
_SCORE_BEFORE_NAME = re.compile(r"^[01]\.\d{3}_")
_NOTICE = (
    "Trained on AADB, photos of Flickr whose rights stay with their photographers. Cite 'Photo Aesthetics Ranking "
    "Network with Attributes and Content Adaptation' (Kong et al., ECCV 2016). The rgnet code is Apache-2.0; these "
    "weights are for research."
)

_Scores = dict[str, float]
_Attributes = dict[str, dict[str, float]]


def load(
    labels: Path, photos: Path, *, held_out: int | None = None, seed: int = 0, strict: bool = True
) -> RatedPhotos:
    """AADB's official lists; from AADBinfo.mat, `held_out` (500) training photos are set aside by `seed`."""
    folder = next(
        (labels / name for name in _FOLDERS if (labels / name / _list_name("train")).is_file()), None
    )
    if folder is None:
        scores = _read_mat(labels / "AADBinfo.mat")
        attributes: _Attributes = {}
        notes: tuple[str, ...] = (
            "AADBinfo.mat holds no attributes and no validation list: training photos are held out for validation",
        )
    else:
        scores = {split: _read_scores(folder / _list_name(split)) for split in _LISTS}
        attributes, notes = _read_attributes(folder, scores)

    # A photo is in one split only: test before validation before training
    excluded = {
        "on the test list too": [
            *_find_repeats(scores, "train", "test"),
            *_find_repeats(scores, "held_out", "test"),
        ],
        "on the validation list too": _find_repeats(scores, "train", "held_out"),
    }
    dropped = {name for names in excluded.values() for name in names}
    present = {_SCORE_BEFORE_NAME.sub("", name): path for name, path in photos_by_name(photos).items()}
    found = {
        split: [
            RatedPhoto(name, present.get(name) or photos / name, score, attributes=attributes.get(name, {}))
            for name, score in listed.items()
            if split == "test" or name not in dropped
        ]
        for split, listed in scores.items()
    }
    if folder is None:
        count = _HELD_OUT if held_out is None else held_out
        found["train"], found["held_out"] = hold_out(found["train"], count, seed=seed)
    return RatedPhotos(
        name="AADB",
        low=0.0,
        high=1.0,
        people="five workers of Mechanical Turk a photo, their mean on a scale of 0 to 1 (AADB)",
        train=tuple(found["train"]),
        held_out=tuple(found["held_out"]),
        test=tuple(found["test"]),
        threshold=0.5,
        licence="AADB research-only",
        notice=_NOTICE,
        notes=(*notes, *describe_excluded(excluded)),
        excluded={reason: tuple(names) for reason, names in excluded.items() if names},
    )


def _list_name(split: str, what: str = "score") -> str:
    return f"imgList{_LISTS[split]}Regression_{what}.txt"


def _find_repeats(scores: Mapping[str, _Scores], one: str, other: str) -> list[str]:
    return [name for name in scores.get(one, ()) if name in scores.get(other, ())]


def _read_scores(path: Path, *, low: float = 0.0) -> _Scores:
    """{name: value}, every value in [low, 1] and no name twice."""
    scores: _Scores = {}
    for count, line in read_lines(path):
        where = f"{path}, line {count}"
        name, _, text = line.rpartition(" ")
        if not name:
            raise DataError(f"{where}: expected NAME SCORE, found {line!r}")
        value = parse_number(text, where)
        if not low <= value <= 1:
            raise DataError(f"{where}: a value of AADB lies in {low:g} to 1, found {text}")
        name = name.strip()
        if scores.setdefault(name, value) != value:
            raise DataError(f"{where}: {name} has the value {value:g} here and {scores[name]:g} before")
    if not scores:
        raise DataError(f"{path} is empty: expected NAME SCORE a line")
    return scores


def _read_attributes(folder: Path, scores: Mapping[str, _Scores]) -> tuple[_Attributes, tuple[str, ...]]:
    """({photo: {attribute: value in [-1, 1]}}, notes): the eleven, or fewer where a file is missing."""
    rated: _Attributes = {}
    missing = []
    for split, listed in scores.items():
        for attribute in ATTRIBUTES:
            path = folder / _list_name(split, attribute)
            if not path.is_file():
                missing.append(path.name)
                continue
            values = _read_scores(path, low=-1.0)
            if values.keys() != listed.keys():
                stray = min(values.keys() ^ listed.keys())
                raise DataError(f"{path} and {_list_name(split)} name different photos, {stray} among them")
            for name, value in values.items():
                rated.setdefault(name, {})[attribute] = value
    notes = (f"{len(missing)} attribute files are missing, {missing[0]} first",) if missing else ()
    return rated, notes


def _read_mat(path: Path) -> dict[str, _Scores]:
    """{"train": ..., "test": ...} of AADBinfo.mat: cells of names beside rows of scores."""
    if not path.is_file():
        raise DataError(f"AADB's scores are not at {path.parent}: give the folder of {_list_name('train')}")
    scipy_io = need("scipy.io", extra="evaluation", purpose="reading AADBinfo.mat")
    try:
        content = scipy_io.loadmat(path)
    except (ValueError, TypeError, NotImplementedError, scipy_io.matlab.MatReadError) as problem:
        raise DataError(f"{path} is not a MATLAB file of version 5 ({problem})") from problem
    fields = [f"{split}{what}" for split in ("train", "test") for what in ("NameList", "Score")]
    if lacking := [name for name in fields if name not in content]:
        raise DataError(f"{path} lacks {', '.join(lacking)}: expected the AADBinfo.mat of AADB's authors")
    return {split: _mat_scores(path, split, content) for split in ("train", "test")}


def _mat_scores(path: Path, split: str, content: Mapping[str, np.ndarray]) -> _Scores:
    names = [str(cell.item()) for cell in content[f"{split}NameList"].ravel()]
    values = content[f"{split}Score"].ravel().astype(float).tolist()
    if len(names) != len(values) or not all(0 <= value <= 1 for value in values):
        raise DataError(f"{path}: expected one score in 0 to 1 for each of the {len(names)} names of {split}")
    return dict(zip(names, values, strict=True))
