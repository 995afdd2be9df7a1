"""Every engine and precision compared with torch: `python benchmarks/engines.py [--json FILE]`.

Needs ".[torch,quantize]". Networks alone, on two cores,
on photos that are decoded already: the default model in batches of eight, and the paper's
network (DenseNet-121 at 300x300, random weights) in batches of four. Engines take turns, so that whatever else the
machine does falls on all of them. Prints the median seconds a photo of each with its spread, and
  densenet121.NAME, default.NAME   times as fast as torch eager float32 in this run; `best` is the fastest
  scores                           how far the default model's scores move from float32's, in points of its scale
The int8 of the paper's network is made here, by NNCF, from the very photos that are scored: its speed is that of
any int8 network, its scores are not.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from measure import CORES, describe_machine, use_two_cores, write_figures

ROUNDS = 7
PLAIN = "torch-cpu-f32"
CHOICES = (("torch:cpu", "f32"), ("openvino", "f32"), ("openvino", "bf16"), ("openvino", "int8"))
ON_A_CARD = (("torch:cuda", "f32"), ("torch:cuda", "bf16"), ("compiled:cuda", "bf16"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    use_two_cores()

    figures: dict = {"machine": describe_machine()}
    for name, (file, pixels_BHWC) in {"default": default(), "densenet121": densenet()}.items():
        figures |= raced(name, file, pixels_BHWC)
        print(json.dumps(figures, indent=2), flush=True)
    write_figures(chosen.json, figures)


def at_hand(file, pixels_BHWC: np.ndarray) -> Iterator[tuple[str, str, object]]:
    """The engines that run here, one after the other: (as asked, precision, engine); int8 is made if need be."""
    from rgnet.engines.registry import has_cuda, open_engine
    from rgnet.errors import EngineError
    from rgnet.quantize import quantize_network

    if file.int8 is None:
        file = replace(file, int8=quantize_network(file, list(pixels_BHWC)))
    for asked, precision in (*CHOICES, *ON_A_CARD) if has_cuda() else CHOICES:
        try:
            yield asked, precision, open_engine(file, asked, precision=precision, threads=CORES)
        except EngineError as problem:  # a processor without bf16, or no compiler
            print(problem)


def default():
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    return read_model(find_model(None)), photos(8, 224)


def densenet():
    """The paper's network with random weights."""
    from rgnet.export import graph_of
    from rgnet.imaging.preprocess import Preprocess
    from rgnet.model import build, preset
    from rgnet.weights.card import ModelCard, Scale
    from rgnet.weights.file import ModelFile, to_stored

    network = build(preset("rgnet")).eval()
    card = ModelCard(
        name="random",
        architecture=preset("rgnet"),
        preprocess=Preprocess(size=300),
        scale=Scale(low=0, high=1, people="nobody", quantiles=(0, 1)),
        licence="none",
    )
    return ModelFile(
        card=card, tensors=to_stored(card.architecture, network.state_dict()), graph=graph_of(network)
    ), photos(4, 300)


def photos(count: int, size: int) -> np.ndarray:
    """uint8 (B, size, size, 3)."""
    from photos import SOURCES, make

    draw = np.random.default_rng(0)
    made = (make(SOURCES[index % len(SOURCES)], draw) for index in range(count))
    return np.stack([np.asarray(photo.resize((size, size))) for photo in made])


def raced(name: str, file, pixels_BHWC: np.ndarray) -> dict:
    engines = {engine.name: engine for *_, engine in at_hand(file, pixels_BHWC)}
    scores = {key: file.card.scale.human(opened.run(pixels_BHWC)[0][:, 0]) for key, opened in engines.items()}
    seconds = {key: [] for key in engines}
    for _ in range(ROUNDS):
        for key, opened in engines.items():
            start = time.perf_counter()
            opened.run(pixels_BHWC)
            seconds[key].append((time.perf_counter() - start) / len(pixels_BHWC))
    times = {key: median(values) for key, values in seconds.items()}
    ratios = {
        f"{name}.{key.removeprefix('openvino-')}": round(times[PLAIN] / value, 2)
        for key, value in times.items()
        if key != PLAIN
    }
    return {
        f"{name}_s_per_photo": {
            key: {"median": round(times[key], 5), "from": round(min(some), 5), "to": round(max(some), 5)}
            for key, some in seconds.items()
        },
        **ratios,
        f"{name}.best": max(ratios.values()),
        f"{name}_scores": {
            key: round(float(np.abs(score_B - scores[PLAIN]).max()), 4) for key, score_B in scores.items()
        },
    }


if __name__ == "__main__":
    main()
