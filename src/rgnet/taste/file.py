"""A person's taste as one small file: a safetensors file of the weights, with a card that is checked field by field."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from rgnet.atomic import make_writable_folder, write_bytes
from rgnet.errors import DataError, ModelFileError, SettingError
from rgnet.paths import data_folder
from rgnet.weights.fields import parse_record
from rgnet.weights.file import read_metadata

SUFFIX = ".safetensors"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_MOST_FEATURES = 100_000
_MOST_BYTES = 8 * _MOST_FEATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteCard:
    """What a taste is, apart from its weights.

    ratings, pairs: what it was learned from: photos with stars, and answered pairs
    model, model_hash: whose features and scores it is for
    bias:     of the weights
    generic, personal, gain: share of pairs ordered as the person does, each with the ends of its interval
    """

    format_version: int
    name: str
    ratings: int
    pairs: int
    model: str
    model_hash: str
    strength: float
    bias: float
    generic: tuple[float, float, float]
    personal: tuple[float, float, float]
    gain: tuple[float, float, float]

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.format_version != _FORMAT:
            raise SettingError(
                f"format_version: this rgnet reads {_FORMAT}, found {self.format_version}: update rgnet"
            )
        if self.ratings < 0 or self.pairs < 0:
            raise SettingError("ratings and pairs are not negative")


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """card, and weight_D float32: for features as they are kept."""

    card: TasteCard
    weight_D: np.ndarray

    @property
    def hash(self) -> str:
        """Of what it says of photos."""
        facts = json.dumps([self.card.model_hash, self.card.bias])
        return sha256(facts.encode() + self.weight_D.tobytes()).hexdigest()[:12]

    def added(self, feature_BD: np.ndarray) -> np.ndarray:
        """(B,) what it adds to the scores of photos with these features. Raises DataError for another number."""
        if feature_BD.shape[1] != len(self.weight_D):
            raise DataError(
                f"the taste {self.card.name!r} is for {len(self.weight_D)} features, the catalogue has "
                f"{feature_BD.shape[1]}: learn it again with  rgnet taste --learn"
            )
        return feature_BD @ self.weight_D + np.float32(self.card.bias)


def check_name(name: str) -> None:
    """Raises SettingError."""
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"name of a taste: expected letters, digits, - and _, at most 40, found {name!r:.60}"
        )


def taste_file(name: str) -> Path:
    """Where the taste of a name is kept: in the user data folder. Raises SettingError."""
    check_name(name)
    return data_folder() / "tastes" / f"{name}{SUFFIX}"


def write_taste(path: Path, taste: Taste) -> None:
    """Atomically. Raises OutputError."""
    from safetensors.numpy import save

    make_writable_folder(path.parent)
    tensors = {"weight": np.ascontiguousarray(taste.weight_D, np.float32)}
    write_bytes(path, save(tensors, metadata={"rgnet-taste": json.dumps(asdict(taste.card))}))


def read_taste(path: Path) -> Taste:
    """Raises DataError where there is none, or it is damaged, foreign or of a later rgnet."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DataError(
            f"there is no taste {path}: learn one with  rgnet taste --learn, or name another with --taste"
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES // 10**6} MB")
        card = _read_card(path)
        with safe_open(path, framework="numpy") as file:
            weight_D = file.get_tensor("weight")
        if weight_D.dtype != "float32" or weight_D.ndim != 1 or not 0 < len(weight_D) <= _MOST_FEATURES:
            raise ValueError(f"its weights are {weight_D.dtype} {weight_D.shape}, expected float32 in a row")
        if not np.isfinite(weight_D).all():
            raise ValueError("its weights hold values that are not numbers")
    except (
        SafetensorError,
        ModelFileError,
        SettingError,
        OSError,
        TypeError,
        ValueError,
        LookupError,
    ) as problem:
        reason = str(problem).removeprefix(f"{path} ")[:200]
        raise DataError(
            f"{path} is no taste, or damaged ({reason}): learn it again with  rgnet taste --learn"
        ) from problem
    return Taste(card, weight_D)


def _read_card(path: Path) -> TasteCard:
    values = json.loads(read_metadata(path)["rgnet-taste"])
    return parse_record(TasteCard, values, added={})
