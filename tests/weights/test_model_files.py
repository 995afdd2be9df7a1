"""A model file is read whole and checked, or refused with a reason that says what is wrong."""

import json
import shutil
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from rgnet.architecture import Architecture
from rgnet.errors import ModelDamaged, ModelForeign, ModelNotFound, ModelTooNew
from rgnet.imaging.preprocess import Preprocess
from rgnet.weights.card import ModelCard, Scale
from rgnet.weights.file import content_hash, read_card, read_model, record_metrics, to_stored, write_model
from rgnet.weights.registry import DEFAULT, find_model, shipped_folder

CARD = ModelCard(
    name="tiny",
    architecture=Architecture(head="score", rates=(1, 2)),
    preprocess=Preprocess(size=96, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    scale=Scale(low=1.0, high=5.0, people="ten people", quantiles=(1.0, 2.0, 4.0)),
    training={"data": "none"},
    licence="test",
    metrics={"SRCC": 0.5},
)
TENSORS = {"a.weight": np.arange(6, dtype=np.float16).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.safetensors"
    write_model(path, CARD, TENSORS, b"graph")
    return path


def test_what_is_written_is_read(file):
    model = read_model(file)
    assert model.card.to_dict() == CARD.to_dict() and model.graph == b"graph"
    assert model.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(model.tensors[name], tensor)
    assert read_card(file).short_hash == model.card.sha256[:12]
    assert list(file.parent.iterdir()) == [file]


def test_the_hash_names_card_and_weights(tmp_path):
    path = tmp_path / "m.safetensors"
    hashes = {write_model(path, CARD, TENSORS, b"graph"), write_model(path, CARD, TENSORS, b"other graph")}
    hashes.add(write_model(path, CARD, TENSORS | {"a.bias": np.zeros(2, np.float32)}, b"graph"))
    assert len(hashes) == 3
    assert write_model(path, CARD, dict(reversed(TENSORS.items())), b"graph") in hashes


def test_an_exam_is_recorded_without_renaming_the_model(file):
    before = read_model(file).card
    record_metrics(file, {"test_srcc": 0.8})
    after = read_model(file).card
    assert after.metrics == {"SRCC": 0.5, "test_srcc": 0.8} and after.sha256 == before.sha256


def test_the_name_of_a_model_that_an_earlier_version_wrote_stays_when_results_are_recorded(tmp_path):
    path = tmp_path / "compact.safetensors"
    shutil.copyfile(find_model("rgnet-compact"), path)
    record_metrics(path, {"test_srcc": 0.8})
    assert read_model(path).card.short_hash == "34c4cf4fc271"


def test_every_truncation_is_damaged(file):
    whole = file.read_bytes()
    for length in (0, 4, 9, 40, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(
            ModelDamaged, match=r"tiny\.safetensors is truncated or damaged .*: fetch the file again"
        ):
            read_model(file)


def test_a_changed_byte_is_damaged(file):
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    with pytest.raises(ModelDamaged, match="the content does not match its hash"):
        read_model(file)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 a zip file", b"\x80\x04\x95 a pickle, never opened", b"GIF89a" * 9]
)
def test_other_files_are_foreign(file, content):
    file.write_bytes(content)
    with pytest.raises(
        ModelForeign, match="is not a model file: expected safetensors written by `rgnet train`"
    ):
        read_model(file)


def test_somebody_elses_safetensors_is_foreign(file):
    save_file({"weight": np.zeros(3, np.float32)}, file)
    with pytest.raises(ModelForeign, match="is a safetensors file, but not one of rgnet's"):
        read_model(file)


def test_a_later_format_asks_for_an_upgrade(file):
    later = CARD.to_dict() | {"format_version": 99}
    save_file(TENSORS, file, metadata={"rgnet": json.dumps(later), "sha256": content_hash(later, TENSORS)})
    with pytest.raises(
        ModelTooNew, match="has format 99, this rgnet reads up to 1: update your copy of rgnet"
    ):
        read_model(file)


def test_a_huge_header_length_allocates_nothing(file):
    file.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises((ModelForeign, ModelDamaged)):
        read_model(file)


def test_matrices_are_stored_in_half_but_for_what_a_sharp_graph_is_built_from():
    state = dict.fromkeys(("backbone.w", "context.w", "graph.phi", "graph.weights.0"), np.zeros((2, 2)))
    state |= {"head.b": np.zeros(2), "norm.num_batches_tracked": np.array(3)}

    def types(**switches):
        stored = to_stored(Architecture(**switches), state)
        return [stored[name].dtype.name for name in list(state)[:-1]] + [len(stored)]

    half = ["float16"] * 4 + ["float32", 5]
    assert types() == ["float32"] * 3 + ["float16", "float32", 5]
    assert types(scaled_affinity=True) == types(graph="attention") == types(graph_layers=0) == half


def test_names_are_found_and_unknown_ones_hint(file, monkeypatch):
    monkeypatch.setenv("RGNET_MODELS", str(file.parent))
    assert find_model("tiny") == file and find_model(file) == file
    with pytest.raises(
        ModelNotFound, match=r"there is no model 'tyny': did you mean tiny\?; or give a path to a file"
    ):
        find_model("tyny")
    with pytest.raises(ModelNotFound, match="there is no model file"):
        read_model(file.with_name("none.safetensors"))


def test_percentile_is_the_share_of_photos_below():
    scale = CARD.scale
    assert [scale.percentile(score) for score in (0, 1, 1.5, 2, 3, 4, 9)] == [0, 0, 25, 50, 75, 100, 100]
    assert scale.human(0) == 1 and scale.human(0.5) == 3 and scale.human(1) == 5


def test_the_shipped_model_is_whole_and_small():
    path = shipped_folder() / f"{DEFAULT}.safetensors"
    model = read_model(path)
    assert path.stat().st_size < 25e6
    assert model.card.licence and model.card.notice and model.card.metrics and model.card.training["command"]
