"""A model becomes a repository that hubs understand and rgnet reads again; nothing is fetched without being asked."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import PathFinder

import pytest
from typer.testing import CliRunner

import rgnet
from rgnet.cli import app
from rgnet.errors import MissingExtra, ModelDamaged, ModelNotFound
from rgnet.weights import registry
from rgnet.weights.registry import find_model


def run(*words):
    return CliRunner().invoke(app, ["models", *map(str, words)])


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    monkeypatch.setenv("RGNET_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.slow
def test_the_repository_holds_what_hubs_and_rgnet_read(tiny_model, tiny_file, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    done = run("export-hub", tiny_model, "--output", tmp_path / "hub")
    assert done.exit_code == 0 and "without" not in done.output, done.output
    check_settings(tmp_path / "hub", tiny_model, tiny_file)
    assert [each.name for each in runtime.InferenceSession(tmp_path / "hub" / "model.onnx").get_inputs()]


@pytest.fixture
def no_onnx(monkeypatch):
    """The export of the network takes a minute."""
    from rgnet.export import hub

    monkeypatch.setattr(hub, "_write_onnx", lambda *_: "no ONNX here")


def test_without_onnx_the_repository_is_whole_and_says_so(tiny_model, tiny_file, tmp_path, no_onnx):
    done = run("export-hub", tiny_model, "--output", tmp_path / "hub")
    assert done.exit_code == 0 and "without model.onnx: no ONNX here" in done.output
    assert "licence: none: random weights" in done.output
    check_settings(tmp_path / "hub", tiny_model, tiny_file)


def check_settings(folder, model, file):
    names = {path.name for path in folder.iterdir()} - {"model.onnx"}
    assert names == {"README.md", "model.safetensors", "config.json", "preprocessor_config.json"}
    assert (folder / "model.safetensors").read_bytes() == model.read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert config["backbone"] == "resnet18" and config["scale"]["high"] == 5.0
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    assert preprocessor["size"] == {"height": 96, "width": 96} and preprocessor["resample"] == 3
    assert preprocessor["image_mean"] == list(file.card.preprocess.mean)
    assert find_model(str(folder)) == folder / "model.safetensors"


def test_its_page_has_the_metadata_that_hubs_index(tiny_file):
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    from dataclasses import replace

    from rgnet.export.hub import _page

    metrics = {"test_srcc": 0.8453, "held_out_plcc": 0.9, "photos": "many"}
    card = replace(
        tiny_file.card, licence="Apache-2.0", metrics=metrics, training={"data": "PARA", "photos": 9}
    )
    data = hub.ModelCard(_page(card, has_onnx=True), ignore_metadata_errors=False).data
    assert (data.license, data.library_name, "image-aesthetics" in data.tags) == ("apache-2.0", "rgnet", True)
    results = {
        (result.dataset_split, result.metric_type): result.metric_value for result in data.eval_results
    }
    assert results == {("test", "spearmanr"): 0.8453, ("held_out", "pearsonr"): 0.9}
    other = hub.ModelCard(_page(tiny_file.card, has_onnx=False)).data
    assert other.license == "other" and other.license_name == "none-random-weights"


def test_a_repository_is_replaced_only_on_demand_and_its_history_stays(tiny_model, tmp_path, no_onnx):
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    assert run("export-hub", tiny_model, "-o", folder).exit_code == 0
    refused = run("export-hub", tiny_model, "-o", folder)
    assert "exists already: give another --output, or --force" in str(refused.exception)
    assert run("export-hub", tiny_model, "-o", folder, "--force").exit_code == 0
    assert (folder / ".git").is_dir() and not (folder / "model.onnx").exists()


def test_a_downloaded_model_is_checked_and_then_found_by_its_name(tiny_model, own_models, tmp_path):
    download = tmp_path / "download.bin"
    download.write_bytes(tiny_model.read_bytes())
    done = run("install", download)
    assert done.exit_code == 0 and "licence: none: random weights" in done.output
    assert find_model("tiny-score") == own_models / "tiny-score.safetensors"
    assert "add --force to use this one" in str(run("install", download).exception)
    assert run("install", download, "--force").exit_code == 0
    damaged = bytearray(tiny_model.read_bytes())
    damaged[-1] ^= 1
    download.write_bytes(damaged)
    assert isinstance(run("install", download, "--force").exception, ModelDamaged)
    assert find_model("tiny-score").read_bytes() == tiny_model.read_bytes()


def test_a_model_does_not_take_the_name_of_one_that_comes_with_rgnet_unasked(tiny_file, tmp_path):
    from dataclasses import replace

    from rgnet.weights.file import write_model

    for name, message in (
        ("rgnet-compact", "is a model of the name rgnet-compact already"),
        ("../up", "rename"),
    ):
        file = tmp_path / "other.safetensors"
        write_model(file, replace(tiny_file.card, name=name), tiny_file.tensors, tiny_file.graph)
        assert message in str(run("install", file).exception)


def test_models_come_from_the_package_rgnet_weights_and_without_it_the_message_installs_it(
    tmp_path, monkeypatch, tiny_model
):
    monkeypatch.setattr(registry, "_IN_CHECKOUT", tmp_path / "not a checkout")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    monkeypatch.setattr(importlib.util, "find_spec", PathFinder.find_spec)  # not what an earlier import found
    package = tmp_path / "site" / "rgnet_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(tiny_model, package / f"{registry.DEFAULT}.safetensors")
    assert find_model() == package / f"{registry.DEFAULT}.safetensors"

    shutil.rmtree(package)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    with pytest.raises(
        ModelNotFound, match=r"no model 'rgnet-regions': .* run {2}pip install rgnet-weights {2}or"
    ):
        find_model()


def test_a_hubs_model_comes_from_its_cache_without_a_network(tmp_path, tiny_model):
    pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    repository = tmp_path / "cache" / "models--somebody--tiny"
    for name, content in (("refs/main", "a" * 40), (f"snapshots/{'a' * 40}/model.safetensors", "")):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(content)
    stored = repository / f"snapshots/{'a' * 40}/model.safetensors"
    stored.write_bytes(tiny_model.read_bytes())
    code = (
        "import sys; from rgnet.weights.registry import find_model\n"
        "assert 'huggingface_hub' not in sys.modules\n"
        "print(find_model('somebody/tiny')); print(find_model('somebody/tiny@main'))\n"
        "try: find_model('somebody/other')\n"
        "except Exception as problem: print(type(problem).__name__, problem)"
    )
    settings = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | settings, check=True
    )
    first, second, failure = done.stdout.splitlines()
    assert first == second == str(stored)
    assert failure.startswith("ModelNotFound there is no file somebody/other, and it cannot be had from")


def test_without_the_extra_a_hubs_name_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        MissingExtra, match=r"there is no file a/b; loading it .* needs huggingface_hub, .*\[hub\]"
    ):
        rgnet.load("a/b")
    with pytest.raises(ModelNotFound, match="there is no model 'nosuch'"):
        rgnet.load("nosuch")
