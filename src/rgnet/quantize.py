"""A model's network in int8: post-training quantization by NNCF, calibrated on photos that it was trained on.

Convolutions and matrix products run in int8. In float stay the first convolutions, where a photo's own pixels lie on
a coarse grid already, the votes, and all that is neither convolution nor product: sums, softmax, log-sum-exp. Last,
the votes are raised so that scores are on average those of float32.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino as ov

from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.engines.openvino import explaining_misfits, from_pixels, with_weights
from rgnet.engines.openvino_bf16 import find_convolutions, folded
from rgnet.engines.openvino_graph import find_vote_layer
from rgnet.errors import DataError, need
from rgnet.evaluation.compare import Comparison, compare, describe_candidate
from rgnet.evaluation.predictions import TrackRecords, photos_of_split, predict
from rgnet.imaging.jobs import DecodeJob
from rgnet.imaging.workers import DecodePool
from rgnet.scorer import open_scorer
from rgnet.weights.card import ModelCard
from rgnet.weights.file import Int8, ModelFile

FLOATS = 3
PRODUCTS = ("Convolution", "GroupConvolution", "MatMul")


def quantize_network(model: ModelFile, photos: Iterable[np.ndarray], *, floats: int = FLOATS) -> Int8:
    """The model's network in int8, for photos of any size.

    photos: uint8 (H, W, 3), prepared as the model is fed; some hundreds
    floats: how many of the first convolutions stay in float32
    Raises MissingExtra.
    """
    nncf = need("nncf", extra="quantize", purpose="quantizing a network")
    with explaining_misfits(model):
        network = ov.Core().read_model(io.BytesIO(model.graph))
        product, activation = (node.get_friendly_name() for node in find_vote_layer(network))
        network = from_pixels(with_weights(network, model), model.card)
        network.reshape([-1, -1, -1, 3])
    network = folded(network)
    first = [node.get_friendly_name() for node in find_convolutions(network)][:floats]
    kept = [*first, product, *_other_layers(network)]
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
    return _serialize(
        _balance_votes(small, network, activation, samples, bins=bool(model.card.architecture.bins))
    )


def _balance_votes(
    small: ov.Model, network: ov.Model, activation: str, samples: Sequence[np.ndarray], *, bins: bool
) -> ov.Model:
    """`small` with a constant added to all its votes, one for each output, by which its answers lie low on average.

    Rounding draws the votes together, and log-sum-exp, which lives on the highest, falls: by the same amount for every
    photo, harmless for their order but not for a threshold. What is added to every vote is added to their
    log-sum-exp, and to their mixture, whose weights it leaves alone.

    activation: name of the sigmoid or softmax that gives the votes
    """
    low_C = _mean_output(network, samples) - _mean_output(small, samples)
    votes = next(node for node in small.get_ops() if node.get_friendly_name() == activation).output(0)
    targets = votes.get_target_inputs()
    raised = ov.opset13.clamp(ov.opset13.add(votes, ov.opset13.constant(low_C)), 0.0, 1.0)
    if bins:  # distributions, whose shares below 0 were cut off
        raised = ov.opset13.divide(
            raised, ov.opset13.reduce_sum(raised, np.array([-1], dtype=np.int64), keep_dims=True)
        )
    for target in targets:
        target.replace_source_output(raised.output(0))
    return small


def _mean_output(network: ov.Model, samples: Sequence[np.ndarray]) -> np.ndarray:
    run = ov.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})
    return np.mean([run(sample)["image_BC"][0] for sample in samples], axis=0)


def _other_layers(network: ov.Model) -> list[str]:
    """What is neither convolution nor matrix product."""
    nodes = network.get_ordered_ops()
    return [node.get_friendly_name() for node in nodes if node.get_type_name() not in PRODUCTS]


def _serialize(network: ov.Model) -> Int8:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.xml"
        ov.save_model(network, path, compress_to_fp16=False)
        return Int8(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def calibration_photos(
    photos: Sequence[RatedPhoto], card: ModelCard, count: int
) -> list[tuple[RatedPhoto, np.ndarray]]:
    """`count` photos drawn by a fixed seed, with their pixels as the model is fed. What does not decode is skipped.

    Raises DataError where fewer than half of them decode.
    """
    order = np.random.default_rng(0).permutation(len(photos))[:count]
    jobs = (
        (photo, DecodeJob(source=str(photo.path), hashed=False, preprocess=card.preprocess))
        for photo in (photos[index] for index in order)
    )
    with DecodePool() as pool:
        found = [
            (photo, decoded.prepared.pixels_HW3)
            for photo, decoded in pool.in_order(jobs)
            if decoded.prepared is not None
        ]
    if len(found) < max(1, len(order) // 2):
        raise DataError(
            f"{len(found)} of {len(order)} training photos can be read, expected at least half: see  rgnet verify"
        )
    return found


def add_int8(model: ModelFile, int8: Int8, photos: Sequence[RatedPhoto], *, serve: bool = True) -> ModelFile:
    """The model with its int8 network; its card names the calibration photos and, if `serve`, prefers int8."""
    calibration = {"photos": len(photos), "list": list_hash(photos), "nncf": version("nncf")}
    precision = "int8" if serve else model.card.precision
    card = replace(model.card, precision=precision, training=model.card.training | {"int8": calibration})
    return replace(model, card=card, int8=int8)


def evaluate_int8(model: ModelFile, rated: RatedPhotos, *, track: TrackRecords = iter) -> Comparison:
    """A is the model in int8, B in float32, on the validation photos: paired bootstrap."""
    validation = photos_of_split(rated, "held_out")
    predictions, candidates = [], []
    for precision in ("int8", "f32"):
        scorer = open_scorer(model, engine="openvino", precision=precision)
        predictions.append(predict(scorer, rated, validation, track=track))
        candidates.append(describe_candidate(scorer, rated, validation))
    a, b = predictions
    return compare(rated, "held_out", a=a, b=b, candidates=(candidates[0], candidates[1]))
