"""An XMP packet whose rating can be set and reverted, while every other byte stays as it is.

rgnet writes one rdf:Description of its own with what it must know later:

    rgnet:Rating    the stars it wrote; as long as xmp:Rating equals them, the rating is rgnet's
    rgnet:Before    the earlier xmp:Rating, as it was written
    rgnet:Model     the model that gave the stars
    rgnet:Created   "True" where rgnet created the file

xmp:Rating is changed where it is; where there is none, it is added to rgnet's own description. Another program may
rearrange the packet: the properties are found in any description of the photo.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from xml.sax.saxutils import escape

from rgnet.xmp.spans import RDF, Property, Span, parse, refusal, space_before

_XMP = "http://ns.adobe.com/xap/1.0/"
# Ends in "/", since Exiv2, which darktable and digiKam use, adds one where a namespace ends in neither / nor #
_RGNET = "urn:rgnet:xmp:1.0/"
_RATING = f"{{{_XMP}}}Rating"
# Apart from rgnet's own namespace, so that reverting what a model rated leaves it alone
_MARKS = "urn:rgnet:marks:1.0/"
_PREFIXES = {
    "xmp": _XMP,
    "xmpDM": "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
    "rgnet": _RGNET,
    "rgnetmarks": _MARKS,
}
_EXTENSION = "{http://ns.adobe.com/photoshop/1.0/}SidecarForExtension"

_EMPTY = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
 </rdf:RDF>
</x:xmpmeta>
"""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*")

_Edit = tuple[Span, str]


