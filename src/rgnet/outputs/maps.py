"""An explanation as numbers: JSON for programs of any kind, .npz for NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.explanation import STAGES, Explanation

Region = tuple[int, int]


def write_json(found: Explanation, target: Path, *, region: Region) -> None:
    """`Explanation.to_dict` with what the graph and the stages say of one region, under "region"."""
    target.write_text(
        json.dumps(found.to_dict() | {"region": of_region(found, region)}) + "\n", encoding="utf-8"
    )


def of_region(found: Explanation, region: Region) -> dict[str, Any]:
    """place: (row, column); hears, heard_by: its row and column of S or null; similarity: by stage; (H, W) lists."""
    graph = found.affinity_NN is not None
    maps = zip(STAGES, found.similarity(*region).tolist(), strict=True)
    return {
        "place": list(region),
        "hears": found.hears(*region).tolist() if graph else None,
        "heard_by": found.heard_by(*region).tolist() if graph else None,
        "similarity": dict(maps),
    }


def write_npz(found: Explanation, target: Path, *, region: Region) -> None:
    """score, size (width, height of the upright photo), votes_HW, weights_HW, region (row, column) and
    similarity_SHW of it; affinity_NN and effect_RC where there are.
    """
    arrays = {
        "score": np.float64(found.photo.score),
        "size": np.array([found.photo.width, found.photo.height]),
        "votes_HW": found.regions.votes,
        "weights_HW": found.regions.weights,
        "region": np.array(region),
        "similarity_SHW": found.similarity(*region),
        "affinity_NN": found.affinity_NN,
        "effect_RC": found.what_if and found.what_if.effect_RC,
    }
    with target.open("wb") as file:
        np.savez_compressed(file, **{name: array for name, array in arrays.items() if array is not None})


WRITERS = {".json": write_json, ".npz": write_npz}
