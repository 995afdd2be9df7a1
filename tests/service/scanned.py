"""A folder of photos and the catalogue of its scan."""

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from rgnet import cli


@dataclass
class Library:
    """A folder and the catalogue of its scan."""

    folder: Path
    catalogue: Path


def scan(folder: Path, model: Path, *, exit_code: int) -> Library:
    catalogue = folder.with_suffix(".sqlite")
    words = ["scan", str(folder), "-m", str(model), "--catalogue", str(catalogue)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == exit_code, done.output
    return Library(folder, catalogue)
