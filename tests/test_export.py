"""A network that leaves rgnet answers as it did inside, in the program that it is for, or is not written at all."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rgnet
from rgnet.engines.registry import open_engine
from rgnet.errors import EngineError, MissingExtra, OutputError, SettingError
from rgnet.export import check, onnx
from rgnet.export.interface import Interface
from rgnet.export.write import FORMATS, export_network
from rgnet.scorer import unit_score
from rgnet.weights.file import read_model
from rgnet.weights.registry import DEFAULT, shipped_folder

ROOT = Path(__file__).resolve().parents[1]
SHIPPED_FILE = shipped_folder() / f"{DEFAULT}.safetensors"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "network.onnx"


def scores_of(file, pixels):
    """Scores by rgnet's own engine, of pixels as the network sees them."""
    image_BC, _ = open_engine(file, "openvino", precision="f32").run(pixels)
    bins = file.card.architecture.bins
    return [file.card.scale.human(unit_score(image_C, bins)[0]) for image_C in image_BC]


def drawn(*shape):
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("model", ["tiny_file", "tiny_classifier", "tiny_histogram"])
def test_every_head_scores_alike_in_onnx_runtime_on_shapes_that_were_not_checked(model, request, target):
    file = request.getfixturevalue(model)
    file = read_model(file) if isinstance(file, Path) else file
    done = export_network(file, target, "onnx")
    assert done.files == (target,) and done.batches == 4 and done.worst < 1e-3
    assert "ONNX opset" in done.made_for and str(done.interface) == "pixels uint8 (B, H, W, 3)"
    run = check.onnxruntime_runner(target)
    for shape in ((1, 80, 144), (5, 112, 96)):
        found = run(drawn(*shape))
        np.testing.assert_allclose(found["score"], scores_of(file, drawn(*shape)), atol=1e-4)
        assert found["vote_BHWC"].shape[0] == shape[0] and found["vote_BHWC"].ndim == 4


@pytest.mark.parametrize("kind", ["openvino", pytest.param("pt2", marks=pytest.mark.slow)])
def test_other_kinds_score_alike(kind, tiny_file, tmp_path):
    target = tmp_path / f"network{FORMATS[kind].suffix}"
    done = export_network(tiny_file, target, kind)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in done.files)
    found = FORMATS[kind].runner(target)(drawn(2, 80, 144))
    np.testing.assert_allclose(found["score"], scores_of(tiny_file, drawn(2, 80, 144)), atol=1e-4)


@pytest.mark.parametrize("kind", FORMATS)
def test_normalised_input_and_a_square(kind, squashing, tmp_path):
    target = tmp_path / f"network{FORMATS[kind].suffix}"
    done = export_network(squashing, target, kind, feed="normalised")
    assert str(done.interface) == "image float32 (B, 3, 96, 96)" and done.worst < 1e-3


@pytest.mark.parametrize("kind", FORMATS)
def test_photos_of_any_size_are_resized_inside_almost_as_by_pillow(kind, squashing, tmp_path):
    target = tmp_path / f"network{FORMATS[kind].suffix}"
    export_network(squashing, target, kind, feed="photo")
    photos = np.stack([check.draw_picture(np.random.default_rng(2), 0, 213, 400) for _ in range(2)])
    pixels = np.stack([squashing.card.preprocess(Image.fromarray(photo)) for photo in photos])
    found = FORMATS[kind].runner(target)(photos)
    np.testing.assert_allclose(found["score"], scores_of(squashing, pixels), atol=0.01)


def test_a_resize_of_another_kind_is_found(squashing, target, monkeypatch):
    text = onnx.front(Interface(squashing.card, "photo"))
    nearest = text.replace(onnx.RESIZE["bicubic"], 'mode="nearest"').replace(
        "antialias = 1, exclude_outside = 1", "antialias = 0"
    )
    monkeypatch.setattr(onnx, "front", lambda _interface: nearest)
    with pytest.raises(EngineError, match="the exported tiny-score is off"):
        export_network(squashing, target, "onnx", feed="photo")
    assert not list(target.parent.iterdir())


def test_the_card_travels_with_the_file(tiny_file, tmp_path):
    import onnx as format
    import openvino as ov

    for kind in ("onnx", "openvino"):
        export_network(tiny_file, tmp_path / f"network{FORMATS[kind].suffix}", kind)
    properties = {prop.key: prop.value for prop in format.load(tmp_path / "network.onnx").metadata_props}
    card = json.loads(properties["rgnet"])
    assert card["scale"]["quantiles"] == [1.0, 3.0, 5.0] and card["sha256"] == tiny_file.card.sha256
    assert card["input"]["name"] == "pixels" and card["preprocess"]["kernel"] == "bicubic"
    assert properties["licence"] == "none: random weights" and properties["scale"] == "1-5"
    network = ov.Core().read_model(tmp_path / "network.xml")
    assert json.loads(network.get_rt_info(["rgnet", "card"]).astype(str)) == card


def test_large_weights_lie_in_a_file_beside(tiny_file, target, monkeypatch):
    monkeypatch.setattr(onnx, "LARGEST", 1000)
    done = export_network(tiny_file, target, "onnx")
    assert [path.name for path in done.files] == ["network.onnx", "network.onnx.data"]
    assert target.stat().st_size < 1e6
    assert check.onnxruntime_runner(target)(drawn(1, 96, 96))["score"].shape == (1,)


