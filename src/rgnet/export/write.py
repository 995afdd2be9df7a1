"""Export a model file's network for another program: written only if its outputs there match rgnet's own."""

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
    """What was written.

    made_for:       format and version in words
    batches, worst: see `check.check_export`
    """

    files: tuple[Path, ...]
    interface: Interface
    made_for: str
    batches: int
    worst: float

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in self.files) / 1e6


def _to_onnx(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    model = onnx.build_onnx(file, interface)
    return onnx.save(model, path), f"ONNX opset {onnx.opset(model)}"


def _to_openvino(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    import openvino as ov

    from rgnet.export.openvino import build_openvino, save

    with tempfile.TemporaryDirectory(dir=path.parent) as between:
        plain = Path(between) / "normalised.onnx"
        onnx.save(onnx.build_onnx(file, Interface(file.card, "normalised")), plain)
        written = save(build_openvino(plain, interface), path)
    return written, f"OpenVINO IR of {ov.get_version().partition('-')[0]}"


def _to_pt2(file: ModelFile, interface: Interface, path: Path) -> tuple[list[Path], str]:
    torch = need("torch", extra="export", purpose="exporting to .pt2")
    from rgnet.export.program import build_program, save

    return save(build_program(file, interface), path, interface), f"a program of torch {torch.__version__}"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the program it is for, the suffix of its file, the suffixes of files that may be written with it, and
    what writes and what runs it."""

    program: str
    suffix: str
    companions: tuple[str, ...]
    write: Callable[[ModelFile, Interface, Path], tuple[list[Path], str]]
    runner: Callable[[Path], check.Runner]

    def open_runner(self, path: Path, name: str) -> check.Runner:
        """What runs the exported model `name`, errors of the other program turned into EngineError."""
        return check.guard_calls(self.program, name, check.guard_calls(self.program, name, self.runner)(path))


FORMATS = {
    "onnx": Format("ONNX Runtime", ".onnx", (".onnx.data",), _to_onnx, check.onnxruntime_runner),
    "openvino": Format("OpenVINO", ".xml", (".bin",), _to_openvino, check.openvino_runner),
    "pt2": Format("torch", ".pt2", (), _to_pt2, check.torch_runner),
}


def export_network(
    file: ModelFile, target: Path, kind: str, *, feed: str = "pixels", force: bool = False
) -> Exported:
    """Write the network of a model file to `target`, in the format `kind` and with the input `feed`.

    Raises SettingError for an unknown format or suffix, or a file that exists already (unless `force`); OutputError
    where it cannot be written; MissingExtra; EngineError where its outputs do not match rgnet's own. Whatever is
    raised, `target` is as it was.
    """
    chosen = choose_format(target, kind, force=force)
    interface = Interface(file.card, feed)
    with replacing_files(target) as folder:
        written, made_for = chosen.write(file, interface, folder / target.name)
        batches, worst = check.check_export(
            chosen.open_runner(folder / target.name, file.card.name), file, interface
        )
    files = tuple(target.parent / path.name for path in written)
    return Exported(files, interface, made_for, batches, worst)


def choose_format(target: Path, kind: str, *, force: bool) -> Format:
    """The format of that name, unless the target cannot be written to."""
    if kind not in FORMATS:
        raise SettingError(f"there is no export format {kind!r}: {near(kind, FORMATS)}")
    chosen = FORMATS[kind]
    if target.suffix.lower() != chosen.suffix:
        raise SettingError(f"--to {kind} writes {chosen.suffix} files: rename {target.name}")
    if not target.parent.is_dir():
        raise SettingError(f"{target.parent} is not a folder: make it first, or give another --output")
    for path in (target, *(target.with_suffix(ending) for ending in chosen.companions)):
        if path.exists() and (path.is_dir() or not force):
            raise SettingError(f"{path} exists already: give another --output, or --force")
    return chosen
