"""The same file gives the same answer on every engine."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

import rgnet
from rgnet.architecture import Architecture
from rgnet.engines import registry
from rgnet.engines.registry import has_cuda, open_engine
from rgnet.errors import EngineError, MissingExtra
from rgnet.scorer import BATCH
from rgnet.weights.file import read_card, read_model
from rgnet.weights.registry import find_model, shipped_folder

SCALE = 4.0


@pytest.fixture(scope="module")
def pixels():
    draw = np.random.default_rng(0)
    return [
        draw.integers(0, 256, shape, dtype=np.uint8)
        for shape in ((1, 96, 96, 3), (3, 64, 160, 3), (2, 130, 98, 3))
    ]


@pytest.mark.parametrize("name", ["tiny_model", "tiny_classifier"])
def test_openvino_and_torch_agree_on_any_shape(name, request, pixels):
    file = read_model(request.getfixturevalue(name))
    engines = [open_engine(file, engine, precision="f32", threads=1) for engine in ("openvino", "torch:cpu")]
    assert [engine.name for engine in engines] == ["openvino-f32", "torch-cpu-f32"]
    for batch in pixels:
        (one, votes), (other, other_votes) = (engine.run(batch) for engine in engines)
        np.testing.assert_allclose(one, other, atol=2e-5)
        np.testing.assert_allclose(votes, other_votes, atol=1e-4)
        assert votes.shape[0] == len(batch) and votes.ndim == 4


def test_features_come_with_the_same_scores_and_are_the_mean_of_the_backbones(tiny_file, pixels):
    one, other = (
        open_engine(tiny_file, name, precision="f32", threads=1) for name in ("openvino", "torch:cpu")
    )
    for batch in pixels[1:]:
        found, reference = one.run_with_features(batch), other.run_with_features(batch)
        for mine, theirs in zip(found, reference, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)
        for mine, plain in zip(found[:2], one.run(batch), strict=True):
            np.testing.assert_allclose(mine, plain, atol=1e-6)
        grid_BHWD = one.stages(batch).fcn_BHWD
        np.testing.assert_allclose(found.feature_BD, grid_BHWD.mean((1, 2)), atol=1e-5)


def test_in_float32_one_network_serves_every_shape_but_the_square(tiny_file, monkeypatch):
    engine, reference = (open_engine(tiny_file, name, precision="f32") for name in ("openvino", "torch:cpu"))
    compiled, compile = [], engine.core.compile_model
    monkeypatch.setattr(
        type(engine.core), "compile_model", lambda _core, *words: compiled.append(words) or compile(*words)
    )
    draw = np.random.default_rng(4)
    for height, width in ((64, 160), (96, 96), (160, 64), (272, 528), (80, 112), (144, 48)):
        batch = draw.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        (image_BC, vote_BHWC), (other_BC, other_BHWC) = engine.run(batch), reference.run(batch)
        np.testing.assert_allclose(image_BC, other_BC, atol=2e-5)
        # Among a thousand regions of noise the graph makes more of a last digit
        np.testing.assert_allclose(vote_BHWC, other_BHWC, atol=5e-4)
    assert len(compiled) == 1


def test_a_photo_scores_alike_in_every_batch(tiny_file, pixels):
    engine = open_engine(tiny_file, "openvino", precision="f32", threads=2)
    batch = pixels[1]
    alone = np.concatenate([engine.run(photo[None])[0] for photo in batch])
    np.testing.assert_allclose(engine.run(batch)[0], alone, atol=1e-6)


# The presets with a light backbone, and the switches that no preset turns
LIGHT = {"backbone": "resnet18", "output_stride": 16, "maps": 8}
SWITCHED = {
    "rebuilt": Architecture(rates=(1, 2), rebuild_graph=True, residual=True, squeeze=16),
    "normed": Architecture(rates=(1, 2), batch_norms="all", squeeze=16),
    "histogram": Architecture(rates=(1, 2), head="histogram", bins=(0.0, 0.5, 1.0)),
    "pooled behind a squeeze": Architecture(rates=(), graph_layers=0, squeeze=16, pooled=True),
    "plain convolutions before a graph": Architecture(rates=(), plain_convs=2),
}
# FCN-A, FCN-G and AADB's have no part that these lack
KINDS = ("rgnet", "fc-cnn", "fcn", "fcn-c-c", "compact", *SWITCHED)


def model_of(architecture, tiny_file):
    import torch

    from rgnet.export import graph_of
    from rgnet.model import build
    from rgnet.weights.file import to_stored

    torch.manual_seed(0)
    network = build(architecture).eval()
    if network.graph is not None:  # as He et al. draw them, S is one-hot and turns on a rounding error
        network.graph.phi.data *= 0.1
    tensors = to_stored(architecture, network.state_dict())
    return replace(
        tiny_file,
        card=replace(tiny_file.card, architecture=architecture),
        tensors=tensors,
        graph=graph_of(network),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_stages_are_the_same_on_both_engines(kind, tiny_file, pixels):
    from rgnet.model import preset

    architecture = replace(SWITCHED.get(kind) or preset(kind), **LIGHT)
    assert_same_stages(model_of(architecture, tiny_file), pixels[1])


# Its edges are bounded, so that no rounding error turns one
ATTENTION = [
    path
    for path in sorted(shipped_folder().glob("*.safetensors"))
    if read_card(path).architecture.graph == "attention"
]


@pytest.mark.parametrize("path", ATTENTION, ids=lambda path: path.stem)
def test_stages_of_a_shipped_attention_graph_are_the_same_on_both_engines(path, pixels):
    assert_same_stages(read_model(path), pixels[2])


def assert_same_stages(file, pixels_BHWC):
    one, other = (
        open_engine(file, engine, precision="f32", threads=1).stages(pixels_BHWC)
        for engine in ("openvino", "torch:cpu")
    )
    no_graph = file.card.architecture.graph_layers == 0
    assert (one.affinity_BNN is None) == (other.affinity_BNN is None) == no_graph
    for name, mine, theirs in zip(one._fields, one, other, strict=True):
        if mine is not None:
            np.testing.assert_allclose(
                mine, theirs, rtol=1e-4, atol=1e-6 + 1e-4 * np.abs(theirs).max(), err_msg=name
            )
            assert mine.shape == theirs.shape and mine.dtype == np.float32


@pytest.fixture(scope="module")
def shipped_bf16():
    try:
        return open_engine(read_model(find_model(None)), "openvino", precision="bf16", threads=1)
    except EngineError as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("shape", [(224, 224), (176, 256)])
def test_bf16_leaves_layers_on_finer_grids_than_the_regions_in_float32(shipped_bf16, shape):
    """OpenVINO fuses paddings and norms into convolutions when it compiles, and what it replaces loses its mark."""
    kinds = {"Eltwise": [], "Convolution": []}
    for node in shipped_bf16.scoring.at(shape).get_runtime_model().get_ordered_ops():
        info = {name: value.astype(str) for name, value in node.get_rt_info().items()}
        if info["layerType"] in kinds:
            kinds[info["layerType"]].append((node, info["runtimePrecision"], info["outputPrecisions"]))
    assert "bf16" not in kinds["Eltwise"][0][1:]  # the pixels, less their mean
    fine, coarse = [], []
    for node, *precisions in kinds["Convolution"]:
        rows = node.input_value(0).partial_shape[2].get_length()
        (fine if rows > -(-shape[0] // 16) else coarse).append("bf16" in precisions)
    assert fine and not any(fine)
    assert sum(coarse) > 40


@pytest.mark.parametrize(
    ("largest", "found"), [(0.018, "auto"), (0.021, "f32"), (None, "f32")], ids=["holds", "moves", "unknown"]
)
def test_auto_is_bf16_only_where_the_card_records_that_it_holds_scores(
    largest, found, tiny_file, monkeypatch
):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    metrics = {} if largest is None else {"bf16": {"largest": largest, "mean": 0.002, "ranks": 0.9999}}
    scale = replace(tiny_file.card.scale, low=1.0, high=5.0, quantiles=(1.0, 5.0))
    file = replace(tiny_file, card=replace(tiny_file.card, precision="f32", scale=scale, metrics=metrics))
    asked = []
    monkeypatch.setitem(registry._OPENERS, "openvino", lambda model, device, *words: asked.append(words[0]))
    monkeypatch.setitem(registry._OPENERS, "torch", lambda model, device, *words: asked.append(words[0]))
    open_engine(file, "openvino")
    open_engine(file, "openvino", one_shape=False)
    open_engine(file, "torch:cpu")
    assert asked == [found, "f32", "f32"]


def test_bf16_of_the_default_model_says_what_float32_says(shipped_bf16):
    from skimage import data

    images = (data.astronaut(), data.chelsea(), data.coffee(), data.rocket())
    pixels_BHWC = np.stack([image[40:264, 60:284] for image in images])
    float32 = open_engine(shipped_bf16.model, "openvino", precision="f32", threads=1)
    change_B = (shipped_bf16.run(pixels_BHWC)[0] - float32.run(pixels_BHWC)[0])[:, 0] * SCALE
    assert 0 < np.abs(change_B).max() <= 0.02


def test_compiled_torch_says_what_eager_torch_says_and_compiles_once_for_each_shape(tiny_file, monkeypatch):
    import torch

    from rgnet.engines.torch import TorchEngine

    compile = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network, **how: compile(network, backend="aot_eager", **how))
    batches = []
    run = TorchEngine.run
    monkeypatch.setattr(
        TorchEngine,
        "run",
        lambda self, pixels: batches.append(pixels.shape) or run(self, pixels),
    )
    engine, eager = (open_engine(tiny_file, f"{name}:cpu", threads=1) for name in ("compiled", "torch"))
    assert engine.name == "compiled-cpu-f32"
    draw = np.random.default_rng(0)
    for count in (8, 3, 1, 9):
        pixels = draw.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8)
        for one, other in zip(engine.run(pixels), run(eager, pixels), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
            assert len(one) == count
    assert [count for count, *_ in batches] == [8, 8, 8, 8, 9]


def test_torch_says_when_it_cannot_compile(tiny_file, monkeypatch):
    def broken(network, **how):
        def run(*pixels):
            raise RuntimeError("no working C++ compiler was found")

        return run

    monkeypatch.setattr("torch.compile", broken)
    with pytest.raises(
        EngineError, match=r"cannot compile for cpu: no working .*: install those, or use --engine torch"
    ):
        open_engine(tiny_file, "compiled:cpu")


def test_looking_at_stages_leaves_scoring_as_it_was(tiny_file, pixels):
    engine = open_engine(tiny_file, "openvino", precision="f32", threads=1)
    before = engine.run(pixels[1])
    kept = dict(engine.scoring.kept)
    stages = engine.stages(pixels[1])
    assert engine.scoring.kept == kept
    for one, other, third in zip(before, engine.run(pixels[1]), stages, strict=False):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, third, atol=1e-4)


@pytest.mark.slow
def test_shipped_model_agrees_across_engines_on_200_real_photos(shared):
    photos = sorted((shared / "photos" / "hard" / "good").rglob("*.*"))[:200]
    settings = {
        "openvino": {"engine": "openvino", "precision": "f32"},
        "torch": {"engine": "torch:cpu", "precision": "f32"},
        "default": {"engine": "openvino"},
    }
    scorers = {name: rgnet.load(**chosen) for name, chosen in settings.items()}
    # Decoded once: how a photo is fed does not depend on the engine
    assert len({scorer.preprocess for scorer in scorers.values()}) == 1
    scores = {name: [] for name in scorers}
    for start in range(0, len(photos), BATCH):
        batch = photos[start : start + BATCH]
        decoded = [scorers["default"].prepare(photo) for photo in batch]
        for name, scorer in scorers.items():
            scores[name] += [record.score for record in scorer.score_prepared(batch, decoded)]
    scores = {name: np.array(found, dtype=float) for name, found in scores.items()}
    assert len(scores["torch"]) > 100
    assert np.abs(scores["openvino"] - scores["torch"]).max() <= 1e-4 * SCALE
    assert np.abs(scores["default"] - scores["openvino"]).max() <= 5e-3 * SCALE
    assert spearmanr(scores["default"], scores["openvino"]).statistic >= 0.999


def test_what_an_engine_cannot_do_is_said(tiny_file, monkeypatch):
    if not has_cuda():
        with pytest.raises(EngineError, match="torch cannot use the device 'cuda'"):
            open_engine(tiny_file, "torch:cuda", precision="f32")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(
        MissingExtra,
        match=r'the torch engine needs torch, .*: in your copy of rgnet, run {2}pip install "\.\[torch\]"',
    ):
        open_engine(tiny_file, "torch")
