"""`rgnet reproduce` on tiny networks: goes on where it stopped, and says what came out beside the paper's values."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app
from rgnet.errors import DataError, SettingError
from rgnet.reproduce import runs as ablation
from rgnet.reproduce.run import Request, reproduce
from rgnet.training.module import AestheticsModule, NonFiniteLoss

SETTINGS = (
    "sizes=1x64", "held_out=8", "batch_size=8", "precision=32-true", "architecture.backbone=resnet18",
    "architecture.squeeze=16", "architecture.rates=1,2", "architecture.maps=8", "preprocess.size=64", "norms=keep",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Forty photos that people like the more, the brighter they are."""
    folder, draw = tmp_path_factory.mktemp("para"), np.random.default_rng(0)
    rows = []
    for index in range(40):
        pixels = (draw.integers(0, 60, (70, 90, 3)) + 190 * index / 40).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{index}.png,{1 + index / 10},{'test' if index % 5 == 0 else 'train'}")
    (folder / "labels.csv").write_text("file,source_id,mean,split\n" + "\n".join(rows) + "\n")
    (folder / "exact_duplicates.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def order(data):
    return Request(
        experiment="table1",
        data=data,
        settings=SETTINGS,
        seeds=1,
        weights=("none",),
        only=("FCN", "FCN-A-G"),
        command="rgnet reproduce table1",
    )


def do(order, folder, said=None):
    def track(items, **_):
        return items

    return reproduce(order, folder, track=track, say=(said if said is not None else []).append)


def figures(folder):
    rows = json.loads((folder / "table1.json").read_text())["rows"]
    return {row["name"]: row["runs"][0]["figures"] for row in rows}


def test_an_interrupted_experiment_goes_on_and_ends_as_an_uninterrupted_one(order, tmp_path, monkeypatch):
    order = replace(order, settings=(*SETTINGS, "sizes=2x64"))
    trained, fit, step = [], ablation.fit, AestheticsModule.training_step

    def counted(recipe, *data, resume, **options):
        trained.append((recipe.architecture.graph_layers, resume))
        return fit(recipe, *data, resume=resume, **options)

    def cut_off(task, *batch):
        if len(trained) == 2 and task.current_epoch == 1:
            interrupt()
        return step(task, *batch)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ablation, "fit", counted)
    monkeypatch.setattr(AestheticsModule, "training_step", cut_off)
    with pytest.raises(KeyboardInterrupt):
        do(order, tmp_path / "one")
    (kept,) = (tmp_path / "one" / "runs").iterdir()
    written = kept.stat().st_mtime_ns

    table = do(order, tmp_path / "one")
    assert trained == [(0, False), (3, False), (3, True)] and kept.stat().st_mtime_ns == written
    assert "| FCN | 81.43 | 0.9112 | " in table and "| FCN-A-G | 83.59 | 0.9462 | " in table
    assert (tmp_path / "one" / "table1.md").read_text().strip() == table

    assert not list((tmp_path / "one" / "under-way").iterdir())

    # A damaged result is trained again
    kept.write_text(kept.read_text()[:50])
    with monkeypatch.context() as patch:
        patch.setattr(AestheticsModule, "training_step", interrupt)
        with pytest.raises(KeyboardInterrupt):
            do(order, tmp_path / "one")
    assert trained[3:] == [(0, False)]
    do(order, tmp_path / "other")
    assert trained[4:] == [(0, False), (3, False)] and figures(tmp_path / "one") == figures(
        tmp_path / "other"
    )


def test_a_run_is_known_by_all_that_decides_it(order, tmp_path):
    from rgnet.reproduce.run import make_workspace
    from rgnet.training.recipes import recipe

    def key(settings=(), **changes):
        changed = replace(order, settings=(*SETTINGS, *settings), **changes)
        made = recipe("para", changed.settings)
        return make_workspace(changed, made, tmp_path, None).key(made)

    weights = tmp_path / "some.safetensors"
    weights.write_bytes(b"weights")
    keys = [
        key(), key(["seed=1"]), key(["batch_size=4"]), key(count=12), key(split="test"), key(weights=()),
        key(weights=(str(weights),)), key(weights=("resnet18=none", str(weights))),
    ]  # fmt: skip
    assert len(set(keys)) == 7 and keys[0] == keys[7] == key(only=(), command="another", seeds=5)


def test_a_diverged_network_is_told_and_the_others_go_on(order, tmp_path, monkeypatch):
    fit = ablation.fit

    def diverging(recipe, *data, **options):
        if recipe.architecture.graph_layers:
            raise NonFiniteLoss("loss is nan at step 3: lower the learning rate")
        return fit(recipe, *data, **options)

    monkeypatch.setattr(ablation, "fit", diverging)
    said = []
    table = do(order, tmp_path, said)
    assert "FCN-A-G: 1 of 1 training runs failed (loss is nan at step 3" in table
    assert "loss is nan" in said[-1] and figures(tmp_path)["FCN"]["srcc"] <= 1


