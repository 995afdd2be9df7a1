"""Does a taste help? `python benchmarks/taste.py --labels PARA --photos PHOTOS [--cache FILE] [--json FILE]`.

PARA publishes no ratings by person here, so people are simulated on its 3,000 test photos. One's liking of a photo is
    sqrt(COMMON) mean rating + sqrt(share) taste + sqrt(1 - COMMON - share) noise, each standardised,
a taste being a random mixture, half of the photo's kind (portrait, plant, ...) and half of what people said of its
colour, light, depth of field, content, composition, quality and emphasis, without what goes along with the mean rating.
Stars are this liking cut at the percentiles 10, 35, 65 and 90. Nobody's taste was chosen by what the learner can do.

Each person rates n random photos. Agreement is Spearman's rank correlation with their stars on all other photos: of the
score, of the taste, and of what is served: the taste where cross-validation on their n ratings finds it better, else
the score. "helped" is the share of people for whom what is served agrees more than the score does, "worst" the largest
loss of one person.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from measure import describe_machine, write_figures

import rgnet
from rgnet.cli.progress import track
from rgnet.evaluation import bootstrap
from rgnet.evaluation.metrics import plcc, srcc
from rgnet.scorer import BATCH
from rgnet.taste.agreement import FEW
from rgnet.taste.learner import Opinions, cross_validate, learn

COMMON = 0.46
SHARES = (0.2, 0.3, 0.0, 0.1)
RATINGS = (10, 20, 50, 100, 200)
CUTS = (0.1, 0.35, 0.65, 0.9)
# Fewer than the command draws: intervals are a little rougher, which photos' taste is kept does not depend on them
_RESAMPLES = 200
ATTRIBUTES = ("quality", "composition", "color", "dof", "light", "content")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--labels", type=Path, required=True, help="PARA-GiaaTest.csv")
    options.add_argument("--photos", type=Path, required=True, help="the folder of PARA's sessions")
    options.add_argument(
        "--cache", type=Path, help="features are kept here, and taken from here: a .npz file"
    )
    options.add_argument("--people", type=int, default=30)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with chosen.labels.open() as file:
        rows = list(csv.DictReader(file))
    features, scores = features_of(rows, chosen.photos, chosen.cache)
    mean = standardised(np.array([float(row["aestheticScore_mean"]) for row in rows]))
    kinds, said = sources_of_taste(rows, mean)
    print(f"{len(rows)} photos, {chosen.people} people, {describe_machine()}")
    print(f"rank correlation of scores and mean ratings {srcc(scores, mean):.3f}")
    figures, features = [], standardised(features)
    bootstrap.RESAMPLES = _RESAMPLES
    for share in SHARES:
        for count in RATINGS:
            figures.append(compared(share, count, chosen.people, features, scores, mean, (kinds, said)))
            print("  ".join(f"{name} {value:.3f}" for name, value in figures[-1].items()), flush=True)
    write_figures(chosen.json, {"rows": figures})


def features_of(rows: list[dict], folder: Path, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """(features, scores) of the default model, from the cache where that has them."""
    if cache is not None and cache.is_file():
        kept = np.load(cache)
        return kept["features"].astype(float), kept["scores"]
    scorer = rgnet.load()
    paths = [folder / row["sessionId"] / row["imageName"] for row in rows]
    found = []
    for start in track(range(0, len(paths), BATCH), total=len(paths) // BATCH, description="scoring"):
        batch = paths[start : start + BATCH]
        found += scorer.score_prepared(batch, [scorer.prepare(path) for path in batch], features=True)
    features, scores = np.array([each.features for each in found]), np.array([each.score for each in found])
    if cache is not None:
        np.savez(cache, features=features, scores=scores)
    return features.astype(float), scores


def sources_of_taste(rows: list[dict], mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What kind a photo is, and what people said of it, both without what goes along with the mean rating."""
    said = [[float(row[f"{name}Score_mean"]) for name in ATTRIBUTES] for row in rows]
    emphasis = [[float(row["contentPreference_mean"]), float(row["isObjectEmphasis_mean"])] for row in rows]
    names = sorted({row["semantic"] for row in rows})
    kinds = np.array([[row["semantic"] == name for name in names] for row in rows], float)
    return rest(kinds, mean), rest(np.hstack([said, emphasis]), mean)


def rest(columns: np.ndarray, mean: np.ndarray) -> np.ndarray:
    base = np.column_stack([np.ones(len(mean)), mean])
    return standardised(columns - base @ np.linalg.lstsq(base, columns, rcond=None)[0])


def standardised(values: np.ndarray) -> np.ndarray:
    deviation = values.std(0)
    return (values - values.mean(0)) / np.where(deviation > 1e-6, deviation, 1)


def stars_of_person(
    seed: int, share: float, mean: np.ndarray, sources: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    draw = np.random.default_rng([seed, 0])
    taste = sum(standardised(source @ draw.normal(size=source.shape[1])) for source in sources)
    taste = rest(taste[:, None], mean)[:, 0]
    noise = draw.normal(size=len(mean))
    liking = np.sqrt(COMMON) * mean + np.sqrt(share) * taste + np.sqrt(1 - COMMON - share) * noise
    return 1 + np.searchsorted(np.quantile(liking, CUTS), liking)


def compared(
    share: float,
    count: int,
    people: int,
    features: np.ndarray,
    scores: np.ndarray,
    mean: np.ndarray,
    sources: tuple[np.ndarray, np.ndarray],
) -> dict[str, float]:
    none, found = np.zeros(0, int), []
    for seed in range(people):
        stars = stars_of_person(seed, share, mean, sources)
        order = np.random.default_rng([seed, 1]).permutation(len(stars))
        rated, others = order[:count], order[count:]
        opinions = Opinions(
            feature_PD=features[rated],
            score_P=scores[rated],
            rated=np.arange(count),
            stars=stars[rated],
            better=none,
            other=none,
            equal=none,
        )
        taste = learn(opinions)
        generic = srcc(scores[others], stars[others])
        own = srcc(scores[others] + features[others] @ taste.weight_D + taste.bias, stars[others])
        validated = cross_validate(opinions) if count >= FEW else None
        kept = validated is not None and validated.gain.value > 0
        sure = validated is not None and validated.gain.low > 0
        found.append((plcc(stars, mean), generic, own, own if kept else generic, kept, sure))
    vote, generic, own, served, kept, sure = np.array(found, float).T
    return {
        "taste's share": share,
        "ratings": count,
        "stars with mean": float(vote.mean()),
        "score": float(generic.mean()),
        "taste": float(own.mean()),
        "better by taste": float((own > generic).mean()),
        "worst by taste": float((own - generic).min()),
        "served": float(served.mean()),
        "kept": float(kept.mean()),
        "beyond chance": float(sure.mean()),
        "helped": float((served > generic).mean()),
        "worst": float((served - generic).min()),
    }


if __name__ == "__main__":
    main()
