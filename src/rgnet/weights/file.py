"""One file is a model: weights, graph, and a card that says how to feed it and what its numbers mean.

A safetensors file of
    the network's tensors     float16 or float32, see `to_stored`
    graph.onnx                uint8, the network as ONNX with every weight a graph input (about 0.1 MB)
    int8.xml.gz, int8.bin     uint8, where `rgnet quantize` made them: the network in int8 as OpenVINO IR
    metadata "rgnet"          the card as JSON
    metadata "sha256"         hash over all tensors and the card, without its metrics: they are about the model, and
                              recording an evaluation does not make it another model

Cards are read without NumPy and safetensors, imported where weights are touched: a scan that finds nothing new needs
no weights.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rgnet.architecture import Architecture, is_weight
from rgnet.atomic import write_bytes
from rgnet.errors import (
    ModelDamaged,
    ModelFileError,
    ModelForeign,
    ModelNotFound,
    ModelTooNew,
    SettingError,
    update_command,
)
from rgnet.weights.card import FORMAT_VERSION, ModelCard

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".safetensors"
GRAPH = "graph.onnx"
INT8 = ("int8.xml.gz", "int8.bin")
HEAD_LIMIT = 10_000_000
_XML_LIMIT = 50_000_000
_LONGEST_REASON = 300


class Int8(NamedTuple):
    """A network in int8 as OpenVINO IR, fed with uint8 (B, H, W, 3) of any size; `rgnet.quantize` makes it."""

    xml: bytes
    weights: bytes


@dataclass(frozen=True)
class ModelFile:
    """A model in memory: card, weights by their names in the network, and the ONNX graph without weights."""

    card: ModelCard
    tensors: Mapping[str, np.ndarray]
    graph: bytes
    path: Path | None = None
    int8: Int8 | None = None


def to_stored(architecture: Architecture, state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A network's state as stored: matrices and kernels in float16, vectors in float32, counters left out.

    Where equation 1 is neither scaled nor bounded, all that S is built from stays in float32: its similarities are in
    the hundreds, and float16 would move S by up to 1.
    """
    import numpy as np

    sharp = architecture.graph == "paper" and architecture.graph_layers and not architecture.scaled_affinity
    exact = ("backbone.", "context.", "graph.phi", "graph.theta") if sharp else ()
    arrays = {name: np.asarray(tensor) for name, tensor in state.items()}
    return {
        name: np.ascontiguousarray(
            array, dtype=np.float16 if array.ndim >= 2 and not name.startswith(exact) else np.float32
        )
        for name, array in arrays.items()
        if is_weight(name)
    }


def write_model(
    path: Path,
    card: ModelCard,
    tensors: Mapping[str, np.ndarray],
    graph: bytes,
    *,
    int8: Int8 | None = None,
) -> str:
    """Write a model file atomically; returns its hash. Raises OutputError."""
    return _write_parts(path, card.to_dict(), ModelFile(card=card, tensors=tensors, graph=graph, int8=int8))


def _write_parts(path: Path, values: dict[str, Any], model: ModelFile) -> str:
    """A model's parts with these values as its card."""
    import numpy as np
    from safetensors.numpy import save

    stored = {name: np.ascontiguousarray(array) for name, array in sorted(model.tensors.items())}
    stored[GRAPH] = np.frombuffer(model.graph, dtype=np.uint8)
    if model.int8 is not None:
        contents = (gzip.compress(model.int8.xml, mtime=0), model.int8.weights)
        stored |= {name: np.frombuffer(part, np.uint8) for name, part in zip(INT8, contents, strict=True)}
    digest = content_hash(values, stored)
    write_bytes(path, save(stored, metadata={"rgnet": json.dumps(values, sort_keys=True), "sha256": digest}))
    return digest


def read_model(path: Path) -> ModelFile:
    """Read a model file and check its hash and whether its parts are what they should be.

    Raises ModelNotFound, ModelDamaged (truncated, changed since it was written, or with impossible content),
    ModelForeign or ModelTooNew; a plain ModelFileError where it cannot be opened.
    """
    from safetensors import SafetensorError, safe_open

    values, sha256 = _read_values(path)
    card = _parse_card(path, values, sha256)
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, TypeError, ValueError, LookupError, AttributeError) as problem:
        raise _damaged(path, problem) from problem
    if content_hash(values, tensors) != sha256:
        raise ModelDamaged(
            f"{path}: the content does not match its hash {card.short_hash}: fetch the file again"
        )
    graph, int8 = _take_bytes(path, tensors, GRAPH), _take_int8(path, tensors)
    if graph is None:
        raise _damaged(path, f"{GRAPH} is missing")
    _check_weights(path, tensors)
    return ModelFile(card=card, tensors=tensors, graph=graph, path=path, int8=int8)


