"""How well the cheap search of `rgnet crop` agrees with scoring every candidate, and what it gains over the middle.

python benchmarks/crops.py FOLDER [--model MODEL] [--photos 100] [--ratio 4:5]
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import spearmanr

import rgnet
from rgnet.culling.crops import estimates, open_crop_pool, parse_ratio
from rgnet.imaging.crop import CropJob
from rgnet.imaging.discovery import find_photos


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder")
    words.add_argument("--model")
    words.add_argument("--photos", type=int, default=100)
    words.add_argument("--ratio", default="4:5")
    words.add_argument("--size", type=float, default=1.0)
    chosen = words.parse_args()
    scorer = rgnet.load(chosen.model)
    names = [str(path) for path in find_photos([chosen.folder])]
    names = names[:: max(1, len(names) // chosen.photos)][: chosen.photos]
    ranks, first, among, regret, gain = [], [], [], [], []
    with open_crop_pool() as pool:
        jobs = (
            (
                name,
                CropJob(
                    source=name,
                    preprocess=scorer.preprocess,
                    ratio=parse_ratio(chosen.ratio),
                    size=chosen.size,
                ),
            )
            for name in names
        )
        for name, answer in pool.in_order(jobs):
            if answer.error or len(answer.boxes) < 3:
                continue
            whole = scorer.score_prepared([name], [answer.prepared], regions=True)[0]
            guess = estimates(whole, answer.boxes, scorer)
            found = np.array([record.score for record in scorer.score_prepared(answer.boxes, answer.parts)])
            ranks.append(spearmanr(guess, found).statistic)
            order = 1 + np.argsort(-guess[1:])[:5]
            first.append(int(order[0] == 1 + found[1:].argmax()))
            among.append(int(1 + found[1:].argmax() in order))
            best = found[[0, *order]].max()
            regret.append(found.max() - best)
            gain.append(best - found[0])
    print(
        f"{len(ranks)} photos, {chosen.ratio} at {chosen.size:g}, {scorer.card.name} {scorer.card.short_hash}"
    )
    print(f"estimates against scores, mean rank correlation within a photo: {np.nanmean(ranks):.3f}")
    print(
        f"the best of all is estimated best: {np.mean(first):.2f}; among the five best: {np.mean(among):.2f}"
    )
    print(
        f"points lost beside scoring all: {np.mean(regret):.4f}; gained over the middle: {np.mean(gain):.4f}"
    )


if __name__ == "__main__":
    main()
