"""The page put together: with links to its parts for a service, or with everything inside for a file.

page.html is both; its comments <!--style-->, <!--data-->, <!--script--> and <!--photos--> say where the parts go.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

_SCRIPTS = (
    "dom.js",
    "colour.js",
    "numbers.js",
    "source.js",
    "layout.js",
    "groups.js",
    "listing.js",
    "grid.js",
    "map.js",
    "graph.js",
    "whatif.js",
    "crop.js",
    "photo.js",
    "marks.js",
    "compare.js",
    "sidecars.js",
    "pairs.js",
    "workbench.js",
    "filters.js",
    "page.js",
)
_OPENING, _CLOSING = '<script type="application/json" id="{}">', "</script>"

# For the service's header: the page asks its own origin only, and runs what came as page.js only
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render_served() -> str:
    """The page for a service, which answers at addresses relative to the page's own; see docs/report.md."""
    return _fill(
        style='<link rel="stylesheet" href="page.css">',
        data="",
        script='<script src="page.js" defer></script>',
        photos="",
    )


@cache
def read_script() -> str:
    """page.js."""
    return "\n".join(_read(name) for name in _SCRIPTS)


@cache
def read_style() -> str:
    """page.css."""
    return _read("page.css")


def render_standalone(
    rows: Iterable[dict[str, Any]], photos: Iterable[str], about: dict[str, Any]
) -> Iterator[str]:
    """The self-contained page in pieces, to be written in order as UTF-8; neither rows nor photos are gathered.

    rows:   of `describe_photo`, in any order
    photos: of `render_photo_data`, those that are seen first in front
    about:  of `describe_page`
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_file_policy()}">'
    page = _fill(style=f"{policy}\n<style>{read_style()}</style>", script=f"<script>{read_script()}</script>")
    before, after = page.split("<!--data-->")
    between, end = after.split("<!--photos-->")
    yield before + _element("all-about", about) + "\n" + _OPENING.format("all-rows") + "["
    for index, row in enumerate(rows):
        yield (",\n" if index else "\n") + _to_json(row)
    yield "]" + _CLOSING + between
    yield from photos
    yield end


def render_photo_data(id: str, thumbnail: str | None, detail: dict[str, Any] | None) -> str:
    """What a self-contained page keeps of one photo until it is looked at.

    thumbnail: a data URI or a relative URL; detail: of `describe_explanation` or `describe_regions`
    """
    parts = [("t-" + id, thumbnail), ("d-" + id, detail)]
    return "".join(_element(name, value) + "\n" for name, value in parts if value is not None)


def _element(id: str, values: Any) -> str:
    """JSON as an element that no browser runs."""
    return _OPENING.format(id) + _to_json(values) + _CLOSING


def _to_json(values: Any) -> str:
    """JSON without a single <, so that no text in it can end its element or begin another."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _file_policy() -> str:
    """What a report may do: run its own script, use its own style, show pictures inside it or in its folder."""
    return (
        f"default-src 'none'; script-src '{_digest(read_script())}'; style-src '{_digest(read_style())}'; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _fill(**parts: str) -> str:
    page = _read("page.html")
    for name, text in parts.items():
        before, after = page.split(f"<!--{name}-->")
        page = before + text + after
    return page


def _read(name: str) -> str:
    return resources.files("rgnet.page").joinpath(name).read_text(encoding="utf-8")
