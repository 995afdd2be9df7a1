"""Folders into a catalogue: what is new or changed is read and scored, what is known is only counted.

A file counts as unchanged when its size and modification time are those of the last reading, which must have been
later than that time by a margin (a file written twice within a clock tick looks unchanged). In doubt its content is
hashed. A file of a size whose photo has vanished from elsewhere is hashed first: it may have been moved.

A file that cannot be read says nothing about the photo in it: a share may stall, a decoder may be killed, a folder may
be locked. Its earlier score stays, nothing is taken for missing, and the next scan tries again.

Most scans find next to nothing new: what reads and scores is imported and started with the first file that needs it.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from rgnet.catalogue.database import Catalogue, KnownFile
from rgnet.catalogue.locations import canonical_folder, contents_range
from rgnet.catalogue.pairs import mark_clips, mark_pairs
from rgnet.catalogue.scan_store import OnFile, ScanStore
from rgnet.catalogue.scan_videos import ScoreVideos, VideoQueue, no_videos
from rgnet.errors import ModelFileError, PhotoError, PhotoNotFound, PhotoRefused
from rgnet.imaging.discovery import EVERYTHING, Reason, Selection, is_video_name, photo_names
from rgnet.imaging.files import open_photo
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.policy import SECONDS, DecodePolicy
from rgnet.imaging.workers import DecodePool, Decoder
from rgnet.previews import PREVIEW, PreviewCache
from rgnet.weights.card import ModelCard

if TYPE_CHECKING:
    from rgnet.scorer import Scorer

_CHUNK = 500
_MARGIN_NS = 2 * 10**9


class Scan:
    """One scan of some folders into a catalogue.

    card:     of the model that scores; `load` gives its scorer, and is called once there is a photo to score
    on_file:  called for every file with its path, what came of it, and the error where it failed now
    stopping: asked now and then; once it says True nothing new is begun, and what is in progress is finished
    policy:   what the decoder accepts
    processes, seconds: that decode (None: one for each core), and how long each photo may take
    decode:   what they do with a job
    previews: that keep a small picture of every photo that is read; None: none is made
    score_videos: finds the best frames of videos, which are read last; for a selection with videos
    features: keep the backbone's features of every photo that has a score; what lacks them is read again
    selection: which entries of folders are passed over; photos known below an excluded one are not missing
    """

    def __init__(
        self,
        catalogue: Catalogue,
        card: ModelCard,
        load: Callable[[], Scorer],
        on_file: OnFile,
        *,
        stopping: Callable[[], bool] = lambda: False,
        policy: DecodePolicy | None = None,
        processes: int | None = None,
        seconds: float = SECONDS,
        selection: Selection = EVERYTHING,
        decode: Decoder = run_job,
        previews: PreviewCache | None = None,
        score_videos: ScoreVideos = no_videos,
        features: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._card = card
        self._load = load
        self._on_file = on_file
        self._stopping = stopping
        self._policy = policy or DecodePolicy()
        self._selection = selection
        self._processes, self._seconds, self._decode = processes, seconds, decode
        self._features = features
        self._store = ScanStore(catalogue, card.short_hash, on_file, previews)
        self._videos = VideoQueue(
            self._store,
            score_videos,
            self._load_once,
            stopping=stopping,
            processes=processes,
            seconds=seconds,
        )
        self._scorer: Scorer | None = None
        self._batch: list[tuple[str, DecodedPhoto]] = []
        self._postponed: deque[str] = deque()
        self._unreadable: list[bytes] = []

    def run(self, folders: list[Path]) -> int:
        """Scan, and return how many files of these folders are missing; 0 where it was stopped."""
        roots = _find_roots(folders, self._selection)
        with self._catalogue.transaction():
            self._catalogue.put_model(self._card, int(time.time()))
            self._catalogue.execute(
                "CREATE TEMP TABLE IF NOT EXISTS seen (path BLOB PRIMARY KEY) WITHOUT ROWID"
            )
            self._catalogue.execute("DELETE FROM seen")
        jobs = self._jobs(roots)
        if first := next(jobs, None):
            self._read(itertools.chain([first], jobs))
            with self._catalogue.transaction():
                mark_pairs(self._catalogue, map(contents_range, roots))
        if self._videos.run() or first:
            with self._catalogue.transaction():
                mark_clips(self._catalogue, map(contents_range, roots))
        return 0 if self._stopping() else self._mark_missing(roots)

    def _read(self, jobs: Iterator[tuple[str, DecodeJob]]) -> None:
        """Read and score; then what turned out not to be a photo that had moved."""
        with DecodePool(self._processes, seconds=self._seconds, decode=self._decode) as pool:
            for these in (jobs, self._postponed_jobs()):
                for path, found in pool.as_completed(these):
                    self._take(path, found)
            self._score_batch()

    # What has to be read

    def _jobs(self, roots: list[bytes]) -> Iterator[tuple[str, DecodeJob]]:
        """Files that are new, changed or in doubt, in order; the others are reported as they are passed."""
        selection = replace(self._selection, on_skip=self._skip)
        paths = photo_names(map(os.fsdecode, roots), selection)
        while chunk := list(itertools.islice(paths, _CHUNK)):
            keys = [os.fsencode(path) for path in chunk]
            known = self._catalogue.known_files(keys, self._card.short_hash, features=self._features)
            self._catalogue.execute_many("INSERT OR IGNORE INTO seen VALUES (?)", [(key,) for key in keys])
            for path, key in zip(chunk, keys, strict=True):
                if self._stopping():
                    return
                if job := self._job(path, known.get(key)):
                    yield self._store.begin(path), job

    def _skip(self, path: str, reason: Reason) -> None:
        """An entry that is passed over. What the user excludes this time is not missing."""
        if reason == "excluded":
            self._unreadable.append(os.fsencode(path))
            self._catalogue.execute("INSERT OR IGNORE INTO seen VALUES (?)", (os.fsencode(path),))
        self._selection.on_skip(path, reason)

    def _job(self, path: str, known: KnownFile | None) -> DecodeJob | None:
        """What has to be done about a file; None where nothing has to be, or it cannot be looked at."""
        try:
            stat = os.stat(path)  # noqa: PTH116 -- a Path for each of millions would take longer than this
        except OSError:
            stat = None
        if stat is None or not S_ISREG(stat.st_mode):
            self._refuse(path)
            return None
        is_as_read = known is not None and (known.bytes, known.mtime) == (stat.st_size, stat.st_mtime_ns)
        if is_video_name(path):
            self._pass_or_queue(path, known if is_as_read else None)
            return None
        hash_only = DecodeJob(source=path, policy=self._policy)
        if known is None or not is_as_read:
            return hash_only if self._may_be_moved(stat.st_size) else self._scoring_job(path)
        if _is_in_doubt(known):
            return hash_only
        if known.has_score is None or (known.has_score and not known.is_complete):
            return self._scoring_job(path)
        self._pass(path, known)
        return None

    def _scoring_job(self, path: str) -> DecodeJob:
        return DecodeJob(
            source=path,
            policy=self._policy,
            preprocess=self._card.preprocess,
            measure=True,
            pictures=(PREVIEW,) if self._store.previews else (),
            picture_format="JPEG",
        )

    def _pass_or_queue(self, path: str, known: KnownFile | None) -> None:
        """A video. known: where its size and date are those of the last reading"""
        if known is None or _is_in_doubt(known) or known.has_score is None:
            self._videos.add(path)
        else:
            self._pass(path, known)

    def _pass(self, path: str, known: KnownFile) -> None:
        """An unchanged file. It can be read, also where it could not be last time."""
        if known.has_error:
            self._catalogue.clear_error(os.fsencode(path))
        self._on_file(path, "unchanged" if known.has_score else "failed before", "")

    def _refuse(self, path: str) -> None:
        """An entry that cannot be looked at, or is neither a file nor a folder that can be listed."""
        key = os.fsencode(path)
        if _has_vanished(path):
            self._catalogue.execute("DELETE FROM seen WHERE path = ?", (key,))
            return
        self._unreadable.append(key)
        self._store.put_error(path, _find_problem(path, self._policy), reread=False)

    def _may_be_moved(self, size: int) -> bool:
        return any(_has_vanished(os.fsdecode(path)) for path in self._catalogue.paths_of_size(size))

    def _postponed_jobs(self) -> Iterator[tuple[str, DecodeJob]]:
        """Files whose hash is of no photo that this model has seen."""
        while self._postponed and not self._stopping():
            path = self._store.begin(self._postponed.popleft())
            yield path, self._scoring_job(path)

    # What was found

    def _take(self, path: str, found: DecodedPhoto) -> None:
        from rgnet.scorer import BATCH

        if found.sha256 is None:
            assert found.error is not None
            self._store.put_error(path, found.error)
        elif self._store.put_known(path, found, features=self._features):
            return
        elif found.prepared is None and found.error is None:
            self._postponed.append(path)
        else:
            self._batch.append((path, found))
            if len(self._batch) >= BATCH:
                self._score_batch()

    def _score_batch(self) -> None:
        """Score what was read, and write it as one transaction."""
        if not self._batch:
            return
        scorer, batch = self._load_once(), self._batch
        self._batch = []
        photos = [found.prepared_or_error for _, found in batch]
        paths = [path for path, _ in batch]
        records = scorer.score_prepared(paths, photos, regions=True, features=self._features)
        self._store.put_scores(batch, records)

    def _load_once(self) -> Scorer:
        self._scorer = self._scorer or self._load_checked()
        return self._scorer

    def _load_checked(self) -> Scorer:
        scorer = self._load()
        if scorer.card.sha256 != self._card.sha256:
            raise ModelFileError(
                f"the model was replaced during the scan: expected {self._card.short_hash}, "
                f"found {scorer.card.short_hash}: scan again"
            )
        return scorer

    # What is no longer there

    def _mark_missing(self, roots: list[bytes]) -> int:
        """Mark what stood in these folders and was not seen; return how many files are missing there by now."""
        below, not_seen = "path >= ? AND path < ?", "path NOT IN (SELECT path FROM seen)"
        ranges = [contents_range(root) for root in roots]
        with self._catalogue.transaction():
            self._catalogue.execute(
                "UPDATE path SET gone = NULL WHERE gone IS NOT NULL AND path IN (SELECT path FROM seen)"
            )
            if not self._selection.videos:
                # They were not looked for
                self._catalogue.execute(
                    "INSERT OR IGNORE INTO seen SELECT path FROM path WHERE gone IS NULL AND is_video_path(path)"
                )
            # What is in a folder that cannot be listed or entered may well be there
            hidden = f"INSERT OR IGNORE INTO seen SELECT path FROM path WHERE {below}"
            self._catalogue.execute_many(hidden, map(contents_range, self._unreadable))
            # Of a file that was never read there is nothing to remember
            never_read = f"DELETE FROM path WHERE {below} AND {not_seen} AND photo IS NULL"
            self._catalogue.execute_many(never_read, ranges)
            missing = f"UPDATE path SET gone = ? WHERE {below} AND gone IS NULL AND {not_seen}"
            now = int(time.time())
            self._catalogue.execute_many(missing, [(now, *ends) for ends in ranges])
        count = f"SELECT count(*) FROM path WHERE {below} AND gone IS NOT NULL"
        # A hidden folder that was named, too, lies in another one that counts it
        outermost = [ends for ends in ranges if not any(low < ends[0] < high for low, high in ranges)]
        return sum(self._catalogue.count(count, ends) for ends in outermost)


def _is_in_doubt(known: KnownFile) -> bool:
    """Whether a file may have been written again unseen, within the clock tick of its reading."""
    return known.read - known.mtime < _MARGIN_NS


def _find_roots(folders: list[Path], selection: Selection) -> list[bytes]:
    """The folders by their canonical paths, without those that are visited on the way through another one."""
    roots: list[bytes] = []
    for folder in sorted({canonical_folder(folder) for folder in folders}):
        outer = (folder.removeprefix(contents_range(root)[0]) for root in roots)
        if not any(inner != folder and _is_visited(inner, selection) for inner in outer):
            roots.append(folder)
    return roots


def _is_visited(inner: bytes, selection: Selection) -> bool:
    """Whether a walk enters a folder by this relative path: it passes over hidden ones and those of systems."""
    quiet = replace(selection, on_skip=lambda path, reason: None)
    parts = os.fsdecode(inner).split("/")
    return all(quiet.takes("/".join(parts[:end]), is_folder=True) for end in range(1, len(parts) + 1))


def _has_vanished(path: str) -> bool:
    """Whether there is no such entry any more; a link to nowhere is one."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _find_problem(path: str, policy: DecodePolicy) -> PhotoError:
    """Why something cannot be opened as a photo or listed as a folder."""
    try:
        if os.path.isdir(path):  # noqa: PTH112 -- unlike Path.is_dir it never raises
            os.scandir(path).close()
        else:
            open_photo(path, policy).close()
    except PhotoError as problem:
        return problem
    except OSError as problem:
        return PhotoRefused(
            path, f"this folder cannot be opened ({problem.strerror})", "check its permissions"
        )
    return PhotoNotFound(path, "it changed during the scan", "scan again")
