"""What a scan writes of the files that it read, and tells of each of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Literal

from rgnet.catalogue.database import Catalogue
from rgnet.errors import PhotoError
from rgnet.imaging.jobs import DecodedPhoto
from rgnet.previews import PreviewCache
from rgnet.results import Record, ScoredPhoto, VideoFrame

# "known": its content was known under another path, or from before, or it was only measured, which an earlier rgnet did
# not do; "failed before": unchanged or known, without a score. The third argument says why a file failed now.
Outcome = Literal["scored", "unchanged", "known", "failed before", "failed"]
OnFile = Callable[[str, Outcome, str], None]


class ScanStore:
    """Files of one scan, each begun before it is read.

    model:    hash of the one that scores
    previews: that keep a small picture of every photo that is read; None: none is made
    """

    def __init__(
        self, catalogue: Catalogue, model: str, on_file: OnFile, previews: PreviewCache | None
    ) -> None:
        self.catalogue, self.model, self.on_file, self.previews = catalogue, model, on_file, previews
        self._begun: dict[str, int] = {}

    def begin(self, path: str) -> str:
        """Note when a file began to be read: what is written to it later may look unchanged."""
        self._begun[path] = time.time_ns()
        return path

    def put_known(self, path: str, found: DecodedPhoto, *, features: bool = False) -> bool:
        """Whether the model has seen this content, of which this file is then noted to be another one.

        features: it has not where no features were kept
        """
        assert found.sha256 is not None
        has_score = self.catalogue.has_score(found.sha256, self.model, features=features)
        if has_score is None:
            return False
        with self.catalogue.transaction():
            self._put_file(path, found)
        self.on_file(path, "known" if has_score else "failed before", "")
        return True

    def put_scores(
        self,
        files: Sequence[tuple[str, DecodedPhoto]],
        records: Sequence[Record],
        frame: VideoFrame | None = None,
    ) -> None:
        """What was read and scored, as one transaction. frame: of a video, which of its frames was scored"""
        with self.catalogue.transaction():
            for (path, found), record in zip(files, records, strict=True):
                self.catalogue.put_score(self._put_file(path, found), record, frame)
        for _, found in files:
            if self.previews and found.sha256 and found.pictures:
                self.previews.put_picture(found.sha256.hex(), found.pictures[0], frame)
        for record in records:
            if isinstance(record, ScoredPhoto):
                self.on_file(record.path, "scored", "")
            else:
                self.on_file(record.path, "failed", record.error)

    def put_error(self, path: str, problem: PhotoError, *, reread: bool = True) -> None:
        self._begun.pop(path, None)
        with self.catalogue.transaction():
            self.catalogue.put_error(os.fsencode(path), problem.message, reread=reread)
        self.on_file(path, "failed", problem.message)

    def _put_file(self, path: str, found: DecodedPhoto) -> int:
        photo = self.catalogue.put_photo(found)
        self.catalogue.put_file(
            os.fsencode(path),
            photo,
            bytes=found.byte_count,
            mtime=found.mtime_ns,
            read=self._begun.pop(path, None),
        )
        return photo
