"""What users install: the wheel alone, in an empty environment, scores a photo and needs no torch."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_scores_a_photo_in_an_empty_environment(tmp_path, tiny_model):
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", *quiet, "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("rgnet-*.whl")
    assert wheel.stat().st_size < 30e6
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rgnet/page/")}
    page = {path.name for path in (ROOT / "src" / "rgnet" / "page").iterdir() if path.is_file()}
    assert packed == {f"rgnet/page/{name}" for name in page} and "page.html" in page

    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    subprocess.run([python, "-m", "pip", "install", *quiet, "--constraint", constraints, wheel], check=True)

    Image.new("RGB", (300, 200), "teal").save(tmp_path / "photo.jpg")
    command = [
        tmp_path / "env" / "bin" / "rgnet",
        "score",
        "photo.jpg",
        "-m",
        tiny_model,
        "-o",
        "scores.jsonl",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "scores.jsonl").read_text())
    assert row["engine"].startswith("openvino") and 1 <= row["score"] <= 5

    installed = subprocess.run(
        [python, "-m", "pip", "list"], capture_output=True, text=True, check=True
    ).stdout
    assert "torch" not in installed
    size = sum(path.stat().st_size for path in (tmp_path / "env").rglob("*") if path.is_file())
    assert size < 1.2e9
