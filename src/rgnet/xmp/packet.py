"""An XMP packet whose stars can be set and taken back, while everything else stays as it is, to the byte.

rgnet writes one rdf:Description of its own, which holds what it must know later:

    rgnet:Rating    the stars it wrote; as long as xmp:Rating equals them, the rating is rgnet's
    rgnet:Before    the xmp:Rating that stood there before, as it was written
    rgnet:Model     who gave the stars
    rgnet:Created   "True" where rgnet made the whole file

xmp:Rating is changed where it stands; where there is none, it is added in that block. Another program may move all
this about: it is found wherever it is a property of the photo.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

from rgnet.errors import SidecarRefused
from rgnet.xmp.spans import RDF, Property, Span, read, refusal, space_before

XMP = "http://ns.adobe.com/xap/1.0/"
# Ends in "/", since Exiv2, on which darktable and digiKam stand, adds one where a namespace ends in neither / nor #
RGNET = "urn:rgnet:xmp:1.0/"
RATING = f"{{{XMP}}}Rating"
EXTENSION = "{http://ns.adobe.com/photoshop/1.0/}SidecarForExtension"

EMPTY = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
 </rdf:RDF>
</x:xmpmeta>
"""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*")

Edit = tuple[Span, str]


class Packet:
    """A packet, and what it says of the photo's rating. `name` is for messages.

    rating:  xmp:Rating, 1 to 5; 0 is unrated, -1 rejected; None where there is none
    written: what rgnet wrote there, or None
    Raises SidecarRefused if it cannot be understood: see `markup.read`; or where a rating is given twice, or is
    no number.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        self.markup = read(data, name)
        self.rating = self._number(self._only(RATING))
        self.written = self._number(self._ours("Rating"))
        self.before = self._ours("Before")
        self._number(self.before)

    @classmethod
    def empty(cls, name: str) -> Packet:
        return cls(EMPTY.encode(), name)

    @property
    def mine(self) -> bool:
        """Whether the rating is the one that rgnet wrote."""
        return self.written is not None and self.rating == self.written

    @property
    def human(self) -> bool:
        """Whether the rating is a person's.

        0 is not: most programs write it for "not rated yet". But where rgnet had written stars, a 0 or nothing
        means that somebody took them away.
        """
        return not self.mine and (self.written is not None or self.rating not in (None, 0))

    @property
    def created(self) -> bool:
        """Whether rgnet made the whole file."""
        return self._ours("Created") is not None

    @property
    def bare(self) -> bool:
        """Whether nothing is left in it that anybody could miss."""
        return self.markup.plain and not self.markup.properties

    @property
    def extension(self) -> str | None:
        """The ending of the photo it belongs to, where Adobe's programs noted it: "NEF"."""
        found = self._only(EXTENSION)
        return found.text.strip() if found else None

    def rated(self, stars: int, model: str, *, created: bool = False) -> Packet:
        """With `stars`, written by `model`, and with what taking them back needs."""
        base = self.cleaned(restore=self.mine)
        standing = base._only(RATING)
        ours = {} if standing else {"xmp:Rating": str(stars)}
        ours |= {"rgnet:Rating": str(stars), "rgnet:Model": escape(model, {'"': "&quot;"})}
        ours |= {"rgnet:Before": standing.text} if standing else {}
        ours |= {"rgnet:Created": "True"} if created or (self.created and base.bare) else {}
        change = [(standing.value, str(stars))] if standing else []
        return base._edited([*change, base._added(ours)])

    def cleaned(self, *, restore: bool) -> Packet:
        """Without what rgnet wrote; with `restore`, the rating of before is back, or none where there was none."""
        gone = [one for one in self.markup.properties if one.name.startswith(f"{{{RGNET}}}")]
        edits: list[Edit] = []
        if restore and self.before:
            edits = [(self._only(RATING).value, self.before.text)]
        elif restore:
            gone.append(self._only(RATING))
        # A block goes as a whole when nothing stays in it, else its properties one by one
        blocks = [
            one.whole for one in self.markup.blocks if one.properties and set(one.properties) <= set(gone)
        ]
        spans = [one.whole for one in gone]
        spans += [span for namespace, span in self.markup.declared if namespace == RGNET]
        spans = [span for span in spans if not any(block.holds(span) for block in blocks)]
        return self._edited(edits + [(span, "") for span in blocks + spans])

    def _edited(self, edits: list[Edit]) -> Packet:
        if not edits:
            return self
        text = self.markup.text
        for span, replacement in sorted(edits, reverse=True):
            text = text[: span.start] + replacement + text[span.end :]
        packet = Packet(text.encode(self.markup.encoding), self.name)
        assert packet._foreign() == self._foreign(), f"an edit of {self.name} changed more than its rating"
        return packet

    def _added(self, properties: dict[str, str]) -> Edit:
        """A block of these properties behind the last one, and indented as it is."""
        text, frame, blocks = self.markup.text, self.markup.frame, self.markup.blocks
        gap = (
            _SPACE.match(text, blocks[-1].whole.start)[0] if blocks else space_before(text, frame.start) + " "
        )
        words = ["rdf:about=" + (blocks[0].about if blocks else '""')]
        words += [f'xmlns:{prefix}="{namespace}"' for prefix, namespace in self._prefixes(properties)]
        words += [f'{name}="{value}"' for name, value in properties.items()]
        block = f"{gap}<rdf:Description {(gap + '  ' if gap.strip(' ') else ' ').join(words)}/>"
        if blocks:
            return Span(blocks[-1].whole.end, blocks[-1].whole.end), block
        if frame.close < frame.end:
            return Span(frame.inner, frame.inner), block
        name = re.match(r"[^\s/>]+", text[frame.start + 1 :])[0]
        return Span(frame.inner - 2, frame.inner), f">{block}</{name}>"

    def _prefixes(self, properties: dict[str, str]) -> Iterator[tuple[str, str]]:
        """The prefixes that a block of these properties has to declare."""
        if self.markup.prefixes.get("rdf") != RDF:
            yield "rdf", RDF
        if "xmp:Rating" in properties:
            yield "xmp", XMP
        yield "rgnet", RGNET

    def _foreign(self) -> list[tuple[str, str]]:
        """The properties that are none of rgnet's business."""
        return [
            (one.name, one.text)
            for one in self.markup.properties
            if one.name != RATING and not one.name.startswith(f"{{{RGNET}}}")
        ]

    def _ours(self, local: str) -> Property | None:
        return self._only(f"{{{RGNET}}}{local}")

    def _only(self, name: str) -> Property | None:
        found = [one for one in self.markup.properties if one.name == name]
        if len(found) > 1:
            raise refusal(self.name, f"gives {name.partition('}')[2]} {len(found)} times, expected once")
        return found[0] if found else None

    def _number(self, found: Property | None) -> float | None:
        if found is None:
            return None
        if not _NUMBER.fullmatch(found.text):
            local = found.name.partition("}")[2]
            raise refusal(self.name, f"gives {local} as {found.text[:40]!r}, expected a number from -1 to 5")
        return float(found.text)


def packets_inside(photo: Path) -> Iterator[Packet]:
    """The packets inside a photo, found by their bytes, whatever its format, unless they are compressed.

    What is no sound packet is passed over: nothing is written there, and it may only look like one.
    """
    if not photo.stat().st_size:
        return
    head, tail = b"<rdf:RDF", b"</rdf:RDF>"
    with photo.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = 0
        while (start := data.find(head, end)) >= 0 and (end := data.find(tail, start)) >= 0:
            with suppress(SidecarRefused):
                yield Packet(data[start : end + len(tail)], photo.name)