def _take_bytes(path: Path, tensors: dict[str, np.ndarray], name: str) -> bytes | None:
    array = tensors.pop(name, None)
    if array is not None and (array.dtype != "uint8" or array.ndim != 1):
        raise _damaged(path, f"{name} is not bytes")
    return None if array is None else array.tobytes()


def _take_int8(path: Path, tensors: dict[str, np.ndarray]) -> Int8 | None:
    xml, weights = (_take_bytes(path, tensors, name) for name in INT8)
    if xml is None and weights is None:
        return None
    if xml is None or weights is None:
        raise _damaged(path, f"of {' and '.join(INT8)} one is missing")
    inflating = zlib.decompressobj(wbits=31)
    try:
        plain = inflating.decompress(xml, _XML_LIMIT)
    except zlib.error as problem:
        raise _damaged(path, f"{INT8[0]}: {problem}") from problem
    if not inflating.eof:
        raise _damaged(path, f"{INT8[0]} is cut short, or more than {_XML_LIMIT // 10**6} MB")
    return Int8(plain, weights)


def _check_weights(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    import numpy as np

    for name, array in tensors.items():
        if array.dtype not in ("float16", "float32"):
            raise _damaged(path, f"{name} is {array.dtype}, expected float16 or float32")
        if not np.isfinite(array).all():
            raise _damaged(path, f"{name} holds values that are not numbers")


def read_card(path: Path) -> ModelCard:
    """Only the card, from the head of the file. Raises as `read_model` does, except that nothing is hashed."""
    return _parse_card(path, *_read_values(path))


def _read_values(path: Path) -> tuple[dict[str, Any], str]:
    """The card as JSON has it, and the hash."""
    metadata = read_metadata(path)
    if "rgnet" not in metadata or "sha256" not in metadata:
        raise ModelForeign(
            f"{path} is a safetensors file, but not one of rgnet's: give a file `rgnet train` wrote"
        )
    try:
        values = json.loads(metadata["rgnet"])
        json.dumps(values, ensure_ascii=False).encode()  # so that all of its texts can be shown
    except (ValueError, RecursionError) as problem:
        raise _damaged(path, f"its card is not JSON: {problem}") from problem
    version = values.get("format_version") if isinstance(values, dict) else None
    if not isinstance(version, int):
        raise _damaged(path, "its card names no format_version")
    if version > FORMAT_VERSION:
        raise ModelTooNew(
            f"{path} has format {version}, this rgnet reads up to {FORMAT_VERSION}: {update_command()}"
        )
    return values, metadata["sha256"]


def _parse_card(path: Path, values: dict[str, Any], sha256: str) -> ModelCard:
    try:
        return ModelCard.from_dict(values, sha256=sha256)
    except SettingError as problem:
        raise _damaged(path, f"its card: {problem}") from problem


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in the head of a safetensors file: eight bytes of the head's length, the head as JSON, the tensors."""
    try:
        size, length, text = _read_head(path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as problem:  # a name may hold a zero byte
        raise ModelNotFound(f"there is no model file {path}") from problem
    except OSError as problem:
        raise ModelFileError(f"the model file {path} cannot be read: {problem.strerror}") from problem
    try:
        entries = json.loads(text)
        metadata = entries.pop("__metadata__", {})
        expected = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as problem:
        raise _damaged(path, f"its head is not what it should be: {problem}") from problem
    if size != expected:
        raise _damaged(path, f"expected {expected} bytes, found {size}")
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "its head is not what it should be: expected texts under __metadata__")
    return metadata


def _read_head(path: Path) -> tuple[int, int, bytes]:
    """(size of the file, length of the head, the head)."""
    info = path.stat()
    size = info.st_size
    if not stat.S_ISREG(info.st_mode):
        raise ModelFileError(f"the model file {path} cannot be read: it is not a file")
    with path.open("rb") as file:
        head = file.read(9)
        length = int.from_bytes(head[:8], "little")
        if size >= 10 and (head[8:] != b"{" or length > HEAD_LIMIT):
            raise ModelForeign(
                f"{path} is not a model file: expected safetensors written by `rgnet train`, found something else"
            )
        return size, length, head[8:] + file.read(max(0, min(length, size) - 1))


def _damaged(path: Path, problem: object) -> ModelDamaged:
    reason = str(problem)[:_LONGEST_REASON]
    return ModelDamaged(f"{path} is truncated or damaged ({reason}): fetch the file again")


def record_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Add evaluation results to the card of a model file; its hash stays, whichever version wrote the card."""
    model, (values, _) = read_model(path), _read_values(path)
    _write_parts(path, values | {"metrics": model.card.metrics | metrics}, model)


def content_hash(card: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> str:
    """sha256 over the card but its metrics, and every tensor's name, type, shape and bytes in the order of names."""
    import numpy as np

    lasting = {name: value for name, value in card.items() if name != "metrics"}
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()
