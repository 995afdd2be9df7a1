"""The videos of a scan: read after the photos, for each takes as long as many of them.

A video is known by the hash of its bytes, as a photo is, and has the score of one of its frames.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rgnet.catalogue.scan_store import ScanStore
from rgnet.errors import PhotoChanged, PhotoDecoderCrashed, PhotoError, PhotoTimedOut, video_missing
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.workers import DecodePool
from rgnet.results import ScoredPhoto, VideoFrame

if TYPE_CHECKING:
    from rgnet.scorer import Scorer

# Times the seconds that a photo may take: hashing gigabytes from a share, or decoding a minute of video
_PATIENCE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVideo:
    """record: of the frame, under the video's path; taken, camera: as the video states; picture: a JPEG of the frame"""

    record: ScoredPhoto
    frame: VideoFrame
    taken: str | None
    camera: str | None
    picture: bytes


# Such as `rgnet.culling.best_frame.score_videos`
ScoreVideos = Callable[[Iterable[str], "Scorer", DecodePool], Iterator[tuple[str, ScoredVideo | PhotoError]]]


def no_videos(
    videos: Iterable[str], scorer: Scorer, pool: DecodePool
) -> Iterator[tuple[str, ScoredVideo | PhotoError]]:
    """For a selection without videos."""
    raise AssertionError(f"videos were found where nothing scores them: {list(videos)[:1]}")


class VideoQueue:
    """Videos that wait until the photos are done.

    score_videos, scorer: what finds their best frames, and gives the model's scorer
    seconds: that a photo may take
    """

    def __init__(
        self,
        store: ScanStore,
        score_videos: ScoreVideos,
        scorer: Callable[[], Scorer],
        *,
        stopping: Callable[[], bool],
        processes: int | None,
        seconds: float,
    ) -> None:
        self._store, self._score_videos, self._scorer = store, score_videos, scorer
        self._stopping, self._processes, self._seconds = stopping, processes, seconds
        self._waiting: deque[str] = deque()
        self._new: dict[str, DecodedPhoto] = {}

    def add(self, path: str) -> None:
        self._waiting.append(path)

    def run(self) -> bool:
        """Whether there were any."""
        if not self._waiting:
            return False
        from rgnet.imaging.video_file import is_installed

        if not is_installed():
            for path in self._waiting:
                self._store.put_error(path, video_missing(path))
            return True
        with DecodePool(self._processes, seconds=_PATIENCE * self._seconds, attempts=1) as pool:
            for path, found in pool.as_completed(self._hash_jobs()):
                if found.error is not None:
                    self._store.put_error(path, found.error)
                elif not self._store.put_known(path, found):
                    self._new[path] = found
            if self._new:
                for path, scored in self._score_videos(self._next_paths(), self._scorer(), pool):
                    self._take(path, self._new[path], scored)
        return True

    def _hash_jobs(self) -> Iterator[tuple[str, DecodeJob]]:
        while self._waiting and not self._stopping():
            path = self._store.begin(self._waiting.popleft())
            yield path, DecodeJob(source=path)

    def _next_paths(self) -> Iterator[str]:
        return (path for path in sorted(self._new) if not self._stopping())

    def _take(self, path: str, found: DecodedPhoto, scored: ScoredVideo | PhotoError) -> None:
        if not _is_unchanged(path, found):
            scored = PhotoChanged(path, "this file changed while it was read", "scan again")
        if isinstance(scored, ScoredVideo):
            record, frame = scored.record, scored.frame
            facts: dict[str, Any] = {"width": record.width, "height": record.height}
            facts |= {"taken": scored.taken, "camera": scored.camera, "pictures": (scored.picture,)}
            self._store.put_scores([(path, replace(found, **facts))], [record], frame)
        elif isinstance(scored, PhotoChanged | PhotoDecoderCrashed | PhotoTimedOut):
            self._store.put_error(path, scored)
        else:
            self._store.put_scores([(path, found)], [self._scorer().make_failure(path, scored)])


def _is_unchanged(path: str, found: DecodedPhoto) -> bool:
    try:
        stat = os.stat(path)  # noqa: PTH116 -- the path may hold any text
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (found.byte_count, found.mtime_ns)
