"""A report: the photos of a catalogue as one page that needs nothing else, with what explains their scores.

Scores and votes are those of the catalogue. Every photo is read again for its picture, its weights and its graph. One
that has vanished or changed since is shown as what it is: a card with the reason.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NamedTuple

import numpy as np

import rgnet
from rgnet import page
from rgnet.atomic import replacing
from rgnet.catalogue.database import Catalogue, stored, unpacked
from rgnet.catalogue.queries import MARKS, Filter, best_rows, failed, model_row, records
from rgnet.errors import OutputError
from rgnet.explanation import EDGES, Explanation, explain_prepared
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.pictures import MIME
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import DecodePool, cores
from rgnet.page.folder import Beside
from rgnet.results import Record, RegionMap, ScoredPhoto
from rgnet.scorer import BATCH, Scorer

THUMBNAIL, PICTURE = 512, 1600
CHUNK = 2**20


class Found(NamedTuple):
    """A scored photo as the catalogue has it; votes_HW on the human scale."""

    record: ScoredPhoto
    votes_HW: np.ndarray | None
    sha256: bytes
    taken: str | None
    camera: str | None


@dataclass(slots=True, kw_only=True)
class Report:
    """What a report is made of.

    wanted:  its scored photos, and where it asks for no score or day, also those without a score
    scorer:  of the model whose scores are shown; None where its file is not at hand: then votes are all there is
    beside:  takes the pictures; None: they are inside the page
    root:    folders are named from this one on; None: in full
    limit:   of the scored photos, best first
    tell:    called for every scored photo that is done
    shown, lost: photos of the page, and those among them that have no picture or no score
    """

    catalogue: Catalogue
    wanted: Filter
    scorer: Scorer | None
    beside: Beside | None = None
    root: Path | None = None
    limit: int | None = None
    tell: Callable[[], None] = lambda: None
    policy: DecodePolicy = field(default_factory=DecodePolicy)
    processes: int = field(default_factory=cores)
    shown: int = 0
    lost: int = 0

    def total(self) -> int:
        """How many scored photos there are to tell of."""
        return sum(1 for _ in best_rows(self.catalogue, self.wanted, self.limit))

    def write(self, target: Path) -> None:
        """Write the page, whole or not at all. Raises OutputError.

        What the page says of its photos comes before their pictures, and is known after: both wait in nameless files.
        """
        with (
            saying(target),
            spool(target) as rows,
            spool(target) as blocks,
            replacing(target) as path,
            path.open("w", encoding="utf-8") as file,
        ):
            for row, block in self.photos():
                rows.write(json.dumps(row) + "\n")
                blocks.write(block)
                self.shown += 1
                self.lost += row["error"] is not None
            pieces = page.embedded(map(json.loads, again(rows)), chunks(again(blocks)), self.about())
            file.writelines(pieces)
            if self.beside:
                self.beside.finish()

    def photos(self) -> Iterator[tuple[dict[str, Any], str]]:
        """A row of the page and its block for every photo, nearly best first, then for those without a score."""
        with DecodePool(self.processes) as pool:
            done = pool.as_completed(self.jobs())
            while batch := list(islice(done, BATCH)):
                yield from self.batch(batch)
        if not self.wanted.by_score_or_day:
            yield from ((self.row(failure), "") for failure in failed(self.catalogue, self.wanted))

    def found(self) -> Iterator[Found]:
        more = "rows, votes, sha256, taken, camera"
        for row in best_rows(self.catalogue, self.wanted, self.limit, more=more):
            rows, votes, *header = row[MARKS:]
            record = next(records(self.catalogue, self.wanted.model, [row[:MARKS]]))
            yield Found(record, unpacked(rows, votes), *header)

    def jobs(self) -> Iterator[tuple[Found, DecodeJob]]:
        """What is wanted of each photo."""
        sides = (PICTURE, THUMBNAIL) if self.beside else (THUMBNAIL,)
        preprocess = self.scorer and self.scorer.card.preprocess
        for found in self.found():
            yield (
                found,
                DecodeJob(
                    source=found.record.path,
                    expected_sha256=found.sha256,
                    preprocess=preprocess,
                    pictures=sides,
                    policy=self.policy,
                ),
            )

    def batch(self, batch: list[tuple[Found, DecodedPhoto]]) -> Iterator[tuple[dict[str, Any], str]]:
        paths = [found.record.path for found, _ in batch]
        explanations = [None] * len(batch)
        if self.scorer:
            photos = [shown.prepared_or_error for _, shown in batch]
            explanations = explain_prepared(self.scorer, paths, photos)
        for (found, shown), explanation in zip(batch, explanations, strict=True):
            yield self.photo(found, shown, explanation if isinstance(explanation, Explanation) else None)
            self.tell()

    def photo(
        self, found: Found, shown: DecodedPhoto, explanation: Explanation | None
    ) -> tuple[dict[str, Any], str]:
        header = {"taken": found.taken, "camera": found.camera}
        if shown.error is not None:
            return self.row(found.record, error=str(shown.error), **header), ""
        id, pictures = key(found.record.path), shown.pictures
        if self.beside:
            picture = self.beside.put(f"{id}-large.webp", pictures[0])
            thumbnail = self.beside.put(f"{id}.webp", pictures[1])
            block = page.block(id, None, self.detail(found, explanation, picture))
            return self.row(found.record, thumbnail=thumbnail, **header), block
        data = f"data:{MIME['WEBP']};base64,{base64.b64encode(pictures[0]).decode()}"
        return self.row(found.record, **header), page.block(id, data, self.detail(found, explanation))

    def row(self, record: Record, **known: str | None) -> dict[str, Any]:
        folder = self.root and os.path.relpath(Path(record.path).parent, self.root.parent)
        return page.listed(key(record.path), record, folder=folder, **known)

    def detail(
        self, found: Found, explanation: Explanation | None, picture: str | None = None
    ) -> dict[str, Any] | None:
        if found.votes_HW is None:
            return None
        weights_HW = edges = None
        if explanation is not None:
            weights_HW = explanation.regions.weights
            edges = None if explanation.affinity_NN is None else explanation.edges(EDGES)
        return page.mapped(RegionMap(found.votes_HW, weights_HW), self.scale(), edges=edges, picture=picture)

    # What holds for all photos

    def about(self) -> dict[str, Any]:
        name, *_ = model_row(self.catalogue, self.wanted.model)
        folder = self.wanted.folder
        return page.about(
            self.scale(),
            title=(folder and folder.absolute().name) or "Photos",
            model=name,
            model_hash=self.wanted.model,
            made=date.today().isoformat(),
            rgnet=rgnet.__version__,
            graph=self.without_graph(),
        )

    def scale(self) -> Any:
        """low and high of the scale, and where the model is at hand, which people it is of."""
        if self.scorer:
            return self.scorer.card.scale
        _, low, high = model_row(self.catalogue, self.wanted.model)
        return SimpleNamespace(low=low, high=high)

    def without_graph(self) -> str | None:
        """Why there is no graph; None where there is one."""
        if self.scorer is None:
            return (
                f"The model {self.wanted.model} is not at hand, so there are no weights and no graph: "
                "put its file among your models, or give it as --model FILE."
            )
        return None if self.scorer.card.architecture.graph_layers else "This model has no region graph."


def key(path: str) -> str:
    """A photo's name in links to it: the same in every report of it."""
    return hashlib.blake2b(stored(path), digest_size=6).hexdigest()


def spool(target: Path) -> IO[str]:
    """A file without a name on the disk of the target, which is gone when it is closed, whatever happens."""
    return tempfile.TemporaryFile("w+", dir=target.parent, encoding="utf-8")


@contextlib.contextmanager
def saying(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise OutputError(
            f"{target} cannot be written ({problem.strerror or problem}): make room, or give another --output"
        ) from problem


def again(file: IO[str]) -> IO[str]:
    file.seek(0)
    return file


def chunks(file: IO[str]) -> Iterable[str]:
    return iter(lambda: file.read(CHUNK), "")