class Packet:
    """A packet and the ratings in it. `name` is for messages.

    rating:       xmp:Rating, 1 to 5; 0 is unrated, -1 rejected; None where there is none
    rgnet_rating: what rgnet wrote there, or None
    Raises SidecarRefused if the packet cannot be parsed (`spans.parse`), or a rating is given twice or is no number.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        self._parsed = parse(data, name)
        self.rating = self._number(self._find(_RATING))
        self.rgnet_rating = self._number(self._find_ours("Rating"))
        self._before = self._find_ours("Before")
        self._number(self._before)

    @classmethod
    def empty(cls, name: str) -> Packet:
        return cls(_EMPTY.encode(), name)

    @property
    def rated_by_rgnet(self) -> bool:
        """Whether the rating is the one that rgnet wrote."""
        return self.rgnet_rating is not None and self.rating == self.rgnet_rating

    @property
    def rated_by_person(self) -> bool:
        """Whether the rating is a person's.

        0 is not: most programs write it for "not rated yet". But where rgnet had written stars, a 0 or nothing
        means that somebody took them away.
        """
        if self.rgnet_rating is not None:
            return not self.rated_by_rgnet
        return self.rating not in (None, 0)

    @property
    def created_by_rgnet(self) -> bool:
        """Whether rgnet created the file."""
        return self._find_ours("Created") is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it that anybody could miss."""
        return self._parsed.only_xmp and not self._parsed.properties

    @property
    def extension(self) -> str | None:
        """The extension of the photo it belongs to, where Adobe's programs noted it: "NEF"."""
        found = self._find(_EXTENSION)
        return found.text.strip() if found else None

    def with_stars(self, stars: int, model: str, *, created: bool = False) -> Packet:
        """With `stars`, written by `model`, and with what reverting them needs."""
        base = self.without_rgnet(restore=self.rated_by_rgnet)
        current = base._find(_RATING)
        ours = {"rgnet:Rating": str(stars), "rgnet:Model": escape(model, {'"': "&quot;"})}
        if current is None:
            ours = {"xmp:Rating": str(stars)} | ours
        else:
            ours["rgnet:Before"] = current.text
        if created or (self.created_by_rgnet and base.is_empty):
            ours["rgnet:Created"] = "True"
        change = [(current.value, str(stars))] if current else []
        return base._edit([*change, base._new_description(ours)])

    def get(self, name: str) -> str | None:
        """The text of a property by its usual name, such as xmp:Label; None where there is none."""
        found = self._find(_full_name(name))
        return found.text.strip() if found else None

    def with_properties(self, values: dict[str, str | None]) -> Packet:
        """With other values of properties by their usual names; None takes one away. Nothing else changes."""
        found = {name: self._find(_full_name(name)) for name in values}
        gone = [one for name, one in found.items() if one and values[name] is None]
        edits: list[_Edit] = [(span, "") for span in self._spans_to_remove(gone)]
        new: dict[str, str] = {}
        for name, value in values.items():
            one = found[name]
            if value is not None and one is None:
                new[name] = escape(value, {'"': "&quot;"})
            elif value is not None and one is not None and one.text != value:
                edits.append((one.value, escape(value, {'"': "&quot;", "'": "&apos;"})))
        if new:
            edits.append(self._new_description(new))
        return self._edit(edits, changing={_full_name(name) for name in values})

    def without_rgnet(self, *, restore: bool) -> Packet:
        """Without what rgnet wrote; with `restore`, also with the earlier rating, or none where there was none."""
        removed = [one for one in self._parsed.properties if one.name.startswith(f"{{{_RGNET}}}")]
        current, edits = self._find(_RATING), list[_Edit]()
        if restore and current and self._before:
            edits = [(current.value, self._before.text)]
        elif restore and current:
            removed.append(current)
        declarations = [span for namespace, span in self._parsed.declarations if namespace == _RGNET]
        return self._edit(edits + [(span, "") for span in self._spans_to_remove(removed, declarations)])

    def _spans_to_remove(self, removed: list[Property], declarations: Sequence[Span] = ()) -> list[Span]:
        """Of properties and declarations; a description without any other property goes as a whole."""
        descriptions = [
            one.outer
            for one in self._parsed.descriptions
            if one.properties and set(one.properties) <= set(removed)
        ]
        spans = [*(one.outer for one in removed), *declarations]
        inner = [span for span in spans if not any(outer.contains(span) for outer in descriptions)]
        return descriptions + inner

    def _edit(self, edits: list[_Edit], changing: Collection[str] = ()) -> Packet:
        if not edits:
            return self
        text = self._parsed.text
        for span, replacement in sorted(edits, reverse=True):
            text = text[: span.start] + replacement + text[span.end :]
        packet = Packet(text.encode(self._parsed.encoding), self.name)
        assert packet._foreign(changing) == self._foreign(changing), (
            f"an edit of {self.name} changed more than its rating"
        )
        return packet

    def _new_description(self, properties: dict[str, str]) -> _Edit:
        """A description of these properties after the last one, indented like it."""
        text, root, descriptions = self._parsed.text, self._parsed.root, self._parsed.descriptions
        if descriptions:
            gap = _leading_space(text, descriptions[-1].outer.start)
        else:
            gap = space_before(text, root.start) + " "
        words = ["rdf:about=" + (descriptions[0].about if descriptions else '""')]
        words += [f'xmlns:{prefix}="{namespace}"' for prefix, namespace in self._prefixes(properties)]
        words += [f'{name}="{value}"' for name, value in properties.items()]
        description = f"{gap}<rdf:Description {(gap + '  ' if gap.strip(' ') else ' ').join(words)}/>"
        if descriptions:
            end = descriptions[-1].outer.end
            return Span(end, end), description
        if root.close < root.end:
            return Span(root.content, root.content), description
        # <rdf:RDF/> has to be opened
        name = re.split(r"[\s/>]", text[root.start + 1 : root.content], maxsplit=1)[0]
        return Span(root.content - 2, root.content), f">{description}</{name}>"

    def _prefixes(self, properties: dict[str, str]) -> Iterator[tuple[str, str]]:
        """The prefixes that a description of these properties has to declare."""
        if self._parsed.prefixes.get("rdf") != RDF:
            yield "rdf", RDF
        for prefix in dict.fromkeys(name.partition(":")[0] for name in properties):
            yield prefix, _PREFIXES[prefix]

    def _foreign(self, changing: Collection[str]) -> list[tuple[str, str]]:
        """The properties that are none of rgnet's business, without those that are meant to change."""
        return [
            (one.name, one.text)
            for one in self._parsed.properties
            if one.name not in (_RATING, *changing) and not one.name.startswith(f"{{{_RGNET}}}")
        ]

    def _find_ours(self, local: str) -> Property | None:
        return self._find(f"{{{_RGNET}}}{local}")

    def _find(self, name: str) -> Property | None:
        found = [one for one in self._parsed.properties if one.name == name]
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


def _full_name(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_PREFIXES[prefix]}}}{local}"


def _leading_space(text: str, start: int) -> str:
    found = _SPACE.match(text, start)
    return found[0] if found else ""
