"""A model's network in int8: post-training quantization by NNCF, calibrated on photos it has learned from.

Convolutions and matrix products run in int8. In float stay the first convolutions, where a photo's own pixels lie on
a coarse grid already, the votes, and all that is neither convolution nor product: sums, softmax, log-sum-exp.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino as ov

from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.engines.openvino import convolutions, folded, from_pixels, with_weights
from rgnet.errors import DataError, PhotoError, need
from rgnet.evaluation.answers import Track, answer, photos_of
from rgnet.evaluation.compare import Comparison, candidate, compare
from rgnet.intake import DecodePolicy
from rgnet.modelfile import Int8, ModelCard, ModelFile
from rgnet.scorer import opened, prepare

FLOATS = 3
PRODUCTS = ("Convolution", "GroupConvolution", "MatMul")


def quantized(model: ModelFile, photos: Iterable[np.ndarray], *, floats: int = FLOATS) -> Int8:
    """The model's network in int8, for photos of any size.

    photos: uint8 (H, W, 3), prepared as the model is fed; some hundreds
    floats: how many of the first convolutions stay in float32
    Raises MissingExtra.
    """
    nncf = need("nncf", extra="quantize", purpose="quantizing a network")
    network = from_pixels(with_weights(ov.Core().read_model(io.BytesIO(model.graph)), model), model.card)
    network.reshape([-1, -1, -1, 3])
    network = folded(network)
    layers = convolutions(network)
    kept = [*layers[:floats], layers[-1], *others(network)]
    samples = [photo[None] for photo in photos]
    nncf.set_log_level(40)
    small = nncf.quantize(
        network,
        nncf.Dataset(samples),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope(names=kept, validate=False),
    )
    return written(small)


def others(network: ov.Model) -> list[str]:
    """What is neither convolution nor matrix product."""
    nodes = network.get_ordered_ops()
    return [node.get_friendly_name() for node in nodes if node.get_type_name() not in PRODUCTS]


def written(network: ov.Model) -> Int8:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.xml"
        ov.save_model(network, path, compress_to_fp16=False)
        return Int8(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def samples(photos: Sequence[RatedPhoto], card: ModelCard, count: int) -> list[tuple[RatedPhoto, np.ndarray]]:
    """`count` photos drawn by a fixed seed, with their pixels as the model is fed; what does not decode is passed over.

    Raises DataError where fewer than half of them decode.
    """
    order = np.random.default_rng(0).permutation(len(photos))[:count]
    found = []
    for photo in (photos[index] for index in order):
        with contextlib.suppress(PhotoError):
            found.append((photo, prepare(photo.path, card.preprocess, DecodePolicy()).pixels_HW3))
    if len(found) < max(1, len(order) // 2):
        raise DataError(
            f"{len(found)} of {len(order)} training photos can be read, expected at least half: see  rgnet verify"
        )
    return found


def with_int8(model: ModelFile, int8: Int8, photos: Sequence[RatedPhoto]) -> ModelFile:
    """The model as it is served in int8; its card says so, and which photos showed the ranges."""
    told = {"photos": len(photos), "list": list_hash(photos), "nncf": version("nncf")}
    card = replace(model.card, precision="int8", training=model.card.training | {"int8": told})
    return replace(model, card=card, int8=int8)


def examined(model: ModelFile, rated: RatedPhotos, *, track: Track = iter) -> Comparison:
    """A is the model in int8, B in float32, on the held-out photos: paired bootstrap."""
    asked = photos_of(rated, "held_out")
    sheets, candidates = [], []
    for precision in ("int8", "f32"):
        scorer = opened(model, engine="openvino", precision=precision)
        sheets.append(answer(scorer, rated, asked, track=track))
        candidates.append(candidate(scorer, rated, asked))
    a, b = sheets
    return compare(rated, "held_out", a=a, b=b, candidates=tuple(candidates))
