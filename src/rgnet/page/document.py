"""The page put together: with links to its parts for a service, or with everything inside for a file.

page.html is both; its comments <!--style-->, <!--data-->, <!--script--> and <!--blocks--> say where the parts go.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

SCRIPTS = ("dom.js", "colour.js", "numbers.js", "source.js", "grid.js", "map.js", "photo.js", "page.js")

OPENED, CLOSED = '<script type="application/json" id="{}">', "</script>"

# For the service's header: the page asks its own origin only, and runs what came as page.js only
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def served() -> str:
    """The page for a service, which answers at addresses relative to the page's own; see docs/report.md."""
    return filled(
        style='<link rel="stylesheet" href="page.css">',
        data="",
        script='<script src="page.js" defer></script>',
        blocks="",
    )


@cache
def script() -> str:
    """page.js."""
    return "\n".join(part(name) for name in SCRIPTS)


@cache
def style() -> str:
    """page.css."""
    return part("page.css")


def embedded(rows: Iterable[dict[str, Any]], blocks: Iterable[str], about: dict[str, Any]) -> Iterator[str]:
    """The self-contained page in pieces, to be written in order as UTF-8; neither rows nor blocks are gathered.

    rows:   of `listed`, in any order; blocks: of `block`, those that are seen first in front
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{file_policy()}">'
    page = filled(style=f"{policy}\n<style>{style()}</style>", script=f"<script>{script()}</script>")
    before, after = page.split("<!--data-->")
    between, end = after.split("<!--blocks-->")
    yield before + inside("all-about", about) + "\n" + OPENED.format("all-rows") + "["
    for index, row in enumerate(rows):
        yield (",\n" if index else "\n") + encoded(row)
    yield "]" + CLOSED + between
    yield from blocks
    yield end


def block(id: str, thumbnail: str | None, detail: dict[str, Any] | None) -> str:
    """What a self-contained page keeps of one photo until it is looked at.

    thumbnail: a data URI or a relative URL; detail: of `detail` or `mapped`
    """
    parts = [("t-" + id, thumbnail), ("d-" + id, detail)]
    return "".join(inside(name, value) + "\n" for name, value in parts if value is not None)


def inside(id: str, values: Any) -> str:
    """JSON as an element that no browser runs."""
    return OPENED.format(id) + encoded(values) + CLOSED


def encoded(values: Any) -> str:
    """JSON without a single <, so that no text in it can end its element or begin another."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def file_policy() -> str:
    """What a report may do: run its own script, take its own style, show what is inside or beside it."""
    return (
        f"default-src 'none'; script-src '{digest(script())}'; style-src '{digest(style())}'; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def filled(**parts: str) -> str:
    page = part("page.html")
    for name, text in parts.items():
        before, after = page.split(f"<!--{name}-->")
        page = before + text + after
    return page


def part(name: str) -> str:
    return resources.files("rgnet.page").joinpath(name).read_text(encoding="utf-8")
