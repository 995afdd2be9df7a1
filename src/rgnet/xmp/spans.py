"""The properties of an XMP packet, each with its position in the text.

lxml parses the packet: it checks that it is well-formed and resolves its prefixes. The positions are then found in
the text itself, so that an edit replaces only the characters that change. Serialised by lxml, a packet would keep
its meaning, but lose its line endings, its quotes and the layout of Adobe's files with one attribute per line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from rgnet.errors import SidecarRefused, need

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ABOUT, _DESCRIPTION, _ROOT = f"{{{RDF}}}about", f"{{{RDF}}}Description", f"{{{RDF}}}RDF"
_XMP_ELEMENTS = {"{adobe:ns:meta/}xmpmeta", _ROOT, _DESCRIPTION}

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

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the photo, written as an attribute or as an element.

    name:  "{namespace}local"
    text:  its value as written, with entities unresolved
    outer: span of all of it, with the white space before
    value: span of what is between its quotes or its tags
    """

    name: str
    text: str
    outer: Span
    value: Span


@dataclass(frozen=True, slots=True)
class Description:
    """An rdf:Description and its properties. about: its rdf:about as written, with the quotes."""

    outer: Span
    about: str
    properties: tuple[Property, ...]


@dataclass(slots=True)
class ElementSpan:
    """Position of an element: its start tag is text[start:content], its content text[content:close]."""

    start: int
    content: int
    close: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPacket:
    """A packet's text and the positions in it.

    root:         of the element rdf:RDF, whose children are the descriptions
    prefixes:     namespaces by prefix, as they hold inside the root
    declarations: every xmlns:prefix="namespace" of the text, as (namespace, span)
    only_xmp:     whether there is nothing but XMP's own elements: no foreign one, no comment
    """

    text: str
    encoding: str
    root: ElementSpan
    prefixes: dict[str | None, str]
    descriptions: list[Description]
    declarations: list[tuple[str, Span]]
    only_xmp: bool

    @property
    def properties(self) -> list[Property]:
        return [property for description in self.descriptions for property in description.properties]


def parse(data: bytes, name: str) -> ParsedPacket:
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
    elements, spans = _elements(data, name), _element_spans(text)
    roots = [element for element in elements if element.tag == _ROOT]
    if len(roots) != 1 or len(elements) != len(spans):
        raise refusal(name, f"has {len(roots)} elements rdf:RDF, expected exactly one")
    span_of = dict(zip(elements, spans, strict=True))
    return ParsedPacket(
        text=text,
        encoding=encoding,
        root=span_of[roots[0]],
        prefixes=roots[0].nsmap,
        descriptions=[_description(text, child, span_of) for child in roots[0].iterchildren(_DESCRIPTION)],
        declarations=list(_declarations(text, span_of)),
        only_xmp="<!--" not in text and {element.tag for element in elements} <= _XMP_ELEMENTS,
    )


def refusal(name: str, reason: str) -> SidecarRefused:
    return SidecarRefused(f"{name} {reason}: it was not changed; repair it or move it away")


def space_before(text: str, at: int) -> str:
    start = at
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:at]


def _elements(data: bytes, name: str) -> list[Any]:
    """All elements in document order; nothing is resolved, loaded or fetched."""
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


def _element_spans(text: str) -> list[ElementSpan]:
    """The position of every element of a well-formed text, in the order of their start tags."""
    spans: list[ElementSpan] = []
    unclosed: list[ElementSpan] = []
    for markup in _MARKUP.finditer(text):
        kind = text[markup.start() + 1]
        if kind == "/":
            span = unclosed.pop()
            span.close, span.end = markup.span()
        elif kind not in "!?":
            start, end = markup.span()
            spans.append(ElementSpan(start, end, end, end))
            if text[end - 2] != "/":
                unclosed.append(spans[-1])
    return spans


def _description(text: str, element: Any, span_of: dict[Any, ElementSpan]) -> Description:
    attributes = list(_attributes(text, element, span_of[element]))
    # Early writers left out the prefix of rdf:about
    abouts = [
        text[one.value.start - 1 : one.value.end + 1] for one in attributes if one.name in (_ABOUT, "about")
    ]
    own = [one for one in attributes if one.name.startswith("{") and not one.name.startswith(f"{{{RDF}}}")]
    nested = [_element_property(text, child.tag, span_of[child]) for child in element.iterchildren("{*}*")]
    about = abouts[0] if abouts else '""'
    return Description(_outer(text, span_of[element]), about, (*own, *nested))


def _element_property(text: str, name: str, span: ElementSpan) -> Property:
    value = Span(span.content, span.close)
    return Property(name, text[value.start : value.end], _outer(text, span), value)


def _attributes(text: str, element: Any, span: ElementSpan) -> Iterator[Property]:
    """The attributes of a start tag, prefixes resolved; a declaration keeps its name "xmlns:prefix"."""
    for found in _ATTRIBUTE.finditer(text, span.start, span.content):
        prefix, colon, local = found[1].partition(":")
        namespace = element.nsmap.get(prefix) if colon else None
        value = Span(*found.span(2 if found[2] is not None else 3))
        name = f"{{{namespace}}}{local}" if namespace else found[1]
        yield Property(name, text[value.start : value.end], Span(*found.span()), value)


def _declarations(text: str, span_of: dict[Any, ElementSpan]) -> Iterator[tuple[str, Span]]:
    for element, span in span_of.items():
        for one in _attributes(text, element, span):
            if one.name.startswith("xmlns:"):
                yield one.text, one.outer


def _outer(text: str, span: ElementSpan) -> Span:
    return Span(span.start - len(space_before(text, span.start)), span.end)
