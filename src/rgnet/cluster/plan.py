"""What a destination is to hold: which photos by which model, in which parts. Laid down once, beside the parts.

DEST/part-0000000.parquet ...      the rows; whole as soon as they are there
DEST/_rgnet/plan.json              written last: with it, the list and the model are there
DEST/_rgnet/list-000000.json.gz    the photos' names, in pieces of whole parts
DEST/_rgnet/model.safetensors      what scores them
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
from typing import Any

import rgnet
from rgnet.cluster.sources import photos_of
from rgnet.cluster.store import Store, is_url
from rgnet.errors import UPDATE, ClusterError, SettingError
from rgnet.weights.card import ModelCard

FORMAT = 1
BATCH, LARGEST_PART, FEWEST_PARTS = 8, 4000, 64
PIECE = 100_000
FOLDER = "_rgnet"
FILE, MODEL = f"{FOLDER}/plan.json", f"{FOLDER}/model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user wants of a run.

    batch, part_size: None leaves them to a plan that is there already, or else to us
    """

    source: str
    column: str = "path"
    engine: str = "auto"
    precision: str = "auto"
    batch: int | None = None
    part_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The content of plan.json.

    list_sha256: over the names, a NUL after each
    base:        the folder that relative names start from; empty where none is relative
    batch:       photos that the network sees at once; a part holds whole batches, so that every photo meets the
                 same neighbours as in `rgnet score`, and its numbers are the same to the bit
    piece:       names in a file of the list
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
        """Photos of a part."""
        return min(self.part_size, self.photos - part * self.part_size)

    def names(self, store: Store, part: int) -> list[str]:
        """The photos of a part."""
        start = part * self.part_size
        piece, offset = divmod(start, self.piece)
        return unpacked(store.read(list_file(piece)))[offset : offset + self.part_size]


def part_file(part: int) -> str:
    return f"part-{part:07}.parquet"


def list_file(piece: int) -> str:
    return f"{FOLDER}/list-{piece:06}.json.gz"


def finished(store: Store, plan: Plan) -> set[int]:
    """Parts that are there."""
    names = store.names()
    return {part for part in range(plan.parts) if part_file(part) in names}


# --- the first run lays it down, a later one must mean the same ----------------------------------------------


def planned(store: Store, asked: Asked, card: ModelCard, model: Path) -> Plan:
    """The plan of a destination: the one that is there, or a new one.

    Raises ClusterError where another list, model or setting is asked for than it was made for.
    """
    found = read(store)
    if found is None:
        return lay_down(store, asked, card, model)
    digest = Digest()
    for names in pieces(photos_of(asked.source, asked.column), PIECE):
        digest.add(names)
    agree(store, found, wanted(asked, digest, card))
    return found


def read(store: Store) -> Plan | None:
    """The plan that is there. Raises ClusterError where it is a later rgnet's or nobody's."""
    try:
        values = json.loads(store.read(FILE))
        version = values["format"]
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError):
        raise ClusterError(f"{store.url}/{FILE} is damaged: give another destination") from None
    if version > FORMAT:
        raise ClusterError(f"{store.url} has format {version}, this rgnet reads up to {FORMAT}: {UPDATE}")
    return Plan(**values)


def wanted(asked: Asked, digest: Digest, card: ModelCard) -> dict[str, Any]:
    """What must be the same in every run for one destination; None is as it may be."""
    return {
        "photos": digest.photos,
        "list_sha256": digest.hash.hexdigest(),
        "base": digest.base,
        "model_sha256": card.sha256,
        "engine": asked.engine,
        "precision": asked.precision,
        "batch": asked.batch,
        "part_size": asked.part_size,
    }


def agree(store: Store, found: Plan, values: dict[str, Any]) -> None:
    for name, value in values.items():
        before = getattr(found, name)
        if value is not None and value != before:
            raise ClusterError(
                f"{store.url} was begun with {name} {before!r} (source {found.source}, model {found.model}), "
                f"and now {name} is {value!r}: give another destination, or what it was begun with"
            )


def lay_down(store: Store, asked: Asked, card: ModelCard, model: Path) -> Plan:
    if any(name.startswith("part-") for name in store.names()):
        raise ClusterError(f"{store.url} holds parts without a plan: give an empty destination")
    names = photos_of(asked.source, asked.column)
    first = list(islice(names, PIECE))
    if not first:
        raise SettingError(f"no photos found in {asked.source}")
    batch = asked.batch or BATCH
    part_size = asked.part_size or usual_part(len(first), batch)
    if part_size % batch:
        raise SettingError(f"a part holds whole batches: {part_size} photos are not a multiple of {batch}")
    piece, digest = max(1, PIECE // part_size) * part_size, Digest()
    for number, some in enumerate(pieces(chain(first, names), piece)):
        store.write(list_file(number), packed(some))
        digest.add(some)
    store.write(MODEL, model.read_bytes())
    values = wanted(asked, digest, card) | {"batch": batch, "part_size": part_size}
    plan = Plan(**values, source=asked.source, model=card.name, piece=piece, rgnet=rgnet.__version__)
    store.write(FILE, json.dumps(asdict(plan), indent=1).encode())
    return plan


def usual_part(photos: int, batch: int) -> int:
    """Small enough that many workers share a short list, large enough that a long one has not too many files."""
    return max(1, min(LARGEST_PART, photos // FEWEST_PARTS) // batch) * batch


@dataclass(slots=True)
class Digest:
    """The hash of a list that is never in memory as a whole."""

    hash: Any = field(default_factory=hashlib.sha256)
    photos: int = 0
    base: str = ""

    def add(self, names: list[str]) -> None:
        self.photos += len(names)
        self.hash.update("".join(f"{name}\0" for name in names).encode("utf-8", "surrogatepass"))
        if not self.base and not all(is_url(name) or os.path.isabs(name) for name in names):  # noqa: PTH117
            self.base = str(Path.cwd())


def pieces(names: Iterable[str], size: int) -> Iterator[list[str]]:
    names = iter(names)
    while piece := list(islice(names, size)):
        yield piece


def packed(names: list[str]) -> bytes:
    return gzip.compress(json.dumps(names).encode(), compresslevel=6, mtime=0)


def unpacked(data: bytes) -> list[str]:
    return json.loads(gzip.decompress(data))
