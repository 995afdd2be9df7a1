"""The plan of a run: which photos are scored by which model, in which parts. Written once, next to the parts.

DEST/part-0000000.parquet ...      the rows; complete as soon as the file exists
DEST/_rgnet/plan.json              written last: where it exists, the list and the model do
DEST/_rgnet/list-000000.json.gz    the names of the photos, in pieces of whole parts
DEST/_rgnet/model.safetensors      the model
DEST/_rgnet/attempts/              how often a part was started, while a run goes on
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import rgnet
from rgnet.cluster.sources import read_names
from rgnet.cluster.store import Store, is_url
from rgnet.errors import ClusterError, SettingError, update_command
from rgnet.imaging.discovery import EVERYTHING, Selection
from rgnet.weights.card import ModelCard

FORMAT = 1
PIECE = 100_000
_BATCH, _LARGEST_PART, _FEWEST_PARTS = 8, 4000, 64
FOLDER = "_rgnet"
MODEL_FILE, ATTEMPTS = f"{FOLDER}/model.safetensors", f"{FOLDER}/attempts"
PLAN_FILE = f"{FOLDER}/plan.json"


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What the user wants of a run.

    batch, part_size: None for those of an existing plan, or the defaults
    selection: which entries of a folder or bucket are skipped
    """

    source: str
    column: str = "path"
    engine: str = "auto"
    precision: str = "auto"
    batch: int | None = None
    part_size: int | None = None
    selection: Selection = EVERYTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The content of plan.json.

    list_sha256: over the names, a NUL after each
    base:        the folder that relative names start from; empty where none is relative
    batch:       photos per batch of the network; a part holds whole batches, so that every photo is in the same
                 batch as in `rgnet score`, and its numbers are the same to the bit
    piece:       names per file of the list
    """

    source: str
    photos: int
    list_sha256: str
    base: str
    model: str
    model_sha256: str
    engine: str
    precision: str
    batch: int
    part_size: int
    piece: int
    rgnet: str
    format: int = FORMAT

    @property
    def parts(self) -> int:
        return -(-self.photos // self.part_size)

    def size(self, part: int) -> int:
        """Number of photos in a part."""
        return min(self.part_size, self.photos - part * self.part_size)

    def names(self, store: Store, part: int) -> list[str]:
        """The photos of a part."""
        start = part * self.part_size
        piece, offset = divmod(start, self.piece)
        return _decompress(store.read(_list_file(piece)))[offset : offset + self.part_size]


def part_file(part: int) -> str:
    return f"part-{part:07}.parquet"


def _list_file(piece: int) -> str:
    return f"{FOLDER}/list-{piece:06}.json.gz"


def finished_parts(store: Store, plan: Plan) -> set[int]:
    """Parts that have been written."""
    names = store.names()
    return {part for part in range(plan.parts) if part_file(part) in names}


# --- the first run writes the plan, a later one must agree with it ---------------------------------------


def load_or_create(store: Store, request: PlanRequest, card: ModelCard, model: Path) -> Plan:
    """The plan of a destination: the existing one, or a new one.

    Raises ClusterError where the existing one is for another list, model or setting.
    """
    plan = load(store)
    if plan is None:
        return _create(store, request, card, model)
    digest = _ListDigest()
    for names in batched(read_names(request.source, request.column, request.selection), PIECE):
        digest.add(names)
    _check_agreement(store, plan, _identity(request, digest, card))
    return plan


def load(store: Store) -> Plan | None:
    """The existing plan. Raises ClusterError where it is damaged or was written by a later rgnet."""
    try:
        values = json.loads(store.read(PLAN_FILE))
        version = values["format"]
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError):
        raise _damaged(store) from None
    if version > FORMAT:
        raise ClusterError(
            f"{store.url} has format {version}, this rgnet reads up to {FORMAT}: {update_command()}"
        )
    try:
        return Plan(**values)
    except TypeError:
        raise _damaged(store) from None


def _damaged(store: Store) -> ClusterError:
    return ClusterError(f"{store.url}/{PLAN_FILE} is damaged: give another destination")


def _identity(request: PlanRequest, digest: _ListDigest, card: ModelCard) -> dict[str, Any]:
    """What must be the same in every run for one destination; None may be anything."""
    return {
        "photos": digest.photos,
        "list_sha256": digest.hash.hexdigest(),
        "base": digest.base,
        "model_sha256": card.sha256,
        "engine": request.engine,
        "precision": request.precision,
        "batch": request.batch,
        "part_size": request.part_size,
    }


def _check_agreement(store: Store, plan: Plan, values: dict[str, Any]) -> None:
    for name, value in values.items():
        before = getattr(plan, name)
        if value is not None and value != before:
            raise ClusterError(
                f"{store.url} was started with {name} {before!r} (source {plan.source}, model {plan.model}), "
                f"and now {name} is {value!r}: give another destination, or what it was started with"
            )


def _create(store: Store, request: PlanRequest, card: ModelCard, model: Path) -> Plan:
    if any(name.startswith("part-") for name in store.names()):
        raise ClusterError(f"{store.url} holds parts without a plan: give an empty destination")
    names = read_names(request.source, request.column, request.selection)
    first = list(islice(names, PIECE))
    if not first:
        raise SettingError(f"no photos found in {request.source}")
    batch = request.batch or _BATCH
    part_size = request.part_size or default_part_size(len(first), batch)
    if part_size % batch:
        raise SettingError(f"part size {part_size}: expected a multiple of the batch size {batch}")
    piece, digest = max(1, PIECE // part_size) * part_size, _ListDigest()
    for number, some in enumerate(batched(chain(first, names), piece)):
        store.write(_list_file(number), _compress(some))
        digest.add(some)
    store.write(MODEL_FILE, model.read_bytes())
    values = _identity(request, digest, card) | {"batch": batch, "part_size": part_size}
    plan = Plan(**values, source=request.source, model=card.name, piece=piece, rgnet=rgnet.__version__)
    store.write(PLAN_FILE, json.dumps(asdict(plan), indent=1).encode())
    return plan


def default_part_size(photos: int, batch: int) -> int:
    """Small enough that many workers share a short list, large enough that a long one has not too many files."""
    return max(1, min(_LARGEST_PART, photos // _FEWEST_PARTS) // batch) * batch


@dataclass(slots=True)
class _ListDigest:
    """The hash of a list that is never in memory as a whole."""

    hash: Any = field(default_factory=hashlib.sha256)
    photos: int = 0
    base: str = ""

    def add(self, names: list[str]) -> None:
        self.photos += len(names)
        self.hash.update("".join(f"{name}\0" for name in names).encode("utf-8", "surrogatepass"))
        if not self.base and not all(is_url(name) or os.path.isabs(name) for name in names):  # noqa: PTH117
            self.base = str(Path.cwd())


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one perhaps shorter."""
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


def _compress(names: list[str]) -> bytes:
    return gzip.compress(json.dumps(names).encode(), compresslevel=6, mtime=0)


def _decompress(data: bytes) -> list[str]:
    return json.loads(gzip.decompress(data))
