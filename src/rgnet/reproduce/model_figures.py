"""Figures 2 and 6 of a trained model on rated photos: pictures, and the numbers behind them as JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.atomic import write_text
from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto
from rgnet.errors import DataError
from rgnet.explanation import STAGES
from rgnet.imaging.decode import decode
from rgnet.reproduce.figures import draw_captioned_photos, draw_similarity_maps, make_thumbnail
from rgnet.reproduce.similarity import MEASURES, SimilarityMaps, compute_similarity_maps
from rgnet.reproduce.statistics import spread
from rgnet.reproduce.tables import format_interval
from rgnet.results import ScoredPhoto
from rgnet.scorer import load
from rgnet.text import markdown_table

SHOWN = 5
EACH = 8


def figure2(
    model: str | None, photos: Sequence[RatedPhoto], folder: Path, *, track: Track, conditions: dict[str, Any]
) -> str:
    """The EACH photos that the model ranks first and last; writes figure2.png and figure2.json."""
    scorer = load(model)
    records = list(
        track(scorer.score_many(photo.path for photo in photos), total=len(photos), description="scoring")
    )
    ranked = sorted(
        (
            (record.score, photo)
            for record, photo in zip(records, photos, strict=True)
            if isinstance(record, ScoredPhoto)
        ),
        key=lambda pair: (-pair[0], pair[1].key),
    )
    if len(ranked) < 2 * EACH:
        raise DataError(f"{len(ranked)} photos could be scored: Figure 2 shows {2 * EACH}")
    best, worst = ranked[:EACH], ranked[: -EACH - 1 : -1]
    bands = (("The highest scores", _caption(best)), ("The lowest scores", _caption(worst)))
    draw_captioned_photos(bands, folder / "figure2.png")
    values = {
        **conditions,
        "model": scorer.card.name,
        "model_hash": scorer.card.short_hash,
        "failed": len(photos) - len(ranked),
        "best": _list_ranked(best),
        "worst": _list_ranked(worst),
    }
    write_text(folder / "figure2.json", json.dumps(values, indent=2) + "\n")
    return f"wrote {folder / 'figure2.png'}"


def _caption(ranked: Sequence[tuple[float, RatedPhoto]]) -> list:
    return [
        (make_thumbnail(decode(photo.path).image), f"{score:.2f}, people {photo.mean:.2f}")
        for score, photo in ranked
    ]


def _list_ranked(ranked: Sequence[tuple[float, RatedPhoto]]) -> list[dict[str, Any]]:
    return [{"photo": photo.key, "score": score, "people": photo.mean} for score, photo in ranked]


def figure6(
    model: str | None, photos: Sequence[RatedPhoto], folder: Path, *, track: Track, conditions: dict[str, Any]
) -> str:
    """How large an area is similar to the best region at each stage; writes figure6.png, .json and .md."""
    scorer = load(model, precision="f32")
    shown: list[SimilarityMaps] = []
    shares: list[list[list[float]]] = []
    controls: list[list[list[float]]] = []
    for found in compute_similarity_maps(scorer, photos, track=track):
        shares.append([_measure(map_HW) for map_HW in found.similarity_SHW])
        controls.append([_measure(map_HW) for map_HW in found.control_SHW])
        if len(shown) < SHOWN:
            shown.append(found)
    draw_similarity_maps(shown, folder / "figure6.png")
    share_NSM, control_NSM = np.array(shares), np.array(controls)
    values = {
        **conditions,
        "model": scorer.card.name,
        "model_hash": scorer.card.short_hash,
        "engine": scorer.engine_name,
        "keys": [photo.key for photo in photos],
        "stages": STAGES,
        "measures": list(MEASURES),
        "values": share_NSM.round(4).tolist(),
        "control": control_NSM.round(4).tolist(),
    }
    table = _figure6_table(share_NSM, control_NSM, values)
    write_text(folder / "figure6.json", json.dumps(values) + "\n")
    write_text(folder / "figure6.md", table + "\n")
    return table


def _measure(map_HW: np.ndarray) -> list[float]:
    return [measure(map_HW) for measure in MEASURES.values()]


def _figure6_table(share_NSM: np.ndarray, control_NSM: np.ndarray, values: dict[str, Any]) -> str:
    """Means over photos, and the differences between consecutive stages, and from the control, on the same photos."""
    steps = [f"{later} minus {earlier}" for earlier, later in pairwise(STAGES)]
    heads = ["threshold", *STAGES, *steps, "largest after the graph"]
    rows = []
    for index, name in enumerate(MEASURES):
        percent_SN = 100 * share_NSM[:, :, index].T
        wins = int((percent_SN[-1] > percent_SN[:-1].max(axis=0)).sum())
        means = [_format_mean(percent_N) for percent_N in percent_SN]
        added = [_format_mean(added_N, sign="+") for added_N in np.diff(percent_SN, axis=0)]
        rows.append([name, *means, *added, f"{wins} of {len(share_NSM)} photos"])
    return "\n\n".join(
        [
            "## Figure 6: regions similar to the highest-voted one",
            f"{values['model']} ({values['model_hash']}) on {len(share_NSM)} {values['split']} photos of "
            f"{values['data']} (list {values['list']}): largest connected area (4 neighbours) whose cosine "
            "similarity to the highest-voted region reaches the threshold, in % of the photo, mean [95 % t "
            "interval] over photos.",
            markdown_table(heads, rows),
            "The same area around a region drawn at random, and how much larger it is around the highest-voted one:",
            _control_table(share_NSM, control_NSM),
            f"`{values['command']}`, {values['date']}, {values['engine']}.",
        ]
    )


def _control_table(share_NSM: np.ndarray, control_NSM: np.ndarray) -> str:
    heads = ["threshold", *STAGES, *(f"highest-voted minus random, {stage}" for stage in STAGES)]
    rows = []
    for index, name in enumerate(MEASURES):
        percent_SN = 100 * control_NSM[:, :, index].T
        more_SN = 100 * share_NSM[:, :, index].T - percent_SN
        means = [_format_mean(percent_N) for percent_N in percent_SN]
        rows.append([name, *means, *(_format_mean(more_N, sign="+") for more_N in more_SN)])
    return markdown_table(heads, rows)


def _format_mean(percent_N: np.ndarray, sign: str = "") -> str:
    found = spread(percent_N.tolist())
    return f"{found.mean:{sign}.1f}" + format_interval(found.interval, digits=1, sign=sign)
