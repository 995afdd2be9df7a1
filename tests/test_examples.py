"""The scripts in examples/ work, and end with one line instead of a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.radial_gradient("L").resize((300, 240)).convert("RGB").save(path)
    return path


def test_strongest_regions_prints_five_regions(photo):
    lines = run("strongest_regions.py", photo).stdout.splitlines()
    assert len(lines) == 6 and all("votes" in line for line in lines[1:])


def test_strongest_regions_says_what_is_wrong_in_one_line(tmp_path):
    assert "usage:" in run("strongest_regions.py").stderr
    done = run("strongest_regions.py", tmp_path / "none.jpg")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "none.jpg" in done.stderr


def test_the_onnx_example_says_what_is_wrong_in_one_line(tmp_path, photo):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    done = run("score_with_onnxruntime.py", photo, photo)
    assert done.returncode == 1 and "photo.jpg: not an ONNX file" in done.stderr
    assert "Traceback" not in done.stderr
    assert "usage:" in run("score_with_onnxruntime.py").stderr


@pytest.mark.slow
def test_the_onnx_example_goes_on_after_a_photo_that_cannot_be_read(tmp_path, photo, build_onnx):
    (tmp_path / "text.jpg").write_text("not a photo")
    lines = run("score_with_onnxruntime.py", build_onnx, tmp_path / "text.jpg", photo).stdout.splitlines()
    assert lines[0].startswith("-\t-\t") and "text.jpg" in lines[0]
    assert 1 <= float(lines[1].split("\t")[0]) <= 5


@pytest.fixture
def build_onnx(tmp_path) -> Path:
    """The shipped model as ONNX."""
    pytest.importorskip("onnx", reason="needs onnx")
    from rgnet.export.write import export_network
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    export_network(read_model(find_model(None)), tmp_path / "rgnet.onnx", "onnx")
    return tmp_path / "rgnet.onnx"
