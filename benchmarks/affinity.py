"""What do half precisions do to a model's graph? `python benchmarks/affinity.py MODEL --labels LABELS --photos PHOTOS`.

Runs a model with a region graph on --count test photos of a data set, drawn by seed: in float32 as its file has it,
with all matrices rounded to float16 first, and with torch's bf16 autocast. Prints what becomes of S, the share of
regions that attend most to another region than before, and of the scores. A row of S sums to 1.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from measure import describe_machine
from torch import Tensor

from rgnet.cli.progress import track
from rgnet.datasets.leaks import load_as_trained
from rgnet.datasets.records import hold_out
from rgnet.evaluation.metrics import srcc
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import prepare
from rgnet.model import RGNet, restored
from rgnet.model.normalise import Normalise
from rgnet.text import markdown_table
from rgnet.weights.file import read_model


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("model", type=Path)
    options.add_argument("--labels", type=Path, required=True)
    options.add_argument("--photos", type=Path, required=True)
    options.add_argument("--count", type=int, default=20)
    chosen = options.parse_args()
    model = read_model(chosen.model)
    rated = load_as_trained(model.card, chosen.labels, chosen.photos, track=track)
    _, drawn = hold_out(rated.test, chosen.count, seed=0)
    halved = {name: array.astype(np.float16) for name, array in model.tensors.items() if array.ndim >= 2}
    exact = restored(model.card.architecture, model.tensors).eval()
    rounded = restored(model.card.architecture, {**model.tensors, **halved}).eval()
    normalise, scale = Normalise(model.card.preprocess), model.card.scale.high - model.card.scale.low
    found = []
    for rating in track(drawn, total=len(drawn), description="photos"):
        photo = prepare(rating.path, model.card.preprocess, DecodePolicy())
        image_13HW = normalise(torch.tensor(photo.pixels_HW3).permute(2, 0, 1)[None].float())
        exact_run = look(exact, image_13HW)
        found.append([exact_run, look(rounded, image_13HW), look(exact, image_13HW, bf16=True)])
    print(f"{model.card.name} ({model.card.short_hash}), {len(found)} test photos, {describe_machine()}\n")
    heads = (
        "",
        "largest change of S",
        "row maximum",
        "regions that attend elsewhere",
        "score, largest",
        "mean",
        "ranks",
    )
    names = ("float32, as stored", "all matrices in float16", "bf16")
    rows = [
        describe(name, [run[0] for run in found], [run[at] for run in found], scale)
        for at, name in enumerate(names)
    ]
    print(markdown_table(heads, rows))


@torch.inference_mode()
def look(network: RGNet, image_13HW: Tensor, *, bf16: bool = False) -> tuple[np.ndarray, float]:
    """(N, N) S of the first head, and the score in [0, 1]."""
    with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
        votes = network(image_13HW, explain=True)
    assert votes.stages is not None and votes.stages.affinity_BNN is not None
    affinity = votes.stages.affinity_BNN.float().numpy()
    return affinity.reshape(-1, *affinity.shape[-2:])[0], float(votes.image_BC[0, -1])


def describe(
    name: str, before: list[tuple[np.ndarray, float]], after: list[tuple[np.ndarray, float]], scale: float
) -> tuple[str, ...]:
    moved = [np.abs(one - other).max() for (one, _), (other, _) in zip(before, after, strict=True)]
    elsewhere = [
        (one.argmax(axis=1) != other.argmax(axis=1)).mean()
        for (one, _), (other, _) in zip(before, after, strict=True)
    ]
    score_N, other_N = (np.array([score for _, score in runs]) for runs in (before, after))
    change_N = np.abs(score_N - other_N) * scale
    return (
        name,
        f"{max(moved):.3f}",
        f"{np.mean([one.max(axis=1).mean() for one, _ in after]):.3f}",
        f"{100 * np.mean(elsewhere):.1f} %",
        f"{change_N.max():.4f}",
        f"{change_N.mean():.4f}",
        f"{srcc(score_N, other_N):.4f}",
    )


if __name__ == "__main__":
    main()
