"""Every error rgnet raises on purpose.

    RgnetError
    ├── PhotoError            one photo could not become pixels; in a batch it is a row, not a crash
    │   ├── PhotoNotFound     there is no such file
    │   ├── PhotoRefused      not accepted, whatever it holds
    │   │   ├── PhotoUnsupported   not an image, or of a format that rgnet does not read
    │   │   │   └── CameraRawRefused   camera raw, where it may not or cannot be opened
    │   │   ├── PhotoTooLarge      more bytes or pixels than the limits allow
    │   │   └── PhotoChanged       not the content that was expected
    │   ├── PhotoDamaged      a format we read, with content that does not decode
    │   ├── PhotoDecoderCrashed    the process that decoded it ended
    │   └── PhotoTimedOut     took longer to decode than the limit allows
    ├── ModelFileError        a model file cannot be used
    │   ├── ModelNotFound     no such name and no such file
    │   ├── ModelDamaged      truncated, or its hash does not match its content
    │   ├── ModelForeign      a sound file of somebody else's
    │   └── ModelTooNew       written by a later rgnet
    ├── DataError             a data set's files are missing, malformed or contradict each other
    ├── SettingError          a setting has an unknown name or an impossible value
    ├── CatalogueError        a catalogue of photos is missing, damaged, foreign, or of a later rgnet
    ├── OutputError           a file cannot be written: the disk is full, or the folder read-only
    │   └── SidecarRefused    one photo's sidecar is malformed, or may be another's; in a batch it is a row
    ├── ServerError           a photo server cannot be reached, or refuses what it is asked
    ├── ClusterError          a destination is another run's, or workers cannot work as asked
    ├── EngineError           an engine cannot run here or was asked for what it cannot do
    └── MissingExtra          an optional part is not installed; the message holds the line that installs it

A message names the thing, what was expected, what was found, and what to do.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType
from typing import Self


class RgnetError(Exception):
    """Base of all errors below."""


class PhotoError(RgnetError):
    """One photo could not become pixels.

    source: what the caller called it: a path, or "the photo of 512 bytes" where there is no name
    reason: one sentence about the file that a photographer understands
    hint:   what to do about it; may be empty
    """

    def __init__(self, source: str, reason: str, hint: str) -> None:
        super().__init__(source, reason, hint)
        self.source, self.reason, self.hint = source, reason, hint

    @property
    def message(self) -> str:
        """Reason and hint, for wherever the photo's name stands already, as in the row of a table."""
        return f"{self.reason}: {self.hint}" if self.hint else self.reason

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"

    def about(self, source: str) -> Self:
        """The same error about the same photo by another name."""
        return type(self)(source, self.reason, self.hint)


class PhotoNotFound(PhotoError):
    """There is no such photo file."""


class PhotoRefused(PhotoError):
    """It is not accepted, whatever it holds: see the finer classes."""


class PhotoUnsupported(PhotoRefused):
    """Not an image, or of a format that rgnet does not read."""


class CameraRawRefused(PhotoUnsupported):
    """A camera raw file in a process that must not crash, or without the extra that opens it."""


class PhotoTooLarge(PhotoRefused):
    """More bytes or pixels than the limits allow."""


class PhotoChanged(PhotoRefused):
    """Its content is not what was expected: it was edited or replaced since."""


class PhotoDamaged(PhotoError):
    """A format we read, with content that does not decode."""


class PhotoDecoderCrashed(PhotoError):
    """The process that decoded it ended."""


class PhotoTimedOut(PhotoError):
    """It took longer to decode than the limit allows."""


class ModelFileError(RgnetError):
    """A model file cannot be used."""


class ModelNotFound(ModelFileError):
    """No model of that name is shipped and no such file exists."""


class ModelDamaged(ModelFileError):
    """The model file is truncated, or its hash does not match its content."""


class ModelForeign(ModelFileError):
    """A sound file, but not one that rgnet wrote."""


class ModelTooNew(ModelFileError):
    """The model file was written by a later rgnet."""


class DataError(RgnetError):
    """A data set's files are missing, malformed or contradict each other."""


class SettingError(RgnetError):
    """A setting has an unknown name or an impossible value."""


class CatalogueError(RgnetError):
    """A catalogue is missing, damaged, foreign, or was written by a later rgnet."""


class OutputError(RgnetError):
    """A file cannot be written: the disk is full, or the folder read-only."""


class SidecarRefused(OutputError):
    """One photo's sidecar is malformed, or may belong to another photo."""


class ServerError(RgnetError):
    """A photo server cannot be reached, or refuses what it is asked."""


class ClusterError(RgnetError):
    """A destination was begun for something else, or Ray or its workers cannot do what is asked."""


class EngineError(RgnetError):
    """An engine cannot run here, or was asked for what it cannot do."""


class MissingExtra(RgnetError):
    """An optional part of rgnet is not installed."""


def need(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or say which line installs the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(
            f"{purpose} needs {module}, which is not installed: {install_command(extra)}"
        ) from missing


def install_command(extra: str = "") -> str:
    """How to install rgnet or one of its extras, the way that this rgnet was installed."""
    place, target = ("in your copy of rgnet, ", ".") if _comes_from_a_folder() else ("", "rgnet")
    requirement = f'"{target}[{extra}]"' if extra else target
    return f"{place}run  pip install {requirement}"


def update_command() -> str:
    """How to install a newer rgnet, the way that this one was installed."""
    if _comes_from_a_folder():
        return "update your copy of rgnet (git pull), then run  pip install ."
    return "run  pip install --upgrade rgnet"


@functools.cache
def _comes_from_a_folder() -> bool:
    """Whether rgnet was installed from a folder, which pip notes (PEP 610), or is used without being installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        origin = distribution("rgnet").read_text("direct_url.json")
    except PackageNotFoundError:
        return True
    return origin is not None and "dir_info" in origin


# Begins the reason of every camera raw file without the extra: commands count these apart
NO_CAMERA_RAW = "camera raw needs the extra raw"


def camera_raw_missing(source: str) -> CameraRawRefused:
    return CameraRawRefused(source, NO_CAMERA_RAW, install_command("raw"))


# The same of videos
NO_VIDEO = "videos need the extra video"


def video_missing(source: str) -> PhotoUnsupported:
    return PhotoUnsupported(source, NO_VIDEO, install_command("video"))


def video_refused(source: str) -> PhotoUnsupported:
    """Of a video where a photo is asked for."""
    hint = "rgnet frames finds its best frames, and rgnet scan takes it into the catalogue by its best one"
    return PhotoUnsupported(source, "this is a video, not a photo", hint)


def near(name: str, known: Iterable[str]) -> str:
    """The tail of an unknown-name message: the near names, or all of them."""
    known = sorted(known)
    close = get_close_matches(name, known, n=2, cutoff=0.7)
    return f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}"
