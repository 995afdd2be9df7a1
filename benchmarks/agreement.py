"""Do the maps agree? `python benchmarks/agreement.py --labels LABELS --photos PHOTOS [--count 200] [--json FILE]`.

Draws test photos of a data set by seed, explains each with the default model, and compares three maps cell by cell of
the what-if grid: what each cell is worth when it is blurred, the same when it is filled with the photo's mean colour,
and the mean vote of the regions in it. Prints, with 95 % bootstrap intervals over photos:
  votes_blur     mean over photos of Spearman's correlation of votes and worth (blurred)
  votes_colour   of votes and worth (mean colour)
  blur_colour    of the two worths: how far two ways to cover a cell agree, a ceiling for any other map
  others         of a photo's votes and the next photo's worth (blurred): what comes of the middle of photos alone
  positive       share of photos in which votes and worth (blurred) go together at all
  lift, distract mean over photos of the worth of the cell that lifts most, and of the one that distracts most
  loudest        mean over regions and photos of the largest entry in a region's row of S: 1: only one
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from measure import describe_machine

import rgnet
from rgnet.cli.progress import track
from rgnet.datasets.leaks import load_as_trained
from rgnet.datasets.records import RatedPhoto
from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.metrics import srcc
from rgnet.explanation import explain
from rgnet.imaging.prepare import prepare
from rgnet.results import box_of
from rgnet.scorer import Scorer
from rgnet.what_if import CELLS, covering_effects, fill_with_mean


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--labels", type=Path, required=True)
    options.add_argument("--photos", type=Path, required=True)
    options.add_argument("--count", type=int, default=200)
    options.add_argument(
        "--json", type=Path, help="also write the figures, and every photo's own, to this file"
    )
    chosen = options.parse_args()
    scorer = rgnet.load()
    test = load_as_trained(scorer.card, chosen.labels, chosen.photos).test
    drawn = np.random.default_rng(0).choice(len(test), chosen.count, replace=False)
    photos = [test[index] for index in drawn]
    compared = track(photos, total=len(photos), description="explaining")
    loudest, maps_of = zip(*(looked_at(scorer, photo) for photo in compared), strict=True)
    columns = per_photo(np.array(maps_of)) | {"loudest": np.array(loudest)}
    figures = {name: estimate(np.mean, values) for name, values in columns.items()}
    print(f"{scorer.card.name} {scorer.card.short_hash} on {scorer.engine_name}, {describe_machine()}")
    print(f"{len(photos)} photos, {CELLS} x {CELLS} cells")
    for name, figure in figures.items():
        print(f"{name:14}{figure}")
    if chosen.json:
        write(chosen.json, photos, columns, figures)


def looked_at(scorer: Scorer, photo: RatedPhoto) -> tuple[float, list[np.ndarray]]:
    """The mean of S's largest entries; the mean vote of each cell and its worth by either cover, row by row."""
    found = explain(scorer, photo.path, what_if=CELLS)
    prepared = prepare(photo.path, scorer.card.preprocess, scorer.policy)
    coloured = covering_effects(scorer, prepared, cells(), fill_with_mean)
    loudest = float(found.affinity().max(axis=1).mean())
    return loudest, [in_cells(found.regions.votes).ravel(), found.what_if.effect_RC.ravel(), coloured]


def cells() -> list[tuple[float, float, float, float]]:
    return [
        box_of((CELLS, CELLS), row, column, width=1, height=1)
        for row in range(CELLS)
        for column in range(CELLS)
    ]


def in_cells(map_HW: np.ndarray) -> np.ndarray:
    """(CELLS, CELLS): the mean of a map over each cell, regions counted by how much of them lies in it."""
    rows_RH, columns_CW = shares(map_HW.shape[0]), shares(map_HW.shape[1])
    return rows_RH @ map_HW @ columns_CW.T


def shares(count: int) -> np.ndarray:
    """(CELLS, count): the share of each cell's side that each of `count` regions takes; rows sum to 1."""
    cell_R1, region_H = np.arange(CELLS)[:, None] / CELLS, np.arange(count) / count
    ends = np.minimum(cell_R1 + 1 / CELLS, region_H + 1 / count) - np.maximum(cell_R1, region_H)
    return np.clip(ends, 0, None) * CELLS


def per_photo(maps_P3M: np.ndarray) -> dict[str, np.ndarray]:
    votes, blur, colour = maps_P3M.transpose(1, 0, 2)
    votes_blur = ranks(votes, blur)
    return {
        "votes_blur": votes_blur,
        "votes_colour": ranks(votes, colour),
        "blur_colour": ranks(blur, colour),
        "others": ranks(votes, np.roll(blur, -1, axis=0)),
        "positive": (votes_blur > 0).astype(float),
        "lift": blur.max(axis=1),
        "distract": blur.min(axis=1),
    }


def ranks(one_PM: np.ndarray, other_PM: np.ndarray) -> np.ndarray:
    return np.array([srcc(*pair) for pair in zip(one_PM, other_PM, strict=True)])


def write(
    file: Path, photos: list[RatedPhoto], columns: dict[str, np.ndarray], figures: dict[str, Estimate]
) -> None:
    values = {
        "keys": [photo.key for photo in photos],
        "figures": {name: [figure.value, figure.low, figure.high] for name, figure in figures.items()},
        "photos": {name: values.tolist() for name, values in columns.items()},
    }
    file.write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    main()
