"""What a scan asks of the process that reads a file, and what it gets back: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgnet.errors import PhotoError

if TYPE_CHECKING:
    from rgnet.imaging.policy import DecodePolicy
    from rgnet.imaging.prepare import Prepared
    from rgnet.imaging.preprocess import Preprocess


@dataclass(frozen=True, slots=True)
class Look:
    """What is wanted of a file.

    path:       absolute
    as_listed:  its bytes and its mtime in nanoseconds, before it is opened
    sha256:     of its bytes, where that is known already
    preprocess: of the model that is to score it; None: only its hash is wanted
    """

    path: str
    as_listed: tuple[int, int]
    policy: DecodePolicy
    preprocess: Preprocess | None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A photo's bytes and what its header says of how it was taken."""

    sha256: bytes
    bytes: int
    taken: str | None = None
    camera: str | None = None
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found.

    mtime:  in nanoseconds, of the file as it was read
    photo:  decoded; the PhotoError where it does not decode; None where only the hash was wanted
    """

    content: Content
    mtime: int
    photo: Prepared | PhotoError | None
