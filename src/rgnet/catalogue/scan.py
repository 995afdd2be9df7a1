"""A folder into the catalogue: what is new or changed is read and scored, what is known is only counted.

A file counts as unchanged when its size and modification time are those of the last reading, which must have been
later than that time by a margin (a file written twice within a clock tick looks unchanged). In doubt its bytes are
hashed. A file of a size whose photo has vanished from elsewhere is hashed first: it may have been moved.

Most scans find next to nothing new: what reads and scores is imported and started with the first file that needs it.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Literal

from rgnet.catalogue.database import Catalogue, Known, below
from rgnet.errors import ModelFileError, PhotoDecoderCrashed, PhotoError, PhotoTimedOut
from rgnet.imaging.discovery import photo_names
from rgnet.imaging.jobs import Examined, Look
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import SECONDS, Cells
from rgnet.weights.card import ModelCard

if TYPE_CHECKING:
    from rgnet.scorer import Scorer

CHUNK = 500
MARGIN_NS = 2 * 10**9

What = Literal["scored", "unchanged", "known", "failed before", "failed"]
Tell = Callable[[str, What, str], None]


@dataclass(slots=True)
class Scan:
    """One scan of some folders.

    card:     of the model that scores; `load` gives its scorer, and is asked once there is a photo to score
    policy:   what the decoder accepts
    tell:     told of every file: its path, what came of it ("known": its content was known under another path or from
              before; "failed before": unchanged or known, and without a score), and the error where it failed now
    stopping: asked now and then; once it says True nothing new is begun, and what is in flight is finished
    processes, seconds: that decode (None: one a core), and how long each photo may take
    look_into: what they do with a file; None: examine it
    """

    catalogue: Catalogue
    card: ModelCard
    load: Callable[[], Scorer]
    tell: Tell
    stopping: Callable[[], bool] = lambda: False
    policy: DecodePolicy = field(default_factory=DecodePolicy)
    processes: int | None = None
    seconds: float = SECONDS
    look_into: Callable[[Look], Examined] | None = None
    scorer: Scorer | None = None
    batch: list[tuple[Look, Examined]] = field(default_factory=list)
    postponed: deque[Look] = field(default_factory=deque)
    unlisted: list[str] = field(default_factory=list)

    def run(self, folders: list[Path]) -> int:
        """Scan, and return how many photos of these folders are gone; 0 where it was stopped."""
        folders = [folder.absolute() for folder in folders]
        with self.catalogue.writing() as database:
            self.catalogue.use_model(self.card, int(time.time()))
            database.execute("CREATE TEMP TABLE IF NOT EXISTS seen (path BLOB PRIMARY KEY) WITHOUT ROWID")
            database.execute("DELETE FROM seen")
        fresh = self.fresh(folders)
        if first := next(fresh, None):
            self.read(itertools.chain([first], fresh))
        return 0 if self.stopping() else self.mark_gone(folders)

    def read(self, fresh: Iterator[Look]) -> None:
        """Read and score; then what turned out not to be a photo that had moved."""
        from rgnet.imaging.examine import examine
        from rgnet.imaging.workers import cores

        with Cells(self.processes or cores(), seconds=self.seconds) as cells:
            for looks in (fresh, self.moved()):
                for look, found in cells.as_done(
                    self.look_into or examine, looks, name=lambda look: look.path
                ):
                    self.take(look, found)
            self.flush()

    # What has to be read

    def fresh(self, folders: list[Path]) -> Iterator[Look]:
        """Files that are new, changed or in doubt, in order; the others are told of as they are passed."""
        paths = photo_names(folders)
        while chunk := list(itertools.islice(paths, CHUNK)):
            keys = [os.fsencode(path) for path in chunk]
            known = self.catalogue.known(keys, self.card.short_hash)
            self.catalogue.database.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?)", zip(keys, strict=True)
            )
            for path, key in zip(chunk, keys, strict=True):
                if self.stopping():
                    return
                if look := self.look_at(path, known.get(key)):
                    yield look

    def look_at(self, path: str, known: Known | None) -> Look | None:
        try:
            stat = os.stat(path)  # noqa: PTH116 -- a Path for each of millions would take longer than this
            if not S_ISREG(stat.st_mode):
                self.unlisted.append(path)
                return self.fail(path, "expected a photo file or a folder that can be listed, found neither")
        except OSError as problem:
            return self.fail(path, f"cannot be looked at ({problem.strerror})")
        listed = (stat.st_size, stat.st_mtime_ns)
        look = Look(path, listed, self.policy, self.card.preprocess)
        if known is None or (known.bytes, known.mtime) != listed:
            return replace(look, preprocess=None) if self.may_be_moved(stat.st_size) else look
        if known.read - known.mtime < MARGIN_NS:
            return replace(look, preprocess=None)
        if known.scored is not None:
            return self.tell(path, "unchanged" if known.scored else "failed before", "")
        return replace(look, sha256=known.sha256)

    def fail(self, path: str, reason: str) -> None:
        self.put_error(path, f"{path}: {reason}: check its permissions")

    def may_be_moved(self, size: int) -> bool:
        return any(not os.path.lexists(path) for path in self.catalogue.paths_of_size(size))

    def moved(self) -> Iterator[Look]:
        """Files whose hash is of no photo that this model has scored."""
        while self.postponed and not self.stopping():
            yield self.postponed.popleft()

    # What was found

    def take(self, look: Look, found: Examined | PhotoError) -> None:
        from rgnet.scorer import BATCH

        if isinstance(found, PhotoError):
            # What ended its process would do so again; what could not be read may be readable next time
            harmful = isinstance(found, PhotoDecoderCrashed | PhotoTimedOut)
            self.put_error(look.path, str(found), look.as_listed if harmful else (None, None))
        elif (scored := self.catalogue.scored(found.content.sha256, self.card.short_hash)) is not None:
            with self.catalogue.writing():
                self.put_path(look, found, self.catalogue.put_content(found.content))
            self.tell(look.path, "known" if scored else "failed before", "")
        elif found.photo is None:
            wanted = self.card.preprocess
            self.postponed.append(replace(look, preprocess=wanted))
        else:
            self.batch.append((look, found))
            if len(self.batch) >= BATCH:
                self.flush()

    def flush(self) -> None:
        """Score the batch, and write it as one transaction."""
        if not self.batch:
            return
        self.scorer = self.scorer or self.loaded()
        batch, self.batch = self.batch, []
        paths = [look.path for look, _ in batch]
        records = self.scorer.score_prepared(paths, [found.photo for _, found in batch], regions=True)
        with self.catalogue.writing():
            for (look, found), record in zip(batch, records, strict=True):
                size = (record.width, record.height) if record.ok else None
                photo = self.catalogue.put_content(found.content, size)
                self.put_path(look, found, photo)
                self.catalogue.put_score(photo, record)
        for record in records:
            self.tell(record.path, "scored" if record.ok else "failed", "" if record.ok else record.error)

    def loaded(self) -> Scorer:
        scorer = self.load()
        if scorer.card.sha256 != self.card.sha256:
            raise ModelFileError(
                f"the model was replaced while scanning: expected {self.card.short_hash}, "
                f"found {scorer.card.short_hash}: scan again"
            )
        return scorer

    def put_path(self, look: Look, found: Examined, photo: int) -> None:
        self.catalogue.put_path(os.fsencode(look.path), photo, bytes=found.content.bytes, mtime=found.mtime)

    def put_error(
        self, path: str, error: str, listed: tuple[int, int] | tuple[None, None] = (None, None)
    ) -> None:
        """A row for a file without a photo; `listed` is its size and date where it is not to be tried again."""
        size, mtime = listed
        with self.catalogue.writing():
            self.catalogue.put_path(os.fsencode(path), None, bytes=size, mtime=mtime, error=error)
        self.tell(path, "failed", error)

    def mark_gone(self, folders: Iterable[Path]) -> int:
        """Mark what stood in these folders and was not seen; return how many are gone there by now."""
        there, not_seen = "path >= ? AND path < ?", "path NOT IN (SELECT path FROM seen)"
        with self.catalogue.writing() as database:
            database.execute(
                "UPDATE path SET gone = NULL WHERE gone IS NOT NULL AND path IN (SELECT path FROM seen)"
            )
            # What is in a folder that cannot be listed may well be there
            hidden = f"INSERT OR IGNORE INTO seen SELECT path FROM path WHERE {there}"
            database.executemany(hidden, map(below, self.unlisted))
            gone = f"UPDATE path SET gone = ? WHERE {there} AND gone IS NULL AND {not_seen}"
            database.executemany(gone, ((int(time.time()), *below(folder)) for folder in folders))
            count = f"SELECT count(*) FROM path WHERE {there} AND gone IS NOT NULL"
            return sum(database.execute(count, below(folder)).fetchone()[0] for folder in folders)
