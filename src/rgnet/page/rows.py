"""What the page is told of a photo: a row for the grid, and the detail that its own page needs.

All values are plain and go through JSON. Text is text: the page never takes it for markup.
"""

from __future__ import annotations

import base64
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from rgnet.results import Record, RegionMap

if TYPE_CHECKING:
    from rgnet.explanation import Explanation

EDGES = 8


def about(scale, *, title: str, model: str, model_hash: str, **more: Any) -> dict[str, Any]:
    """What holds for every photo of the page.

    scale: of the model's card: its ends and one sentence on who rated
    more:  "made", the day; "rgnet", the version; "graph", why there is none; "folders", to choose from, where a
           service knows them
    """
    ends = {"low": scale.low, "high": scale.high, "people": getattr(scale, "people", "")}
    return {"title": valid(title), "model": valid(model), "model_hash": model_hash, **ends, **more}


def listed(
    id: str,
    record: Record,
    *,
    taken: str | None = None,
    camera: str | None = None,
    folder: str | None = None,
    thumbnail: str | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """One row of the grid.

    id:        of letters, digits, - and _; stays the photo's, for links to it
    taken:     YYYY-MM-DDTHH:MM:SS of the camera's clock
    folder:    as it is to be read; left out: the path's own
    thumbnail: a URL or a data URI; None where the page has it in a `block`, or there is none
    error:     why there is nothing to look at now, of a photo that was scored once; a failure brings its own
    """
    values = record.to_dict()
    path = PurePath(values["path"])
    kept = {name: values[name] for name in ("score", "percentile", "label", "probability", "width", "height")}
    return {
        "id": id,
        "name": valid(path.name),
        "path": valid(values["path"]),
        "folder": valid(str(path.parent) if folder is None else folder),
        **kept,
        "taken": taken,
        "camera": camera and valid(camera),
        "engine": values["engine"],
        "notes": [valid(note) for note in values["notes"]],
        "error": valid(error or values["error"] or "") or None,
        "thumbnail": thumbnail,
    }


def detail(
    explanation: Explanation, scale, *, count: int = EDGES, picture: str | None = None
) -> dict[str, Any]:
    """What the photo's own page shows beyond its row; see `mapped`."""
    edges = None if explanation.affinity_NN is None else explanation.edges(count)
    return mapped(explanation.photo.regions, scale, edges=edges, picture=picture)


def mapped(
    regions: RegionMap,
    scale,
    *,
    edges: tuple[np.ndarray, np.ndarray] | None = None,
    picture: str | None = None,
) -> dict[str, Any]:
    """A region map and its graph.

    votes:   rows of votes on the human scale
    weights: rows of weights in even shares: 1 is that of a region among equals; None where the map has none
    edges:   (index_NK, weight_NK) of every region's strongest neighbours, packed; None where they are not known
    picture: URL of the photo, larger than its thumbnail; None: the thumbnail has to do
    """
    rows, columns = regions.grid
    return {
        "rows": rows,
        "columns": columns,
        "votes": rounded(regions.votes),
        "weights": None if regions.weights is None else rounded(regions.weights * regions.weights.size),
        "edges": None if edges is None else packed(*edges),
        "low": scale.low,
        "high": scale.high,
        "picture": picture,
    }


def rounded(values_HW: np.ndarray) -> list[list[float]]:
    """To a thousandth; float16 votes and a picture's colours are not finer."""
    return np.round(values_HW.astype(np.float64), 3).tolist()


def packed(index_NK: np.ndarray, weight_NK: np.ndarray) -> dict[str, Any]:
    """Edges in three bytes each: base64 of N * K little-endian uint16 indices, then N * K uint8 weights.

    A weight is its byte * `most` / 255.
    """
    most = float(weight_NK.max(initial=0)) or 1.0
    byte_NK = np.round(weight_NK / most * 255).astype(np.uint8)
    data = index_NK.astype("<u2").tobytes() + byte_NK.tobytes()
    return {"count": index_NK.shape[1], "most": most, "data": base64.b64encode(data).decode()}


def valid(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name that are not text become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
