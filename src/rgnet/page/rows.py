"""What the page knows of a photo: a row for the grid, and the details that its own page needs.

All values are plain and go through JSON. Text is text: the page never takes it for markup, and error messages are
shown as they are.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from rgnet.catalogue.marks import NO_MARK
from rgnet.catalogue.records import PhotoRow
from rgnet.imaging.discovery import is_raw_name
from rgnet.results import Record, VideoFrame, clock_time
from rgnet.text import escape_surrogates
from rgnet.weights.card import Scale

if TYPE_CHECKING:
    from rgnet.explanation import Explanation

_EDGES = 8


def describe_page(
    scale: Scale,
    *,
    title: str,
    model: str,
    model_hash: str,
    rgnet: str,
    created: str | None = None,
    graph: str | None = None,
    maps: str | None = None,
    caution: str | None = None,
    usual_HW: np.ndarray | None = None,
    folders: Sequence[str] | None = None,
    grouped: bool | None = None,
    uncompared: int = 0,
) -> dict[str, Any]:
    """Metadata shared by all photos on the page.

    rgnet:   its version
    created: the day, YYYY-MM-DD, of a page that stays as it is
    graph:   why there is no graph; None where there is one
    maps:    why there are no maps; None where there are
    caution: what to say beside maps and graph
    usual_HW: the mean vote at each place, which maps can be compared with
    folders: to choose from; None where the page finds them in its own rows, or they are too many
    grouped: whether the page begins with one card for each group of look-alikes; None: as it was left last time
    uncompared: photos that an earlier rgnet scanned, so that they are in no group
    """
    known: dict[str, Any] = {"created": created, "graph": graph, "maps": maps, "caution": caution}
    known |= {"grouped": grouped, "uncompared": uncompared or None}
    if usual_HW is not None:
        known["usual"] = _round(usual_HW)
    if folders is not None:
        known["folders"] = [escape_surrogates(folder) for folder in folders]
    return {
        "title": escape_surrogates(title),
        "model": escape_surrogates(model),
        "model_hash": model_hash,
        "low": scale.low,
        "high": scale.high,
        "people": scale.people,
        "rgnet": rgnet,
        **{name: value for name, value in known.items() if value is not None},
    }


def describe_photo(
    id: str,
    photo: PhotoRow[Record],
    *,
    group: dict[str, Any] | None = None,
    folder: str | None = None,
    thumbnail: str | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """One row of the grid.

    id:        of letters, digits, - and _; stays the photo's, for links to it
    photo:     as the catalogue has it
    group:     of `Membership.to_dict`: what the photo is in its group of look-alikes
    folder:    as it is shown; default: that of the path
    thumbnail: a URL or a data URI; None where the page holds it in `render_photo_data`, or there is none
    error:     why there is nothing to show now of a photo that was scored once; a failure brings its own
    """
    values = photo.record.to_dict()
    path = PurePath(photo.record.path)
    copied = ("score", "percentile", "label", "probability", "width", "height", "engine")
    reason = error or values["error"]
    return {
        "id": id,
        "name": escape_surrogates(path.name),
        "path": escape_surrogates(photo.record.path),
        "folder": escape_surrogates(str(path.parent) if folder is None else folder),
        **{name: values[name] for name in copied},
        "taken": photo.taken,
        "camera": photo.camera and escape_surrogates(photo.camera),
        "notes": [escape_surrogates(note) for note in values["notes"]],
        "error": reason and escape_surrogates(reason),
        "mark": None if photo.mark == NO_MARK else photo.mark.to_dict(),
        "video": None if photo.frame is None else describe_frame(photo.frame),
        "raw": _raw_badge(path, photo.pair),
        "pair": photo.pair and escape_surrogates(photo.pair),
        "group": group,
        "thumbnail": thumbnail,
    }


def describe_frame(frame: VideoFrame) -> dict[str, Any]:
    """Times as text, too, as players show them."""
    return {
        "seconds": round(frame.time_s, 3),
        "time": clock_time(frame.time_s),
        "duration": clock_time(round(frame.duration_s)),
        "shots": frame.shots,
    }


def _raw_badge(path: PurePath, pair: str | None) -> str | None:
    """Of a camera raw file raw, of a pair raw + JPEG, whichever of the two stands for it; None of other photos."""
    files = [path] if pair is None else [path, PurePath(pair)]
    if not any(is_raw_name(file.name) for file in files):
        return None
    others = [file.suffix[1:].upper() for file in files if not is_raw_name(file.name)]
    return " + ".join(["raw", *("JPEG" if other in ("JPG", "JPE") else other for other in others)])


def describe_explanation(
    explanation: Explanation, scale: Scale, *, count: int = _EDGES, picture: str | None = None
) -> dict[str, Any]:
    """What a photo's own page shows beyond its row, with the `count` strongest neighbours of every region."""
    regions = explanation.regions
    edges = None if explanation.affinity_NN is None else pack_edges(*explanation.edges(count))
    return describe_regions(regions.votes, scale, weights_HW=regions.weights, edges=edges, picture=picture)


def describe_regions(
    votes_HW: np.ndarray,
    scale: Scale,
    *,
    weights_HW: np.ndarray | None = None,
    edges: dict[str, Any] | None = None,
    picture: str | None = None,
) -> dict[str, Any]:
    """The region map of a photo and its graph.

    votes_HW:   on the human scale
    weights_HW: summing to 1; the page shows them as multiples of an equal share. None where they are not known
    edges:      of `pack_edges`; None where they are not known
    picture:    URL of the photo, larger than its thumbnail; None: the thumbnail has to do
    """
    rows, columns = votes_HW.shape
    return {
        "rows": rows,
        "columns": columns,
        "votes": _round(votes_HW),
        "weights": None if weights_HW is None else _round(weights_HW * weights_HW.size),
        "edges": edges,
        "low": scale.low,
        "high": scale.high,
        "picture": picture,
    }


def _round(values_HW: np.ndarray) -> list[list[float]]:
    """To a thousandth; float16 votes and a picture's colours are not finer."""
    return np.round(values_HW.astype(np.float64), 3).tolist()


def pack_edges(index_NK: np.ndarray, weight_NK: np.ndarray) -> dict[str, Any]:
    """Strongest neighbours in three bytes each: base64 of N * K little-endian uint16 indices, then N * K uint8 weights.

    A weight is its byte * `most` / 255.
    """
    most = float(weight_NK.max(initial=0)) or 1.0
    byte_NK = np.round(weight_NK / most * 255).astype(np.uint8)
    data = index_NK.astype("<u2").tobytes() + byte_NK.tobytes()
    return {"count": index_NK.shape[1], "most": most, "data": base64.b64encode(data).decode()}
