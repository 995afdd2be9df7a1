"""What is published, and what `pip install .` makes: reproducible, sound metadata, nothing missing; it installs."""

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from PIL import Image

import rgnet
from rgnet.weights.registry import DEFAULT, SHIPPED

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def release():
    """scripts/release.py, by which everything that is published is built."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published(release, tmp_path_factory) -> tuple[Path, Path]:
    """(wheel, source archive) of the code"""
    archive, wheel = sorted(
        release.build(tmp_path_factory.mktemp("published"), "code"), key=lambda p: p.suffix
    )
    return wheel, archive


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """The wheel that `pip install .` builds in a checkout."""
    folder = tmp_path_factory.mktemp("bundle")
    run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT])
    return next(folder.iterdir())


def run(command: list) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_metadata(wheel: Path) -> tuple[set[str], Message]:
    """(the names of its files, its metadata)"""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        return names, Parser().parsestr(archive.read(metadata).decode())


@pytest.mark.slow
def test_what_is_published_is_built_again_to_the_byte(release, published, tmp_path):
    again = release.build(tmp_path, "code")
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in sorted(published)]


@pytest.mark.slow
def test_what_is_published_passes_twine_and_check_wheel_contents(release, published):
    release.check_metadata(list(published))


@pytest.mark.slow
def test_the_code_is_published_without_models_under_its_own_licence(published):
    names, metadata = read_metadata(published[0])
    assert {"rgnet/py.typed", "rgnet/faces/iris_landmark.tflite"} <= names
    assert not [name for name in names if name.endswith(".safetensors")]
    assert published[0].stat().st_size < 6e6
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE"]
    packed = {name for name in names if name.startswith("rgnet/page/")}
    page = {path.name for path in (ROOT / "src" / "rgnet" / "page").iterdir() if path.is_file()}
    assert packed == {f"rgnet/page/{name}" for name in page} and "page.html" in page


@pytest.mark.slow
def test_the_wheel_of_a_checkout_has_the_models_their_licence_and_scores_in_an_empty_environment(
    bundle, published, tmp_path
):
    names, metadata = read_metadata(bundle)
    models = {f"rgnet_weights/{name}.safetensors" for name in SHIPPED}
    beside = {name for name in names - read_metadata(published[0])[0] if ".dist-info/" not in name}
    assert beside == {*models, "rgnet_weights/__init__.py"}
    assert bundle.stat().st_size < 36e6
    assert metadata["License-Expression"] == "Apache-2.0 AND LicenseRef-PARA-Research-Only"
    licence = "packages/rgnet-weights/LICENSE.txt"
    assert licence in metadata.get_all("License-File")
    assert any(name.endswith(f"licenses/{licence}") for name in names)

    venv.create(tmp_path / "env", with_pip=False)
    programs = tmp_path / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", bundle])

    Image.new("RGB", (300, 200), "teal").save(tmp_path / "photo.jpg")
    command = [programs / "rgnet", "score", "photo.jpg", "-o", "scores.jsonl"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "scores.jsonl").read_text())
    assert row["model"] == DEFAULT and row["engine"].startswith("openvino") and 1 <= row["score"] <= 5

    assert "torch" not in run([*pip, "list"])
    size = sum(path.stat().st_size for path in (tmp_path / "env").rglob("*") if path.is_file())
    assert size < 1.2e9


@pytest.mark.slow
def test_the_source_archive_holds_what_a_contributor_needs(published):
    with tarfile.open(published[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"Makefile", "mkdocs.yml", "CONTRIBUTING.md", "CITATION.cff", "constraints.txt", "docs/index.md"}
    needed |= {"integrations/lightroom/rgnet.lrplugin/Info.lua"}
    assert needed <= names
    assert not [name for name in names if name.startswith((".venv", "site/", "dist/", "shared", "packages"))]


def test_every_file_that_states_the_version_agrees(release):
    assert set(release.stated_versions().values()) == {rgnet.__version__}


def test_a_tag_that_the_files_do_not_state_is_not_released(release):
    with pytest.raises(SystemExit, match=r"v9\.0\.0 cannot be released: .*CITATION\.cff says .*'## 9\.0\.0"):
        release.check_tag("v9.0.0")
