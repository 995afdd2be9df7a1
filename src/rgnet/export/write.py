"""One verb: a model file's network, written for another program, run there, and kept only if it agrees."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rgnet.atomic import replacing_files
from rgnet.errors import SettingError, near, need
from rgnet.export import check, onnx
from rgnet.export.interface import Interface
from rgnet.weights.file import ModelFile


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. made_for: format and version in words; batches, worst: of the check, see `check.check`."""

    files: tuple[Path, ...]
    interface: Interface
    made_for: str
    batches: int
    worst: float

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in self.files) / 1e6


def to_onnx(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    model = onnx.onnx_model(file, interface)
    return onnx.save(model, path), f"ONNX opset {onnx.opset(model)}"


def to_openvino(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    import openvino as ov

    from rgnet.export.openvino import openvino_model, save

    with tempfile.TemporaryDirectory(dir=path.parent) as between:
        plain = Path(between) / "normalised.onnx"
        onnx.save(onnx.onnx_model(file, Interface(file.card, "normalised")), plain)
        written = save(openvino_model(plain, interface), path)
    return written, f"OpenVINO IR of {ov.get_version().partition('-')[0]}"


def to_pt2(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    torch = need("torch", extra="export", purpose="exporting to .pt2")
    from rgnet.export.program import program_of, save

    return save(program_of(file, interface), path, interface), f"a program of torch {torch.__version__}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: the program it is for, the ending of its file, the endings of files that may lie beside it, and
    what writes and what runs it."""

    program: str
    ending: str
    beside: tuple[str, ...]
    write: Callable[[ModelFile, Interface, Path], tuple[list[Path], str]]
    runner: Callable[[Path], check.Runner]

    def opened(self, path: Path, name: str) -> check.Runner:
        """What runs the exported model `name`, errors of the other program turned into EngineError."""
        return check.guarded(self.program, name, check.guarded(self.program, name, self.runner)(path))


KINDS = {
    "onnx": Kind("ONNX Runtime", ".onnx", (".onnx.data",), to_onnx, check.onnxruntime_runner),
    "openvino": Kind("OpenVINO", ".xml", (".bin",), to_openvino, check.openvino_runner),
    "pt2": Kind("torch", ".pt2", (), to_pt2, check.torch_runner),
}


def export_network(
    file: ModelFile, target: Path, kind: str, *, feed: str = "pixels", force: bool = False
) -> Exported:
    """Write the network of a model file to `target`, of the kind and with the input asked for.

    Raises SettingError for an unknown kind or ending, or a file that is there already (unless `force`); OutputError
    where it cannot be written; MissingExtra; EngineError where it does not answer as rgnet does. Whatever is raised,
    `target` is as it was.
    """
    chosen = refuse(target, kind, force=force)
    interface = Interface(file.card, feed)
    with replacing_files(target) as folder:
        written, made_for = chosen.write(file, interface, folder / target.name)
        batches, worst = check.check(chosen.opened(folder / target.name, file.card.name), file, interface)
    files = tuple(target.parent / path.name for path in written)
    return Exported(files, interface, made_for, batches, worst)


def refuse(target: Path, kind: str, *, force: bool) -> Kind:
    """The kind, unless something speaks against writing it there."""
    if kind not in KINDS:
        raise SettingError(f"there is no kind {kind!r} of network to export: {near(kind, KINDS)}")
    chosen = KINDS[kind]
    if target.suffix.lower() != chosen.ending:
        raise SettingError(f"--to {kind} writes {chosen.ending}: {target.name} should end in it")
    if not target.parent.is_dir():
        raise SettingError(f"{target.parent} is not a folder: make it first, or give another --output")
    for path in (target, *(target.with_suffix(ending) for ending in chosen.beside)):
        if path.exists() and (path.is_dir() or not force):
            raise SettingError(f"{path} is already there: give another --output, or --force")
    return chosen
