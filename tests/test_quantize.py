"""int8 is a second network in the model file: calibrated on photos, evaluated before it is written."""

from dataclasses import replace

import numpy as np
import pytest

from rgnet.engines.openvino_bf16 import marked
from rgnet.engines.registry import open_engine
from rgnet.errors import EngineError
from rgnet.weights.file import read_model, record_metrics, write_model
from rgnet.weights.registry import find_model

nncf = pytest.importorskip("nncf", reason="needs nncf: pip install '.[quantize]'")


@pytest.fixture(scope="module")
def photos():
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (96, 96, 3), dtype=np.uint8) for _ in range(12)]


@pytest.fixture(scope="module")
def small(tiny_file, photos):
    from rgnet.quantize import quantize_network

    return replace(tiny_file, int8=quantize_network(tiny_file, photos))


def crops(count, seed):
    """Pieces of real photographs."""
    from skimage import data

    draw = np.random.default_rng(seed)
    images = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    for image in (images[index % len(images)] for index in range(count)):
        top, left = (draw.integers(0, side - 224) for side in image.shape[:2])
        yield np.ascontiguousarray(image[top : top + 224, left : left + 224])


def test_int8_of_the_default_model_says_nearly_what_float32_says_on_any_shape():
    file = read_model(find_model(None))
    engines = [open_engine(file, "openvino", precision=name, threads=1) for name in ("f32", "int8")]
    assert engines[1].name == "openvino-int8"
    pixels = np.stack(list(crops(12, seed=1)))
    for batch in (pixels, pixels[:2, :192, :]):
        (one, votes), (other, other_votes) = (engine.run(batch) for engine in engines)
        assert votes.shape == other_votes.shape
        assert 0 < np.abs(one - other).max() < 0.05


def test_head_and_sums_stay_in_float(small):
    import openvino as ov

    weights = np.frombuffer(small.int8.weights, np.uint8)
    network = ov.Core().read_model(small.int8.xml, ov.Tensor(weights))
    kinds = {"Convolution", "GroupConvolution", "MatMul"}
    *_, vote = (node for node in network.get_ordered_ops() if node.get_type_name() in kinds)
    assert {entry.get_source_output().get_node().get_type_name() for entry in vote.inputs()} == {
        "Add",
        "Constant",
    }
    fed = [
        reader.get_node().get_type_name()
        for node in network.get_ops()
        if node.get_type_name() == "FakeQuantize"
        for reader in node.output(0).get_target_inputs()
    ]
    assert fed and set(fed) <= kinds | {"Reshape", "Transpose"}


@pytest.mark.parametrize("name", ["tiny_model", "tiny_histogram"])
def test_scores_are_on_average_those_of_float32(name, request, photos):
    from rgnet.quantize import quantize_network

    file = read_model(request.getfixturevalue(name))
    votes = file.tensors["head.vote.weight"] / 100  # else all lie at 0 or 1, from where nothing can be moved
    file = replace(file, tensors=file.tensors | {"head.vote.weight": votes})
    file = replace(file, int8=quantize_network(file, photos))
    (one_BC, _), (other_BC, vote_BHWC) = (
        open_engine(file, "openvino", precision=precision, threads=1).run(np.stack(photos))
        for precision in ("f32", "int8")
    )
    assert np.abs(one_BC - other_BC).max() > 1e-5
    np.testing.assert_allclose(one_BC.mean(axis=0), other_BC.mean(axis=0), atol=2e-5)
    if file.card.architecture.bins:
        np.testing.assert_allclose(vote_BHWC.sum(axis=-1), 1, atol=1e-6)


def test_a_model_file_keeps_its_int8_network_through_the_record_of_an_exam(small, tmp_path):
    path = tmp_path / "small.safetensors"
    digest = write_model(path, small.card, small.tensors, small.graph, int8=small.int8)
    record_metrics(path, {"srcc": 0.5})
    again = read_model(path)
    assert again.int8 == small.int8 and again.card.sha256 == digest
    assert set(again.tensors) == set(small.tensors)


def test_scores_of_explanations_are_those_of_the_served_network(small, photos):
    engine = open_engine(small, "openvino", precision="int8", threads=1)
    pixels = np.stack(photos[:2])
    stages = engine.stages(pixels)
    for one, other in zip(engine.run(pixels), stages, strict=False):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(EngineError, match="gives no features in int8: ask for f32"):
        engine.run_with_features(pixels)


def test_auto_is_int8_only_where_the_card_says_so_and_the_processor_is_fast_at_it(small, monkeypatch):
    card = replace(small.card, precision="int8")
    served = replace(small, card=card)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert open_engine(served, "openvino").name == "openvino-int8"
    assert open_engine(served, "torch:cpu").name == "torch-cpu-f32"
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert open_engine(served, "openvino").name == "openvino-f32"


def test_a_file_without_it_and_an_engine_without_it_say_so(tiny_file):
    with pytest.raises(EngineError, match=r"holds no int8 network: make one with {2}rgnet quantize"):
        open_engine(tiny_file, "openvino", precision="int8")
    with pytest.raises(EngineError, match="int8 runs on OpenVINO"):
        open_engine(tiny_file, "torch:cpu", precision="int8")


def test_layers_are_marked_by_name_and_nothing_else_changes():
    xml = b'<net><layers><layer id="0" name="a"><data x="1" /><input /></layer><layer id="1" name="b" /></layers></net>'
    mark = b'<rt_info><attribute name="precise" version="0" value="" /></rt_info>'
    assert marked(xml, {"a"}) == xml.replace(b"<input />", mark + b"<input />")
    assert marked(xml, set()) == xml
