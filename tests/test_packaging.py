"""What is published: a wheel and a source archive that agree, with sound metadata and nothing missing; it installs."""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]

# Without isolation, so that nothing is downloaded
BUILD = [sys.executable, "-m", "build", "--no-isolation"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> tuple[Path, Path, Path]:
    """(the wheel built from the checkout, the source archive, the wheel built from that archive)"""
    folder = tmp_path_factory.mktemp("packages")
    run([*BUILD, "--wheel", "--outdir", folder / "checkout", ROOT])
    run([*BUILD, "--outdir", folder / "release", ROOT])
    (direct,) = (folder / "checkout").glob("*.whl")
    (source,) = (folder / "release").glob("*.tar.gz")
    (from_source,) = (folder / "release").glob("*.whl")
    return direct, source, from_source


def run(command: list) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_source_archive_builds_the_same_wheel(packages):
    direct, _, from_source = packages
    assert direct.name == from_source.name
    with zipfile.ZipFile(direct) as first, zipfile.ZipFile(from_source) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())
        differing = [name for name in first.namelist() if first.read(name) != second.read(name)]
    assert differing == []


@pytest.mark.slow
def test_the_packages_pass_twine_and_check_wheel_contents(packages):
    direct, source, _ = packages
    run([sys.executable, "-m", "twine", "check", "--strict", direct, source])
    run([sys.executable, "-m", "check_wheel_contents", direct])


@pytest.mark.slow
def test_the_wheel_carries_types_licences_and_the_weights(packages):
    with zipfile.ZipFile(packages[0]) as wheel:
        names = wheel.namelist()
        (metadata,) = (
            Parser().parsestr(wheel.read(n).decode()) for n in names if n.endswith(".dist-info/METADATA")
        )
    assert {
        "rgnet/py.typed",
        "rgnet/weights/rgnet-compact.safetensors",
        "rgnet/faces/iris_landmark.tflite",
    } <= set(names)
    assert metadata["License-Expression"] == "Apache-2.0 AND LicenseRef-PARA-Research-Only"
    licences = {"LICENSE", "NOTICE", "LICENSES/LicenseRef-PARA-Research-Only.txt"}
    assert set(metadata.get_all("License-File")) == licences
    assert all(any(name.endswith(f"licenses/{licence}") for name in names) for licence in licences)


@pytest.mark.slow
def test_the_wheel_scores_a_photo_in_an_empty_environment_without_torch(packages, tmp_path, tiny_model):
    wheel = packages[0]
    assert wheel.stat().st_size < 36e6
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rgnet/page/")}
    page = {path.name for path in (ROOT / "src" / "rgnet" / "page").iterdir() if path.is_file()}
    assert packed == {f"rgnet/page/{name}" for name in page} and "page.html" in page

    venv.create(tmp_path / "env", with_pip=False)
    programs = tmp_path / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", wheel])

    Image.new("RGB", (300, 200), "teal").save(tmp_path / "photo.jpg")
    command = [programs / "rgnet", "score", "photo.jpg", "-m", tiny_model, "-o", "scores.jsonl"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "scores.jsonl").read_text())
    assert row["engine"].startswith("openvino") and 1 <= row["score"] <= 5

    assert "torch" not in run([*pip, "list"])
    size = sum(path.stat().st_size for path in (tmp_path / "env").rglob("*") if path.is_file())
    assert size < 1.2e9


@pytest.mark.slow
def test_the_source_archive_holds_what_a_contributor_needs(packages):
    with tarfile.open(packages[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"Makefile", "mkdocs.yml", "CONTRIBUTING.md", "CITATION.cff", "constraints.txt", "docs/index.md"}
    needed |= {"integrations/lightroom/rgnet.lrplugin/Info.lua"}
    assert needed <= names
    assert not [name for name in names if name.startswith((".venv", "site/", "dist/", "shared"))]


def test_every_file_that_states_the_version_agrees():
    import tomllib

    import rgnet

    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    plugin = (ROOT / "integrations/lightroom/rgnet.lrplugin/Info.lua").read_text("utf-8")
    lightroom = re.search(r"VERSION = { major = (\d+), minor = (\d+), revision = (\d+) }", plugin)
    assert version == rgnet.__version__ == citation[1] == ".".join(lightroom.groups())
