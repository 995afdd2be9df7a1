"""The one request to decode a photo and the one answer, for every part of rgnet that decodes in another process.

Light to import: a scan that finds nothing new loads neither NumPy nor a decoder.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from rgnet.errors import (
    CameraRawRefused,
    PhotoChanged,
    PhotoDamaged,
    PhotoDecoderCrashed,
    PhotoError,
    PhotoNotFound,
    PhotoTimedOut,
    camera_raw_missing,
    video_refused,
)
from rgnet.imaging.discovery import is_raw_name, is_video_name
from rgnet.imaging.files import check_bytes, hash_file, open_photo, read_photo
from rgnet.imaging.policy import DecodePolicy

if TYPE_CHECKING:
    from PIL import Image

    from rgnet.imaging.decode import Photo, Source
    from rgnet.imaging.exif import Exposure
    from rgnet.imaging.measure import Measurement
    from rgnet.imaging.prepare import Prepared
    from rgnet.imaging.preprocess import Preprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeJob:
    """What is wanted of one photo. Without `preprocess` and `pictures` it is only read and hashed.

    source:          a path, or the content of a file
    name:            what errors call it; default: the path
    expected_sha256: of its content, which is refused if it is any other
    hashed:          whether its hash is wanted; it costs a thirtieth of the decoding
    preprocess:      of the model that is to be fed
    measure:         what the photo is compared with others by, too; with a `preprocess`
    pictures:        sizes of the pictures wanted: the long side in pixels; none is larger than its photo
    picture_format:  of all of them; PNG loses nothing
    frame_s:         of a video: which of its frames to take for the photo, in seconds from the first
    """

    source: str | bytes = field(repr=False)
    name: str = ""
    expected_sha256: bytes | None = None
    hashed: bool = True
    preprocess: Preprocess | None = None
    measure: bool = False
    pictures: tuple[int, ...] = ()
    picture_format: Literal["WEBP", "JPEG", "PNG"] = "WEBP"
    frame_s: float | None = None
    policy: DecodePolicy = field(default_factory=DecodePolicy)

    @property
    def display_name(self) -> str:
        return self.name or (self.source if isinstance(self.source, str) else f"{len(self.source)} bytes")

    @property
    def decodes(self) -> bool:
        return self.preprocess is not None or bool(self.pictures)

    @property
    def is_of_video(self) -> bool:
        """Whether the file is a video of any size, hashed piece by piece, and decoded only as one of its frames."""
        if self.frame_s is not None:
            return True
        return isinstance(self.source, str) and not self.decodes and is_video_name(self.source)

    def run(self) -> DecodedPhoto:
        """Read, hash and decode a photo in this process. Never raises a PhotoError: the answer holds it."""
        return _decode_photo(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPhoto:
    """What became of a job. Whatever failed, `error` says it, and the fields before it hold what was known until then.

    sha256, byte_count: of the content; None where it could not be read, the first also where it was not wanted
    mtime_ns:      of the file as it was read; None for a job that brought its bytes
    width, height: of the upright photo; None where it was not decoded, as are the fields below
    taken:         "YYYY-MM-DDTHH:MM:SS" by the camera's clock
    orientation:   EXIF's, 1-8
    notes:         what had to be worked around
    prepared:      the input of the network, where a `preprocess` was given
    pictures:      upright sRGB without any metadata, in the order of the sizes wanted
    attempts:      processes it took; 2 where the first one died or was late
    """

    sha256: bytes | None = None
    byte_count: int | None = None
    mtime_ns: int | None = None
    width: int | None = None
    height: int | None = None
    taken: str | None = None
    camera: str | None = None
    orientation: int = 1
    exposure: Exposure | None = None
    measurement: Measurement | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    prepared: Prepared | None = field(default=None, repr=False)
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    error: PhotoError | None = None
    attempts: int = 1

    @property
    def prepared_or_error(self) -> Prepared | PhotoError:
        """For `Scorer.score_prepared`, of a job with a `preprocess`."""
        found = self.error or self.prepared
        assert found is not None
        return found

    @property
    def lost_its_process(self) -> bool:
        """Whether the last attempt ended with its process: killed, crashed, or too late."""
        return isinstance(self.error, PhotoDecoderCrashed | PhotoTimedOut)


def run_job(job: DecodeJob) -> DecodedPhoto:
    """What becomes of a job, in this process. That of a photo never raises a PhotoError; that of parts of one may."""
    return job.run()


def _decode_photo(job: DecodeJob) -> DecodedPhoto:
    try:
        data, known = _read(job)
    except PhotoNotFound as problem:
        gone = PhotoNotFound(
            job.display_name, "this file is gone since it was scanned", "scan its folder again"
        )
        return DecodedPhoto(error=gone if job.expected_sha256 else problem.about(job.display_name))
    except PhotoError as problem:
        return DecodedPhoto(error=problem.about(job.display_name))
    try:
        check_unchanged(job, known.sha256)
    except PhotoChanged as problem:
        return replace(known, error=problem)
    if not job.decodes:
        return known
    try:
        return _decode(job, data, known)
    except CameraRawRefused as problem:
        # Of an extra that is not installed, which says nothing of this content
        return DecodedPhoto(error=problem.about(job.display_name))
    except PhotoError as problem:
        return replace(known, error=problem.about(job.display_name))


def check_unchanged(job: DecodeJob, sha256: bytes | None) -> None:
    """Raises PhotoChanged for any other content than the one that was asked for."""
    if job.expected_sha256 not in (None, sha256):
        raise PhotoChanged(
            job.display_name, "this file has changed since it was scanned", "scan its folder again"
        )


def _read(job: DecodeJob) -> tuple[bytes, DecodedPhoto]:
    """The content, and what is known by it; none of a video's, which is read as far as it is looked at."""
    wanted = job.hashed or job.expected_sha256 is not None
    if job.is_of_video:
        assert isinstance(job.source, str)
        if not wanted:
            return b"", DecodedPhoto()
        digest, stat = hash_file(job.source)
        return b"", DecodedPhoto(sha256=digest, byte_count=stat.st_size, mtime_ns=stat.st_mtime_ns)
    data, mtime_ns = read_content(job)
    sha256 = hashlib.sha256(data).digest() if wanted else None
    return data, DecodedPhoto(sha256=sha256, byte_count=len(data), mtime_ns=mtime_ns)