def test_a_file_that_answers_otherwise_is_not_kept(tiny_file, target, monkeypatch):
    target.write_text("what was there")
    scale = replace(tiny_file.card.scale, low=1.01)
    right = onnx.tail(tiny_file.card)
    monkeypatch.setattr(
        onnx, "tail", lambda card: right.replace("tail_low = {1.0}", f"tail_low = {{{scale.low}}}")
    )
    with pytest.raises(
        EngineError, match=r"is off: .* a score differs by 0.01\d+ points .* nothing was written"
    ):
        export_network(tiny_file, target, "onnx", force=True)
    assert target.read_text() == "what was there" and list(target.parent.iterdir()) == [target]


def test_a_file_that_its_program_cannot_run_is_not_kept(squashing, target, monkeypatch):
    text = onnx.front(Interface(squashing.card, "photo"))
    monkeypatch.setattr(onnx, "front", lambda _interface: text.replace("antialias = 1", "antialias = 0"))
    with pytest.raises(EngineError, match=r"ONNX Runtime cannot run the exported tiny-score: .*Resize"):
        export_network(squashing, target, "onnx", feed="photo")
    assert not list(target.parent.iterdir())


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(tiny_file, squashing, target):
    kernel = replace(squashing.card.preprocess, kernel="lanczos")
    lanczos = replace(squashing, card=replace(squashing.card, preprocess=kernel))
    other, nowhere = target.with_suffix(".xml"), target.parent / "none" / "a.onnx"
    cases = [
        (tiny_file, "photo", target, "keeps a photo's shape, which a network cannot choose by itself"),
        (lanczos, "photo", target, "tiny-score resizes by lanczos, which other programs do not have"),
        (tiny_file, "pixel", target, "there is no input 'pixel': did you mean pixels"),
        (tiny_file, "pixels", other, "--to onnx writes .onnx files: rename network.xml"),
        (tiny_file, "pixels", nowhere, "none is not a folder: make it first"),
    ]
    for file, feed, path, message in cases:
        with pytest.raises(SettingError, match=message):
            export_network(file, path, "onnx", feed=feed)
    with pytest.raises(SettingError, match="there is no export format 'onxx': did you mean onnx"):
        export_network(tiny_file, target, "onxx")
    target.with_suffix(".bin").touch()
    with pytest.raises(SettingError, match=r"network\.bin exists already: give another --output, or --force"):
        export_network(tiny_file, target.with_suffix(".xml"), "openvino")
    assert [path.name for path in target.parent.iterdir()] == ["network.bin"]


def test_a_full_disk_and_a_missing_extra_leave_nothing(tiny_file, target, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(onnx, "save", full)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\): make room"):
            export_network(tiny_file, target, "onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        MissingExtra,
        match=r'exporting to ONNX needs onnx, .*: in your copy of rgnet, run {2}pip install "\.\[export\]"',
    ):
        export_network(tiny_file, target, "onnx")
    assert not list(target.parent.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_leaves_the_networks_of_before(tiny_file, full_disk, kind):
    target = (full_disk / "network").with_suffix(FORMATS[kind].suffix)
    before = {target, *(target.with_suffix(ending) for ending in FORMATS[kind].companions)}
    for path in before:
        path.write_text("of yesterday")
    with pytest.raises(OutputError) as caught:
        export_network(tiny_file, target, kind, force=True)
    assert str(caught.value) == (
        f"{target}: cannot be written (No space left on device): make room or choose another place"
    )
    assert set(full_disk.iterdir()) == before and {path.read_text() for path in before} == {"of yesterday"}


def test_the_example_scores_as_rgnet_does_where_neither_rgnet_nor_torch_can_be_imported(tmp_path):
    from skimage import data

    photos = [tmp_path / name for name in ("coffee.png", "large.jpg", "turned.jpg")]
    coffee = Image.fromarray(data.coffee())
    turned = Image.Exif()
    turned[0x0112] = 6
    coffee.save(photos[0])
    coffee.resize((3000, 2000)).save(photos[1], quality=90)
    Image.fromarray(data.astronaut()).resize((700, 500)).save(photos[2], exif=turned)
    export_network(read_model(SHIPPED_FILE), tmp_path / "rgnet.onnx", "onnx")
    example = ROOT / "examples" / "score_with_onnxruntime.py"
    code = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['rgnet', 'torch', 'openvino', 'onnx']))\n"
        f"sys.argv = {[str(example), str(tmp_path / 'rgnet.onnx'), *map(str, photos)]}\n"
        f"runpy.run_path({str(example)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    records = rgnet.load(SHIPPED_FILE, engine="openvino", precision="f32").score(photos)
    for line, record in zip(done.stdout.splitlines(), records, strict=True):
        score, percentile, name = line.split("\t")
        assert name == record.path
        assert float(score) == pytest.approx(record.score, abs=1e-4)
        assert float(percentile) == pytest.approx(record.percentile, abs=0.1)


@pytest.mark.slow
def test_what_the_docs_say_runs_without_rgnet_and_scores_alike(tmp_path):
    from skimage import data

    Image.fromarray(data.coffee()).save(tmp_path / "photo.jpg")
    for kind, chosen in FORMATS.items():
        export_network(read_model(SHIPPED_FILE), tmp_path / f"rgnet{chosen.suffix}", kind, feed="photo")
    blocks = (ROOT / "docs" / "convert.md").read_text().split("```python\n")[1:]
    assert len(blocks) == len(FORMATS)
    expected = (
        rgnet.load(SHIPPED_FILE, engine="openvino", precision="f32").score(tmp_path / "photo.jpg").score
    )
    for block in blocks:
        code = "import sys; sys.modules['rgnet'] = None\n" + block.partition("```")[0]
        done = subprocess.run(
            [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert float(done.stdout.strip().strip("[]")) == pytest.approx(expected, abs=0.04), block
