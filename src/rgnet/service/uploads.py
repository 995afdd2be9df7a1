"""What came in a request's body: photos as bytes, read piece by piece and never beyond a limit.

A name that a client gives is text for the answer. Nothing is ever opened by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rgnet.service.refusals import Refused
from rgnet.service.room import Stay
from rgnet.service.settings import Settings

FIELD = "files"
FORM = "multipart/form-data"
BARE = "application/octet-stream"
NAMELESS = "<bytes>"
FORM_OVERHEAD = 2**16


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo as it was sent: its name, which is only text, and its bytes."""

    name: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Part:
    """A photo that is still arriving."""

    name: str
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, piece: bytes, stay: Stay, settings: Settings) -> None:
        """Raises Refused: 413 beyond the limit, 429 where there is no room."""
        self.size += len(piece)
        if self.size > settings.max_bytes:
            raise too_large(f"{self.name}: more than {settings.max_bytes} bytes")
        stay.hold(len(piece))
        self.pieces.append(piece)

    def done(self) -> Upload:
        return Upload(self.name, b"".join(self.pieces))


def too_large(found: str) -> Refused:
    return Refused(413, f"{found}: send a smaller photo, or fewer at once")


async def received(
    body: AsyncIterator[bytes], headers: dict[str, str], name: str, stay: Stay, settings: Settings
) -> list[Upload]:
    """The photos of a request, at least one, in the order they were sent.

    name: of a photo that is the body itself
    Raises Refused: 400 for a malformed form, 408, 413, 415 or 429.
    """
    reader = reader_for(headers, name, stay, settings)
    try:
        async with asyncio.timeout(settings.receive_s):
            async for piece in body:
                if piece:
                    reader.feed(piece)
    except TimeoutError:
        reason = f"the body took more than {settings.receive_s:g} s to arrive: send a smaller photo, or fewer"
        raise Refused(408, reason) from None
    return reader.uploads()


def reader_for(headers: dict[str, str], name: str, stay: Stay, settings: Settings) -> Bare | Form:
    """How to read a body of this type; refuses by its announced length before a byte of it is read."""
    kind, options = parse_options_header(headers.get("content-type", ""))
    length = headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else 0
    kind = kind.decode("latin-1").lower()
    if kind == FORM:
        check_length(announced, settings.max_bytes * settings.max_files + FORM_OVERHEAD, settings)
        return Form(options.get(b"boundary", b""), stay, settings)
    if kind == BARE or kind.startswith("image/"):
        check_length(announced, settings.max_bytes, settings)
        return Bare(name, stay, settings)
    found = f"found {kind}" if kind else "found none"
    raise Refused(
        415, f"expected a content type of {FORM}, image/* or {BARE}, {found}: name the photo's type"
    )


def check_length(announced: int, most: int, settings: Settings) -> None:
    most = min(most, settings.max_held)
    if announced > most:
        raise too_large(f"a body of {announced} bytes, where at most {most} are taken")


class Bare:
    """A body that is one photo."""

    def __init__(self, name: str, stay: Stay, settings: Settings) -> None:
        self.part = Part(name or NAMELESS)
        self.stay, self.settings = stay, settings
        stay.photo()

    def feed(self, piece: bytes) -> None:
        self.part.add(piece, self.stay, self.settings)

    def uploads(self) -> list[Upload]:
        return [self.part.done()]


class Form:
    """A multipart form whose field `files` holds photos, one or many."""

    def __init__(self, boundary: bytes, stay: Stay, settings: Settings) -> None:
        self.stay, self.settings = stay, settings
        self.parts: list[Part] = []
        self.headers: dict[bytes, bytes] = {}
        self.field = self.value = b""
        self.open = True
        names = (
            "part_begin",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
            "part_data",
            "end",
        )
        callbacks: dict[str, Callable] = {f"on_{name}": getattr(self, name) for name in names}
        expect(bool(boundary), "the form has no boundary")
        self.parser = self.strictly(MultipartParser, boundary, callbacks)

    def feed(self, piece: bytes) -> None:
        self.strictly(self.parser.write, piece)

    def strictly(self, call: Callable, *arguments: object) -> object:
        try:
            return call(*arguments)
        except FormParserError as problem:
            raise Refused(400, f"the form is malformed ({problem}): send it as multipart/form-data") from None

    def uploads(self) -> list[Upload]:
        expect(not self.open, "the form ends early")
        expect(bool(self.parts), f"the form holds no photo in its field {FIELD!r}")
        return [part.done() for part in self.parts]

    # What the parser tells, in the order it comes

    def part_begin(self) -> None:
        self.headers, self.field, self.value = {}, b"", b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self.field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def header_end(self) -> None:
        self.headers[self.field.lower()] = self.value
        self.field = self.value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        field = text(options.get(b"name", b""))
        expect(field == FIELD, f"expected the field {FIELD!r}, found {field!r}")
        if len(self.parts) >= self.settings.max_files:
            raise too_large(f"more than {self.settings.max_files} photos")
        self.stay.photo()
        self.parts.append(Part(text(options.get(b"filename", b"")) or NAMELESS))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].add(data[start:end], self.stay, self.settings)

    def end(self) -> None:
        self.open = False


def expect(good: bool, reason: str) -> None:
    if not good:
        raise Refused(400, f"{reason}: send photos as multipart/form-data in a field {FIELD!r}")


def text(raw: bytes) -> str:
    """A client's bytes as text; what is not UTF-8 becomes escapes."""
    return raw.decode("utf-8", "backslashreplace")