def read_content(job: DecodeJob) -> tuple[bytes, int | None]:
    """(a photo's bytes, when its file was changed). Raises PhotoError for what is not even read, as a video."""
    if isinstance(job.source, str):
        if job.decodes and is_raw_name(job.source):
            _check_camera_raw(job.source, job.policy)
        if is_video_name(job.source):
            _check_video(job.source)
        data, stat = read_photo(job.source, job.policy)
        return data, stat.st_mtime_ns
    check_bytes(job.display_name, len(job.source), job.policy)
    return job.source, None


def _check_camera_raw(path: str, policy: DecodePolicy) -> None:
    """Raises CameraRawRefused where nothing opens it: a card of raw files is not read to say so."""
    from rgnet.imaging.formats import HEAD_BYTES, is_camera_raw
    from rgnet.imaging.raw import is_installed

    with open_photo(path, policy) as file:
        if is_camera_raw(file.read(HEAD_BYTES), path) and not is_installed():
            raise camera_raw_missing(path)


def _check_video(path: str) -> None:
    """Raises PhotoUnsupported for a video, which may be of any size, and is not read to say so."""
    from rgnet.imaging.formats import HEAD_BYTES, photo_format

    with open_photo(path, DecodePolicy(max_bytes=sys.maxsize)) as file:
        if photo_format(file.read(HEAD_BYTES)) is None:
            raise video_refused(path)


def _decode(job: DecodeJob, data: bytes, known: DecodedPhoto) -> DecodedPhoto:
    """The network's input and the pictures, decoded once where one fraction of a JPEG serves both."""
    from rgnet.imaging.decode import decode
    from rgnet.imaging.exif import capture_facts
    from rgnet.imaging.pictures import draw, is_enough, smallest_decoded
    from rgnet.imaging.prepare import decode_for, to_prepared

    source = data if job.frame_s is None else _read_frame(job)
    long_side, prepared, measurement = max(job.pictures, default=0), None, None
    if job.preprocess is not None:
        photo = decode_for(source, job.preprocess, job.policy, name=job.display_name)
        prepared = to_prepared(photo, job.preprocess)
        if job.measure:
            measurement = _measure(photo, source, job.display_name, job.policy)
    if job.preprocess is None or not is_enough(photo, long_side):
        wanted = smallest_decoded(long_side)
        photo = decode(source, at_least=wanted, oversampling=1, name=job.display_name, policy=job.policy)
    taken, camera, orientation, exposure = capture_facts(photo.exif)
    return replace(
        known,
        width=photo.width,
        height=photo.height,
        taken=taken,
        camera=camera,
        orientation=orientation,
        exposure=exposure,
        measurement=measurement,
        notes=photo.notes if prepared is None else prepared.notes,
        prepared=prepared,
        pictures=draw(photo.image, job.pictures, job.picture_format),
    )


def _read_frame(job: DecodeJob) -> Image.Image:
    from rgnet.imaging.video_file import read_frame

    assert isinstance(job.source, str) and job.frame_s is not None
    return read_frame(job.source, job.frame_s, name=job.display_name)


def _measure(photo: Photo, source: Source, name: str, policy: DecodePolicy) -> Measurement:
    """Of a photo that was decoded for a network; decoded again for a network that takes very small photos."""
    from rgnet.imaging.decode import decode
    from rgnet.imaging.measure import LEAST_SIDE, measure
    from rgnet.imaging.pictures import is_enough, smallest_decoded

    if not is_enough(photo, LEAST_SIDE):
        wanted = smallest_decoded(LEAST_SIDE)
        photo = decode(source, at_least=wanted, oversampling=1, name=name, policy=policy)
    return measure(photo.image)


def unexpected_failure(name: str, problem: Exception) -> PhotoDamaged:
    """An error that no decoder foresaw, as that of one photo."""
    return PhotoDamaged(
        name, f"decoding failed with {type(problem).__name__} ({problem})", "save it again, or leave it out"
    )
