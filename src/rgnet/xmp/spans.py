"""The properties in an XMP packet, each with the place in the text where it stands.

lxml understands the packet: that it is well-formed, and what its prefixes mean. The places are then found in the
text itself, so that an edit can replace the few characters that change. Written out by lxml, a packet would keep
its meaning but lose its line ends, its quotes, and the one attribute a line of Adobe's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rgnet.errors import SidecarRefused, need

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ABOUT, _DESCRIPTION, _FRAME = f"{{{RDF}}}about", f"{{{RDF}}}Description", f"{{{RDF}}}RDF"
_PLAIN = {"{adobe:ns:meta/}xmpmeta", _FRAME, _DESCRIPTION}

_BYTE_ORDER = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# Every <...> of a well-formed text without a DOCTYPE. Possessive, so that it never goes back.
_MARKUP = re.compile(
    r"""<!--.*?--> | <!\[CDATA\[.*?\]\]> | <\?.*?\?> | <[^"'>]*+ (?: (?:"[^"]*"|'[^']*') [^"'>]*+ )*+ >""",
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""\s+([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class Span(NamedTuple):
    """text[start:end]"""

    start: int
    end: int

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the photo, written as an attribute or as an element.

    name:  "{namespace}local"
    text:  its value as written, entities and all
    whole: from the white space before it to its end
    value: what is between its quotes or its tags
    """

    name: str
    text: str
    whole: Span
    value: Span


@dataclass(frozen=True, slots=True)
class Block:
    """An rdf:Description, a run of properties. about: what names the photo, as written, with its quotes."""

    whole: Span
    about: str
    properties: tuple[Property, ...]


@dataclass(slots=True)
class Place:
    """Where an element stands: its first tag is text[start:inner], its content text[inner:close]."""

    start: int
    inner: int
    close: int
    end: int


@dataclass(slots=True)
class Markup:
    """A packet that was read.

    frame:    the element rdf:RDF, whose children are the blocks
    prefixes: what the prefixes mean inside the frame
    declared: every xmlns:prefix="namespace" of the text, as (namespace, place)
    plain:    whether there is nothing but XMP's own elements: no stranger beside the blocks, no comment
    """

    text: str
    encoding: str
    frame: Place
    prefixes: dict[str, str]
    blocks: list[Block] = field(default_factory=list)
    declared: list[tuple[str, Span]] = field(default_factory=list)
    plain: bool = True

    @property
    def properties(self) -> list[Property]:
        return [property for block in self.blocks for property in block.properties]


def read(data: bytes, name: str) -> Markup:
    """The packet in `data`; `name` is for messages.

    Raises SidecarRefused if it is not well-formed, has a DOCTYPE, or is no XMP.
    """
    encoding = _BYTE_ORDER.get(data[:2], "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as problem:
        raise refusal(name, f"is not in {encoding.upper()} (byte {problem.start})") from None
    if "<!DOCTYPE" in text:
        raise refusal(name, "has a DOCTYPE, which XMP never has")
    elements, places = _elements(data, name), _places(text)
    frames = [element for element in elements if element.tag == _FRAME]
    if len(frames) != 1 or len(elements) != len(places):
        raise refusal(name, f"has {len(frames)} elements rdf:RDF, expected the one of XMP")
    where = dict(zip(elements, places, strict=True))
    markup = Markup(text, encoding, where[frames[0]], frames[0].nsmap)
    markup.blocks = [_block(text, element, where) for element in frames[0].iterchildren(_DESCRIPTION)]
    markup.declared = list(_declared(text, where))
    markup.plain = "<!--" not in text and {element.tag for element in elements} <= _PLAIN
    return markup


def refusal(name: str, found: str) -> SidecarRefused:
    return SidecarRefused(f"{name} {found}: it is left as it is; repair it, or move it away")


def space_before(text: str, at: int) -> str:
    start = at
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:at]


def _elements(data: bytes, name: str) -> list:
    """All elements in the order of the text; nothing is resolved, loaded or fetched."""
    etree = need("lxml.etree", extra="xmp", purpose="reading XMP sidecars")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as problem:
        raise refusal(name, f"is not well-formed XML ({problem})") from None
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    if not encoding.upper().startswith(("UTF-8", "UTF-16", "US-ASCII", "ASCII")):
        raise refusal(name, f"is in {encoding}, expected UTF-8 or UTF-16 as in XMP")
    return list(root.iter(etree.Element))


def _places(text: str) -> list[Place]:
    """Where every element of a well-formed text stands, in the order of their first tags."""
    places, unclosed = [], []
    for markup in _MARKUP.finditer(text):
        kind = text[markup.start() + 1]
        if kind == "/":
            place = unclosed.pop()
            place.close, place.end = markup.span()
        elif kind not in "!?":
            start, end = markup.span()
            places.append(Place(start, end, end, end))
            if text[end - 2] != "/":
                unclosed.append(places[-1])
    return places


def _block(text: str, element, where: dict) -> Block:
    attributes = list(_attributes(text, element, where[element]))
    # Early writers left out the prefix of rdf:about
    abouts = [
        text[one.value.start - 1 : one.value.end + 1] for one in attributes if one.name in (_ABOUT, "about")
    ]
    own = [one for one in attributes if one.name.startswith("{") and not one.name.startswith(f"{{{RDF}}}")]
    nested = [_nested(text, child.tag, where[child]) for child in element.iterchildren("{*}*")]
    about = abouts[0] if abouts else '""'
    return Block(_whole(text, where[element]), about, (*own, *nested))


def _nested(text: str, name: str, place: Place) -> Property:
    return Property(
        name, text[place.inner : place.close], _whole(text, place), Span(place.inner, place.close)
    )


def _attributes(text: str, element, place: Place) -> Iterator[Property]:
    """The attributes of a tag, prefixes resolved; a declaration keeps its name "xmlns:prefix"."""
    for found in _ATTRIBUTE.finditer(text, place.start, place.inner):
        prefix, colon, local = found[1].partition(":")
        namespace = element.nsmap.get(prefix) if colon else None
        value = Span(*found.span(2 if found[2] is not None else 3))
        name = f"{{{namespace}}}{local}" if namespace else found[1]
        yield Property(name, text[value.start : value.end], Span(*found.span()), value)


def _declared(text: str, where: dict) -> Iterator[tuple[str, Span]]:
    for element, place in where.items():
        for one in _attributes(text, element, place):
            if one.name.startswith("xmlns:"):
                yield one.text, one.whole


def _whole(text: str, place: Place) -> Span:
    return Span(place.start - len(space_before(text, place.start)), place.end)
