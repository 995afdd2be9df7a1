"""Whether files still are the photos that were scanned, before something is written next to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.records import PhotoRow
from rgnet.errors import PhotoChanged, PhotoNotFound, PhotoRefused
from rgnet.imaging.files import hash_file
from rgnet.imaging.jobs import DecodeJob


def looks_unchanged(row: PhotoRow[Any]) -> bool:
    """Whether a file has the size and date that it was scanned with: enough for what is only shown."""
    try:
        status = Path(row.record.path).stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (row.bytes, row.mtime_ns)


def expected_sha256(row: PhotoRow[Any]) -> bytes | None:
    """What a file has to hold for its picture to be shown; None where its size and date are enough to go by.

    They are for a video, of which gigabytes would be read for a picture.
    """
    if row.sha256 is None or (row.frame is not None and looks_unchanged(row)):
        return None
    return bytes.fromhex(row.sha256)


def scanned_job(row: PhotoRow[Any]) -> DecodeJob:
    """Opens what was scanned, of a video the frame that was scored, and refuses another content.

    What is to be made of it is added by `dataclasses.replace`.
    """
    return DecodeJob(
        source=row.record.path,
        expected_sha256=expected_sha256(row),
        hashed=False,
        frame_s=row.frame and row.frame.time_s,
    )


class ContentCheck:
    """Compares files with what a catalogue knows of them.

    Size and date decide. Where the date is another one, or photos of different content share both, as in a burst of
    uncompressed raw files, the content does.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        query = """SELECT bytes, mtime FROM path WHERE photo IS NOT NULL
            GROUP BY bytes, mtime HAVING count(DISTINCT photo) > 1"""
        with decoding(catalogue.file):
            self._ambiguous = {(int(size), int(mtime)) for size, mtime in catalogue.rows(query)}

    def check(self, row: PhotoRow[Any]) -> None:
        """Raises PhotoNotFound, PhotoRefused, or PhotoChanged where it is not the photo that was scanned."""
        path = row.record.path
        try:
            status = Path(path).stat()
        except FileNotFoundError:
            raise PhotoNotFound(path, "the file does not exist any more", "scan its folder again") from None
        except OSError as problem:
            reason = f"it cannot be read ({problem.strerror or problem})"
            raise PhotoRefused(path, reason, "check its permissions") from problem
        found = status.st_size, status.st_mtime_ns
        if found == (row.bytes, row.mtime_ns) and found not in self._ambiguous:
            return
        if status.st_size != row.bytes or self._hash(path) != row.sha256:
            raise PhotoChanged(path, "this is not the photo that was scanned", "scan its folder again")

    def _hash(self, path: str) -> str:
        return hash_file(path)[0].hex()
