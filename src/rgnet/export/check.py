"""Whether an exported file answers as rgnet's own engine does: it is run in the program that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from rgnet.engines.registry import open_engine
from rgnet.errors import EngineError, RgnetError, need
from rgnet.export.interface import OUTPUTS, Interface
from rgnet.scorer import unit_score
from rgnet.weights.file import ModelFile

# Share of the rating scale by which a score may be off. A resize inside the network rounds a few values to the other
# neighbour, and does not know in which order the installed Pillow resizes rows and columns
TOLERANCE = {"pixels": 1e-4, "normalised": 1e-4, "photo": 1e-2}
VOTE = 10

Runner = Callable[[np.ndarray], dict[str, np.ndarray]]


def onnxruntime_runner(path: Path) -> Runner:
    runtime = need("onnxruntime", extra="export", purpose="checking an ONNX file")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (fed,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return lambda batch: dict(zip(names, session.run(names, {fed.name: batch}), strict=True))


def openvino_runner(path: Path) -> Runner:
    import openvino as ov

    network = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: {name: network(batch)[name].copy() for name in OUTPUTS}


def torch_runner(path: Path) -> Runner:
    torch = need("torch", extra="export", purpose="checking a .pt2 file")
    network = torch.export.load(path).module()

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            return {name: value.numpy() for name, value in network(torch.from_numpy(batch)).items()}

    return run


def guard_calls(program: str, name: str, work: Callable) -> Callable:
    """`work` of another program, with whatever it raises as an EngineError; a full disk stays an OSError."""

    def done(*arguments):
        try:
            return work(*arguments)
        except (RgnetError, OSError):
            raise
        except Exception as problem:
            raise EngineError(
                f"{program} cannot run the exported {name}: {problem}: nothing was written; "
                f"install the latest {program}, or give another --input"
            ) from problem

    return done


def check_export(run: Runner, file: ModelFile, interface: Interface) -> tuple[int, float]:
    """Batches compared and the largest difference of a score in points.

    Raises EngineError where a score, or a region's vote, is off by more than the tolerance.
    """
    engine = open_engine(file, "openvino", precision="f32")
    scale, bins = file.card.scale, file.card.architecture.bins
    tolerance, worst, batches = TOLERANCE[interface.feed], 0.0, 0
    for photos in _draw_batches(interface):
        pixels = np.stack([interface.card.preprocess(Image.fromarray(photo)) for photo in photos])
        image_BC, vote_BHWC = engine.run(pixels)
        score_B = np.array([scale.human(unit_score(image_C, bins)[0]) for image_C in image_BC])
        found = run(_to_input(photos, pixels, interface))
        off = float(np.abs(found["score"] - score_B).max())
        votes_off = float(np.abs(found["vote_BHWC"] - vote_BHWC).max())
        points = tolerance * (scale.high - scale.low)
        if not (off <= points and votes_off <= VOTE * tolerance):
            raise EngineError(
                f"the exported {file.card.name} is off: on a batch of shape {photos.shape} a score differs by "
                f"{off:.6f} points and a vote by {votes_off:.6f}, expected {points:g} and {VOTE * tolerance:g} at "
                "most: nothing was written; please report it with `rgnet info`"
            )
        worst, batches = max(worst, off), batches + 1
    return batches, worst


def _to_input(photos: np.ndarray, pixels: np.ndarray, interface: Interface) -> np.ndarray:
    if interface.feed == "photo":
        return photos
    if interface.feed == "pixels":
        return pixels
    mean, std = np.array(
        [interface.card.preprocess.byte_mean, interface.card.preprocess.byte_std], np.float32
    )
    normalised = (pixels.astype(np.float32) - mean) / std
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))


def _draw_batches(interface: Interface) -> Iterator[np.ndarray]:
    """Batches of uint8 (B, H, W, 3), each of another size of batch and another shape where those are open."""
    size = interface.card.preprocess.size
    draw = np.random.default_rng(0)
    shapes = [(size, size), (size, size * 4 // 3), (size * 3 // 2, size * 5 // 4), (2 * size, 3 * size)]
    for count, (height, width) in zip((1, 3, 5, 2), shapes, strict=True):
        if interface.side is not None and interface.feed != "photo":
            height = width = size
        yield np.stack([draw_picture(draw, index, height, width) for index in range(count)])


def draw_picture(draw: np.random.Generator, index: int, height: int, width: int) -> np.ndarray:
    """In turns: smooth surfaces with edges and a sensor's noise, bare noise, stripes, and black."""
    if index % 4 == 1:
        return draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if index % 4 == 2:
        return np.broadcast_to(np.uint8(255) * (np.arange(width)[:, None] // 5 % 2 == 0), (height, width, 3))
    if index % 4 == 3:
        return np.zeros((height, width, 3), np.uint8)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    smooth[height // 3 : height // 2, width // 4 : width // 2] //= 3
    return (smooth + draw.integers(-8, 9, (height, width, 1))).clip(0, 255).astype(np.uint8)