def test_a_fixed_backbone_is_run_once_and_stays_as_it_is(order, tmp_path, monkeypatch):
    from safetensors.torch import save_file

    from rgnet.model.backbones import make_backbone, plain_weights
    from rgnet.reproduce import features

    weights = tmp_path / "resnet18.safetensors"
    save_file(plain_weights(make_backbone("resnet18", output_stride=32)), weights)
    fixed = replace(order, weights=(str(weights),), settings=SETTINGS, fixed_backbone=True)
    computed, compute = [], features._compute
    monkeypatch.setattr(features, "_compute", lambda *parts: (computed.append(parts[3]), compute(*parts)))
    do(fixed, tmp_path / "out")
    # Training and evaluated photos, once for both networks
    assert len(computed) == 2 and set(figures(tmp_path / "out")) == {"FCN", "FCN-A-G"}
    do(replace(fixed, seeds=2), tmp_path / "out")
    assert len(computed) == 2
    do(replace(fixed, fixed_backbone=False), tmp_path / "out")
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 6
    # They take no more room than caches may
    (tmp_path / "out" / "features").rename(tmp_path / "moved")
    monkeypatch.setenv("RGNET_CACHE_GB", "0")
    with pytest.raises(DataError, match=r"the features of the photos need 0\.00 GB in .*RGNET_CACHE_GB"):
        do(replace(fixed, seeds=3), tmp_path / "out")


@pytest.mark.parametrize("fixed_backbone", [False, True])
def test_kept_models_score_what_their_runs_scored(order, tmp_path, monkeypatch, fixed_backbone):
    """Also the networks that were finished before they were to be kept; those that are kept are not trained again."""
    from safetensors.torch import save_file

    from rgnet.datasets import load
    from rgnet.model.backbones import make_backbone, plain_weights
    from rgnet.scorer import open_scorer
    from rgnet.weights.file import read_model

    weights = tmp_path / "resnet18.safetensors"
    save_file(plain_weights(make_backbone("resnet18", output_stride=32)), weights)
    order = replace(order, weights=(str(weights),), only=("FCN-A-G",), fixed_backbone=fixed_backbone)
    do(order, tmp_path)
    do(replace(order, keep_models=True), tmp_path)
    (run,), (model,) = (tmp_path / "runs").iterdir(), (tmp_path / "models").iterdir()
    assert model.stem == run.stem

    file = read_model(model)
    assert file.card.training["command"] == order.command
    photos = sorted(load(order.data, held_out=8, seed=0).held_out, key=lambda photo: photo.key)
    records = open_scorer(file).score_many([photo.path for photo in photos])
    found = [
        (record.score - file.card.scale.low) / (file.card.scale.high - file.card.scale.low)
        for record in records
    ]
    assert found == pytest.approx(json.loads(run.read_text())["scores"], abs=2e-3)

    monkeypatch.setattr(ablation, "fit", None)
    do(replace(order, keep_models=True), tmp_path)


def test_figure_5_is_drawn_and_shares_its_networks_between_curves(order, tmp_path, monkeypatch):
    monkeypatch.setattr(
        ablation, "_train_and_score", lambda recipe, *_: np.arange(8) / 8 + recipe.architecture.r
    )
    said = []
    table = do(replace(order, experiment="figure5", only=()), tmp_path, said)
    assert "| three are better than one | 3 blocks | 1 block | " in table
    assert len(list((tmp_path / "runs").iterdir())) == 17
    for name in ("figure5", "figure5-claims"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 800 and len(picture.convert("RGB").getcolors(1 << 24)) > 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment": "table4"}, "there is no experiment 'table4': did you mean"),
        ({"only": ("FCN-B",)}, "--only 'FCN-B' is not in this experiment"),
        ({"split": "train"}, "--split is held_out or test, not 'train'"),
        ({"count": 99}, "--count is 1 to 24, the training photos of PARA, not 99"),
        ({"weights": ("nowhere.safetensors",)}, "there is no weights file nowhere.safetensors"),
        ({"fixed_backbone": True}, "--fixed-backbone needs pretrained weights"),
        ({"experiment": "table2", "weights": ("a.safetensors",)}, "--weights BACKBONE=a.safetensors"),
    ],
)
def test_what_cannot_be_reproduced_is_said_before_any_training(order, tmp_path, changes, message):
    with pytest.raises(SettingError) as error:
        do(replace(order, **changes), tmp_path)
    assert message in str(error.value)


def test_figures_2_and_6_from_the_command_line(data, tiny_model, tmp_path):
    def run(*words):
        line = ["reproduce", *words, "--data", str(data), "-o", str(tmp_path), "--model", str(tiny_model)]
        return CliRunner().invoke(app, [*line, "--set", "held_out=20"], catch_exceptions=False)

    done = run("figure6", "--count", "3")
    assert done.exit_code == 0 and "after graph" in done.output and "(mean similarity" in done.output, (
        done.stderr
    )
    found = json.loads((tmp_path / "figure6.json").read_text())
    values_NSM = np.array(found["values"])
    assert values_NSM.shape == (3, len(found["stages"]), len(found["measures"]))
    assert values_NSM[..., :4].min() > 0 and values_NSM.max() <= 1
    # The control is another region's
    assert "drawn at random" in done.output
    control_NSM = np.array(found["control"])
    assert control_NSM.shape == values_NSM.shape and (control_NSM != values_NSM).any()

    done = run("figure2")
    assert done.exit_code == 0 and "figure2.png" in done.output
    found = json.loads((tmp_path / "figure2.json").read_text())
    best, worst = ([one["score"] for one in found[band]] for band in ("best", "worst"))
    assert best == sorted(best, reverse=True) and worst == sorted(worst) and min(best) >= max(worst)
    for name in ("figure2", "figure6"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 800 and len(picture.convert("RGB").getcolors(1 << 24)) > 100
