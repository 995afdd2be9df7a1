"""Photos from a request's body, read piece by piece and never beyond a limit.

A name that a client gives is text for the response. Nothing is ever opened by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rgnet.service.limits import RequestRefused, Reservation
from rgnet.service.settings import Settings

_Result = TypeVar("_Result")

FORM_FIELD = "files"
FORM_TYPE = "multipart/form-data"
BINARY_TYPE = "application/octet-stream"
_UNNAMED = "<bytes>"
# What a form may hold besides photos: part headers and other fields
FORM_OVERHEAD = 2**16


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo as it was sent: its name, which is only text, and its bytes."""

    name: str
    data: bytes = field(repr=False)


async def read_uploads(
    body: AsyncIterator[bytes],
    headers: Mapping[str, str],
    name: str,
    reservation: Reservation,
    settings: Settings,
) -> list[Upload]:
    """The photos of a request, at least one, in the order they were sent.

    name: of a photo that is the body itself
    Raises RequestRefused: 400 for a malformed form, 408, 413, 415 or 429.
    """
    reader = _reader_for(headers, name, reservation, settings)
    try:
        async with asyncio.timeout(settings.receive_s):
            async for piece in body:
                if piece:
                    reader.feed(piece)
    except TimeoutError:
        reason = f"the body took more than {settings.receive_s:g} s to arrive: send a smaller photo, or fewer"
        raise RequestRefused(408, reason) from None
    return reader.uploads()


class _Reader(Protocol):
    def feed(self, piece: bytes) -> None: ...

    def uploads(self) -> list[Upload]: ...


def _reader_for(
    headers: Mapping[str, str], name: str, reservation: Reservation, settings: Settings
) -> _Reader:
    """A reader for this content type; a body announced as too long is refused before a byte of it is read."""
    raw_type, options = parse_options_header(headers.get("content-type", ""))
    content_type = raw_type.decode("latin-1").lower()
    length = headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else 0
    if content_type == FORM_TYPE:
        _check_length(announced, settings.max_bytes * settings.max_files + FORM_OVERHEAD, settings)
        return _FormReader(options.get(b"boundary", b""), reservation, settings)
    if content_type == BINARY_TYPE or content_type.startswith("image/"):
        _check_length(announced, settings.max_bytes, settings)
        return _BodyReader(name, reservation, settings)
    found = content_type or "none"
    raise RequestRefused(
        415,
        f"content type: expected {FORM_TYPE}, image/* or {BINARY_TYPE}, found {found}: name the photo's type",
    )


def _check_length(announced: int, limit: int, settings: Settings) -> None:
    limit = min(limit, settings.max_held)
    if announced > limit:
        raise _too_large(f"a body of {announced} bytes, where the limit is {limit}")


def _too_large(found: str) -> RequestRefused:
    return RequestRefused(413, f"{found}: send a smaller photo, or fewer at once")


class _Part:
    """A photo that is still arriving."""

    def __init__(self, name: str, reservation: Reservation, settings: Settings) -> None:
        reservation.add_photo()
        self.name, self.reservation, self.settings = name or _UNNAMED, reservation, settings
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Raises RequestRefused: 413 beyond the limit, 429 where there is no capacity."""
        self.size += len(piece)
        if self.size > self.settings.max_bytes:
            raise _too_large(f"{self.name}: more than {self.settings.max_bytes} bytes")
        self.reservation.add_bytes(len(piece))
        self.pieces.append(piece)

    def upload(self) -> Upload:
        return Upload(self.name, b"".join(self.pieces))


class _BodyReader:
    """A body that is one photo."""

    def __init__(self, name: str, reservation: Reservation, settings: Settings) -> None:
        self._part = _Part(name, reservation, settings)

    def feed(self, piece: bytes) -> None:
        self._part.add(piece)

    def uploads(self) -> list[Upload]:
        return [self._part.upload()]


class _FormReader:
    """A multipart form whose field `files` holds one photo or many; other fields are read past."""

    def __init__(self, boundary: bytes, reservation: Reservation, settings: Settings) -> None:
        _require(bool(boundary), "the form has no boundary")
        self._reservation, self._settings = reservation, settings
        self._parts: list[_Part] = []
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""
        self._current: _Part | None = None
        self._ignored_bytes = 0
        self._ended = False
        callbacks: Any = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }
        self._parser = _well_formed(MultipartParser, boundary, callbacks)

    def feed(self, piece: bytes) -> None:
        _well_formed(self._parser.write, piece)

    def uploads(self) -> list[Upload]:
        _require(self._ended, "the form ends early")
        _require(bool(self._parts), f"the form holds no photo in its field {FORM_FIELD!r}")
        return [part.upload() for part in self._parts]

    # Called by the parser, in this order

    def _on_part_begin(self) -> None:
        self._headers, self._header_name, self._header_value = {}, b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if options.get(b"name") != FORM_FIELD.encode():
            self._current = None
            return
        if len(self._parts) >= self._settings.max_files:
            raise _too_large(f"more than {self._settings.max_files} photos")
        filename = _as_text(options.get(b"filename", b""))
        self._current = _Part(filename, self._reservation, self._settings)
        self._parts.append(self._current)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current is not None:
            self._current.add(data[start:end])
            return
        self._ignored_bytes += end - start
        if self._ignored_bytes > FORM_OVERHEAD:
            raise _too_large(f"more than {FORM_OVERHEAD} bytes in fields other than {FORM_FIELD!r}")

    def _on_end(self) -> None:
        self._ended = True


def _well_formed(parse: Callable[..., _Result], *arguments: Any) -> _Result:
    try:
        return parse(*arguments)
    except FormParserError as problem:
        raise RequestRefused(
            400, f"the form is malformed ({problem}): send it as multipart/form-data"
        ) from None


def _require(good: bool, reason: str) -> None:
    if not good:
        raise RequestRefused(400, f"{reason}: send photos as multipart/form-data in a field {FORM_FIELD!r}")


def _as_text(raw: bytes) -> str:
    """A client's bytes as text; what is not UTF-8 becomes escapes."""
    return raw.decode("utf-8", "backslashreplace")
