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
from rgnet.errors import ModelFileError
from rgnet.imaging.discovery import photo_names
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import SECONDS, DecodePool, Decoder
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
    decode: what they do with a file
    """

    catalogue: Catalogue
    card: ModelCard
    load: Callable[[], Scorer]
    tell: Tell
    stopping: Callable[[], bool] = lambda: False
    policy: DecodePolicy = field(default_factory=DecodePolicy)
    processes: int | None = None
    seconds: float = SECONDS
    decode: Decoder = run_job
    scorer: Scorer | None = None
    batch: list[tuple[str, DecodedPhoto]] = field(default_factory=list)
    postponed: deque[str] = field(default_factory=deque)
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

    def read(self, fresh: Iterator[tuple[str, DecodeJob]]) -> None:
        """Read and score; then what turned out not to be a photo that had moved."""
        with DecodePool(self.processes, seconds=self.seconds, decode=self.decode) as pool:
            for jobs in (fresh, self.moved()):
                for path, found in pool.as_completed(jobs):
                    self.take(path, found)
            self.flush()

    # What has to be read

    def fresh(self, folders: list[Path]) -> Iterator[tuple[str, DecodeJob]]:
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
                if job := self.job_for(path, known.get(key)):
                    yield path, job

    def job_for(self, path: str, known: Known | None) -> DecodeJob | None:
        """What has to be done about a file; None where nothing has."""
        try:
            stat = os.stat(path)  # noqa: PTH116 -- a Path for each of millions would take longer than this
            if not S_ISREG(stat.st_mode):
                self.unlisted.append(path)
                return self.fail(path, "expected a photo file or a folder that can be listed, found neither")
        except OSError as problem:
            return self.fail(path, f"cannot be looked at ({problem.strerror})")
        hash_only = DecodeJob(source=path, policy=self.policy)
        job = replace(hash_only, preprocess=self.card.preprocess)
        if known is None or (known.bytes, known.mtime) != (stat.st_size, stat.st_mtime_ns):
            return hash_only if self.may_be_moved(stat.st_size) else job
        if known.read - known.mtime < MARGIN_NS:
            return hash_only
        if known.scored is not None:
            return self.tell(path, "unchanged" if known.scored else "failed before", "")
        return job

    def fail(self, path: str, reason: str) -> None:
        self.put_error(path, f"{path}: {reason}: check its permissions")

    def may_be_moved(self, size: int) -> bool:
        return any(not os.path.lexists(path) for path in self.catalogue.paths_of_size(size))

    def moved(self) -> Iterator[tuple[str, DecodeJob]]:
        """Files whose hash is of no photo that this model has scored."""
        while self.postponed and not self.stopping():
            path = self.postponed.popleft()
            yield path, DecodeJob(source=path, policy=self.policy, preprocess=self.card.preprocess)

    # What was found

    def take(self, path: str, found: DecodedPhoto) -> None:
        from rgnet.scorer import BATCH

        if found.sha256 is None:
            # A disk that stalls or a process that is killed says nothing of the photo: an earlier score stays
            keep = found.lost_its_process and self.has_photo(path)
            self.put_error(path, str(found.error), keep=keep)
        elif (scored := self.catalogue.scored(found.sha256, self.card.short_hash)) is not None:
            with self.catalogue.writing():
                self.put_path(path, found, self.catalogue.put_content(found))
            self.tell(path, "known" if scored else "failed before", "")
        elif found.prepared is None and found.error is None:
            self.postponed.append(path)
        else:
            self.batch.append((path, found))
            if len(self.batch) >= BATCH:
                self.flush()

    def flush(self) -> None:
        """Score the batch, and write it as one transaction."""
        if not self.batch:
            return
        self.scorer = self.scorer or self.loaded()
        batch, self.batch = self.batch, []
        paths = [path for path, _ in batch]
        photos = [found.prepared_or_error for _, found in batch]
        records = self.scorer.score_prepared(paths, photos, regions=True)
        with self.catalogue.writing():
            for (path, found), record in zip(batch, records, strict=True):
                photo = self.catalogue.put_content(found)
                self.put_path(path, found, photo)
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

    def put_path(self, path: str, found: DecodedPhoto, photo: int) -> None:
        self.catalogue.put_path(os.fsencode(path), photo, bytes=found.byte_count, mtime=found.mtime_ns)

    def put_error(self, path: str, error: str, *, keep: bool = False) -> None:
        """A row for a file without a photo, which the next scan tries again; `keep` leaves an earlier row alone."""
        if not keep:
            with self.catalogue.writing():
                self.catalogue.put_path(os.fsencode(path), None, bytes=None, mtime=None, error=error)
        self.tell(path, "failed", error)

    def has_photo(self, path: str) -> bool:
        query = "SELECT 1 FROM path WHERE path = ? AND photo IS NOT NULL"
        return self.catalogue.reading(query, (os.fsencode(path),)).fetchone() is not None

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
