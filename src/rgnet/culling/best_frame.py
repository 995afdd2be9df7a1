"""The one frame that stands for a video in the catalogue, found at a cost that is bounded however long the video is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from rgnet.catalogue.scan_videos import ScoredVideo
from rgnet.culling.frames import BestFrame, choose_frames, describe_damage
from rgnet.culling.video_reading import VideoReading
from rgnet.errors import PhotoDamaged, PhotoError
from rgnet.imaging.jobs import DecodeJob
from rgnet.imaging.workers import DecodePool
from rgnet.previews import PREVIEW
from rgnet.results import ScoredPhoto, VideoFrame, clock_time
from rgnet.scorer import Scorer

_EVERY_S = 1.0


def score_videos(
    videos: Iterable[str], scorer: Scorer, pool: DecodePool
) -> Iterator[tuple[str, ScoredVideo | PhotoError]]:
    """(video, its best frame or why there is none) in their order, as many at once as the pool has processes."""
    running: deque[tuple[str, Future[ScoredVideo | PhotoError]]] = deque()
    videos = iter(videos)
    with ThreadPoolExecutor(pool.processes, thread_name_prefix="rgnet-video") as threads:
        while True:
            for video in islice(videos, pool.processes - len(running)):
                running.append((video, threads.submit(_score_or_explain, video, scorer, pool)))
            if not running:
                return
            video, future = running.popleft()
            yield video, future.result()


def _score_or_explain(video: str, scorer: Scorer, pool: DecodePool) -> ScoredVideo | PhotoError:
    try:
        return score_video(video, scorer, pool)
    except PhotoError as problem:
        return problem


def score_video(video: str, scorer: Scorer, pool: DecodePool) -> ScoredVideo:
    """The best frame of a video, chosen as `rgnet frames` chooses. Raises PhotoError."""
    reading = VideoReading(video, scorer, pool, regions=True)
    parts = reading.sample(_EVERY_S)
    chosen = [choose_frames(part, reading) for part in parts]
    found = [best for _, some in chosen for best in some]
    if not found:
        reason = "no frame of this video is usable: black, white, of one colour, or blurred"
        raise PhotoDamaged(video, reason, "look at it with  rgnet frames")
    best = max(found, key=lambda best: best.score.score)
    is_whole = len(parts) == 1
    seen_s = float(parts[-1].time_F[-1])
    damage = tuple(describe_damage(reading, seen_s)) if is_whole else ()
    frame = VideoFrame(
        time_s=best.time_s,
        duration_s=reading.duration_s if reading.duration_s and not damage else seen_s,
        shots=len(chosen[0][0]) if is_whole else None,
    )
    return ScoredVideo(
        record=_to_record(video, best, frame, (*reading.notes, *damage)),
        frame=frame,
        taken=reading.first.taken,
        camera=reading.first.camera,
        picture=_draw(video, best.time_s, pool),
    )


def _to_record(video: str, best: BestFrame, frame: VideoFrame, notes: tuple[str, ...]) -> ScoredPhoto:
    where = f"{clock_time(best.time_s)} of {clock_time(round(frame.duration_s))}"
    return replace(
        best.score, path=video, notes=(f"video: scored by its frame at {where}", *best.score.notes, *notes)
    )


def _draw(video: str, time_s: float, pool: DecodePool) -> bytes:
    """A JPEG of at most PREVIEW pixels a side. Raises PhotoError."""
    job = DecodeJob(source=video, hashed=False, frame_s=time_s, pictures=(PREVIEW,), picture_format="JPEG")
    answer = pool.submit(job).result()
    if answer.error is not None:
        raise answer.error
    return answer.pictures[0]
