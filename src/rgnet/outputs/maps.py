"""An explanation as numbers: JSON for any program, .npz for NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.atomic import replacing, write_text
from rgnet.explanation import STAGES, Explanation

Region = tuple[int, int]


def write_json(explanation: Explanation, target: Path, *, region: Region) -> None:
    """`Explanation.to_dict`, with the maps of one region under "region". Raises OutputError."""
    values = explanation.to_dict() | {"region": _region_maps(explanation, region)}
    write_text(target, json.dumps(values) + "\n")


def _region_maps(explanation: Explanation, region: Region) -> dict[str, Any]:
    """place: (row, column); attention, attention_received: its row and column of S or null; similarity: by stage.

    Maps are (H, W) lists.
    """
    has_graph = explanation.affinity_NN is not None
    similarity = zip(STAGES, explanation.similarity(*region).tolist(), strict=True)
    return {
        "place": list(region),
        "attention": explanation.attention(*region).tolist() if has_graph else None,
        "attention_received": explanation.attention_received(*region).tolist() if has_graph else None,
        "similarity": dict(similarity),
    }


def write_npz(explanation: Explanation, target: Path, *, region: Region) -> None:
    """score, size (width, height of the upright photo), votes_HW, weights_HW, region (row, column) and its
    similarity_SHW; affinity_NN and effect_RC where there are any. Raises OutputError.
    """
    arrays: dict[str, np.ndarray] = {
        "score": np.array(explanation.photo.score),
        "size": np.array([explanation.photo.width, explanation.photo.height]),
        "votes_HW": explanation.regions.votes,
        "weights_HW": explanation.regions.weights,
        "region": np.array(region),
        "similarity_SHW": explanation.similarity(*region),
    }
    if explanation.affinity_NN is not None:
        arrays["affinity_NN"] = explanation.affinity_NN
    if explanation.what_if is not None:
        arrays["effect_RC"] = explanation.what_if.effect_RC
    with replacing(target) as path, path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


WRITERS = {".json": write_json, ".npz": write_npz}
