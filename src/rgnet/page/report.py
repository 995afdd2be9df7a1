"""A report: the photos of a catalogue as one page that needs nothing else, with what explains their scores.

Scores and votes are those of the catalogue, and the weights follow from the votes. Pictures and graphs are kept in the
user's cache folder (`previews.py`); where they are not there yet, the photo is read again. One that has vanished or
changed since is a card that says so.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, Any

import rgnet
from rgnet import page
from rgnet.atomic import replacing, replacing_folder
from rgnet.catalogue.content_check import looks_unchanged, scanned_job
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.models import find_scale
from rgnet.catalogue.queries import count_scored, find_failed, find_scored
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import Filter
from rgnet.culling.look_alikes import LookAlikes, find_groups
from rgnet.culling.membership import Membership, find_memberships, keep_members
from rgnet.explanation import EDGES, Explanation, explain_prepared
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.pictures import MIME
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import DecodePool
from rgnet.page.pictures import check_pictures_folder, picture_url, pictures_folder
from rgnet.previews import PREVIEW, PreviewCache
from rgnet.results import ScoredPhoto
from rgnet.scorer import BATCH, Scorer, weights_of_ratings
from rgnet.weights.card import ModelCard, Scale
from rgnet.weights.explanations import ExplanationWorth, judge_explanations, usual_map

PICTURE = 1600
_CHUNK = 2**20


@dataclass(kw_only=True)
class Report:
    """What a report is made of. Every photo stands there once, under the first of its paths that matches.

    wanted:  its scored photos, and where it filters neither by score nor by day, also those without a score
    card:    of the model whose scores are shown; None where its file is not available: then votes are all there is
    scorer:  gives the model's scorer, which only a graph needs that is not kept; with a `card`
    previews: pictures and graphs that are kept
    pictures_beside: pictures go to a folder beside the page; otherwise they are inside, and smaller
    root:    folders are named from this one on; None: in full
    limit:   of the scored photos, best first
    grouped: whether the page begins with one card for each group of look-alikes
    on_photo: called for every scored photo that is done
    photos, scored_photos, not_shown: counts of what was written; not shown are those without a picture or score
    """

    catalogue: Catalogue
    wanted: Filter
    card: ModelCard | None = None
    scorer: Callable[[], Scorer] | None
    previews: PreviewCache = field(default_factory=lambda: PreviewCache(None))
    pictures_beside: bool = False
    root: Path | None = None
    limit: int | None = None
    grouped: bool = False
    on_photo: Callable[[], None] = lambda: None
    policy: DecodePolicy = field(default_factory=DecodePolicy)
    processes: int | None = None
    photos: int = 0
    scored_photos: int = 0
    not_shown: int = 0

    def count_scored(self) -> int:
        """How many photos `on_photo` will be called for."""
        count = count_scored(self.catalogue, self.wanted, once=True)
        return count if self.limit is None else min(count, self.limit)

    def write(self, target: Path) -> None:
        """Write the page and its folder of pictures, both or neither.

        Raises OutputError, and SettingError where the folder's name is taken by something that no report has written.
        """
        # The page begins with rows, which are complete only after the pictures: both wait in nameless files
        with (
            replacing(target) as partial,
            self._pictures(target) as pictures,
            _spool(target) as rows,
            _spool(target) as data,
            partial.open("w", encoding="utf-8") as file,
        ):
            for row, photo_data in self._photos(_Pictures(target, pictures) if pictures else None):
                rows.write(json.dumps(row) + "\n")
                data.write(photo_data)
                self._count(row)
            about = self._about()
            file.writelines(
                page.render_standalone(map(json.loads, _rewind(rows)), _chunks(_rewind(data)), about)
            )

    def missing_graph(self) -> str | None:
        """Why the page has no graph; None where it has one."""
        if self.card is None:
            return (
                f"The model {self.wanted.model} is not available, so there are no weights and no graph: "
                "put its file into your models folder, or pass it as --model FILE."
            )
        return self._worth.no_graph or self._worth.no_maps

    @contextlib.contextmanager
    def _pictures(self, target: Path) -> Iterator[Path | None]:
        if not self.pictures_beside:
            yield None
            return
        check_pictures_folder(target)
        with replacing_folder(pictures_folder(target)) as folder:
            yield folder

    def _photos(self, pictures: _Pictures | None) -> Iterator[tuple[dict[str, Any], str]]:
        """A row and the data of every photo: nearly best first, then those without a score."""
        to_read = []
        for photo in find_scored(self.catalogue, self.wanted, once=True, votes=True, limit=self.limit):
            if known := self._find_kept(photo):
                yield known
                self.on_photo()
            else:
                to_read.append(photo)
        yield from self._read(to_read, pictures)
        if not self.wanted.needs_score:
            for failed in find_failed(self.catalogue, self.wanted, once=True):
                yield self._row(failed), ""

    def _find_kept(self, photo: PhotoRow[ScoredPhoto]) -> tuple[dict[str, Any], str] | None:
        """Row and data of a photo of which everything is kept and whose file looks as it did when it was scanned."""
        if self.pictures_beside or not looks_unchanged(photo):
            return None
        picture = self.previews.picture(photo.sha256, photo.frame)
        edges = self.previews.get(photo.sha256, self._edges_kind) if self._needs_graph else b"null"
        if picture is None or edges is None:
            return None
        return self._describe_inside(photo, picture, json.loads(edges))

    def _read(
        self, photos: list[PhotoRow[ScoredPhoto]], pictures: _Pictures | None
    ) -> Iterator[tuple[dict[str, Any], str]]:
        if not photos:
            return
        with DecodePool(self.processes) as pool:
            decoded = pool.as_completed((photo, self._job(photo)) for photo in photos)
            while batch := list(islice(decoded, BATCH)):
                for photo, answer, explanation in self._explain(batch):
                    yield self._describe(photo, answer, explanation, pictures)
                    self.on_photo()

    @property
    def _needs_graph(self) -> bool:
        return self.missing_graph() is None

    @property
    def _edges_kind(self) -> str:
        return f"edges-{EDGES}-{self.wanted.model}"

    def _job(self, photo: PhotoRow) -> DecodeJob:
        return replace(
            scanned_job(photo),
            preprocess=self.card.preprocess if self.card and self._needs_graph else None,
            pictures=(PREVIEW, PICTURE) if self.pictures_beside else (PREVIEW,),
            picture_format="WEBP" if self.pictures_beside else "JPEG",
            policy=self.policy,
        )

    def _explain(
        self, batch: list[tuple[PhotoRow, DecodedPhoto]]
    ) -> Iterator[tuple[PhotoRow, DecodedPhoto, Explanation | None]]:
        if not self._needs_graph:
            yield from ((photo, answer, None) for photo, answer in batch)
            return
        paths = [photo.record.path for photo, _ in batch]
        prepared = [answer.prepared_or_error for _, answer in batch]
        explanations = explain_prepared(self._opened_scorer, paths, prepared)
        for (photo, answer), explanation in zip(batch, explanations, strict=True):
            yield photo, answer, explanation if isinstance(explanation, Explanation) else None

    def _describe(
        self,
        photo: PhotoRow,
        answer: DecodedPhoto,
        explanation: Explanation | None,
        pictures: _Pictures | None,
    ) -> tuple[dict[str, Any], str]:
        if answer.error is not None:
            return self._row(photo, error=answer.error.message), ""
        id, thumbnail, edges = photo_id(photo.record.path), answer.pictures[0], None
        if explanation is not None and explanation.affinity_NN is not None:
            edges = page.pack_edges(*explanation.edges(EDGES))
        if pictures is None:
            self.previews.put_picture(photo.sha256, thumbnail, photo.frame)
            if edges is not None:
                self.previews.put(photo.sha256, self._edges_kind, json.dumps(edges).encode())
            return self._describe_inside(photo, thumbnail, edges)
        address = pictures.put(f"{id}.webp", thumbnail)
        picture = pictures.put(f"{id}-large.webp", answer.pictures[1])
        detail = self._detail(photo, edges, picture)
        return self._row(photo, thumbnail=address), page.render_photo_data(id, None, detail)

    def _describe_inside(
        self, photo: PhotoRow, thumbnail: bytes, edges: dict[str, Any] | None
    ) -> tuple[dict[str, Any], str]:
        data = f"data:{MIME['JPEG']};base64,{base64.b64encode(thumbnail).decode()}"
        detail = self._detail(photo, edges)
        return self._row(photo), page.render_photo_data(photo_id(photo.record.path), data, detail)

    def _row(
        self, photo: PhotoRow, *, thumbnail: str | None = None, error: str | None = None
    ) -> dict[str, Any]:
        path = photo.record.path
        folder = None if self.root is None else os.path.relpath(Path(path).parent, self.root.parent)
        return page.describe_photo(
            photo_id(path),
            photo,
            group=self._memberships[photo.id].to_dict() | {"photos": None}
            if photo.id in self._memberships
            else None,
            folder=folder,
            thumbnail=thumbnail,
            error=error,
        )

    def _detail(
        self, photo: PhotoRow, edges: dict[str, Any] | None, picture: str | None = None
    ) -> dict[str, Any] | None:
        if photo.votes_HW is None:
            return None
        weights_HW = None if self.card is None else weights_of_ratings(photo.votes_HW, self.card)
        return page.describe_regions(
            photo.votes_HW, self._scale, weights_HW=weights_HW, edges=edges, picture=picture
        )

    def _count(self, row: dict[str, Any]) -> None:
        self.photos += 1
        self.scored_photos += row["score"] is not None
        self.not_shown += row["error"] is not None

    # Metadata shared by all photos

    def _about(self) -> dict[str, Any]:
        folder = self.wanted.folder
        return page.describe_page(
            self._scale,
            title=(folder and Path(folder).name) or "Photos",
            model=find_scale(self.catalogue, self.wanted.model).name,
            model_hash=self.wanted.model,
            created=date.today().isoformat(),
            rgnet=rgnet.__version__,
            graph=self.missing_graph(),
            maps=self._worth.no_maps,
            caution=self._worth.caution,
            usual_HW=None if self.card is None else usual_map(self.card),
            grouped=self.grouped,
            uncompared=self._look_alikes.unmeasured,
        )

    @cached_property
    def _look_alikes(self) -> LookAlikes:
        return find_groups(self.catalogue, self.wanted)

    @cached_property
    def _memberships(self) -> dict[str, Membership]:
        """Of the photos of the page, by their ids in the catalogue."""
        groups = self._look_alikes.groups
        if self.limit is None:
            return find_memberships(groups)
        shown = find_scored(self.catalogue, self.wanted, once=True, limit=self.limit)
        return find_memberships(keep_members(groups, {photo.id for photo in shown}))

    @cached_property
    def _worth(self) -> ExplanationWorth:
        """Without the model's card nothing is known of it."""
        return ExplanationWorth() if self.card is None else judge_explanations(self.card)

    @cached_property
    def _opened_scorer(self) -> Scorer:
        assert self.scorer is not None, "a card without a scorer"
        return self.scorer()

    @cached_property
    def _scale(self) -> Scale:
        """Of the model's card; where that is not available, the ends that the catalogue keeps."""
        if self.card:
            return self.card.scale
        found = find_scale(self.catalogue, self.wanted.model)
        return Scale(low=found.low, high=found.high, people="", quantiles=(found.low, found.high))


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Pictures of the page `target`, written to `folder`, which becomes its folder of pictures."""

    target: Path
    folder: Path

    def put(self, name: str, data: bytes) -> str:
        """Write a picture and return its address relative to the page."""
        (self.folder / name).write_bytes(data)
        return picture_url(self.target, name)


def photo_id(path: str) -> str:
    """A photo's name in links to it, by its canonical path: the same in every report of it."""
    return hashlib.blake2b(os.fsencode(path), digest_size=6).hexdigest()


def _spool(target: Path) -> IO[str]:
    """A file without a name on the disk of the target, which is gone when it is closed, whatever happens."""
    return tempfile.TemporaryFile("w+", dir=target.parent, encoding="utf-8")


def _rewind(file: IO[str]) -> IO[str]:
    file.seek(0)
    return file


def _chunks(file: IO[str]) -> Iterable[str]:
    return iter(lambda: file.read(_CHUNK), "")
