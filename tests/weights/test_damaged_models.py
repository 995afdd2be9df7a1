"""A damaged or strange model file is refused with the reason, in bounded time and memory, and stops nothing else."""

import gzip
import json
import os
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

import rgnet
from rgnet.architecture import Architecture
from rgnet.cli import main
from rgnet.engines.registry import open_engine, supported_precisions
from rgnet.errors import EngineError, ModelDamaged, ModelFileError, ModelNotFound
from rgnet.imaging.preprocess import Preprocess
from rgnet.weights.card import ModelCard, Scale
from rgnet.weights.file import GRAPH, content_hash, read_card, read_model, write_model
from rgnet.weights.registry import DEFAULT, find_by_hash

CARD = ModelCard(
    name="tiny",
    architecture=Architecture(head="score", rates=(1, 2)),
    preprocess=Preprocess(size=96),
    scale=Scale(low=1.0, high=5.0, people="ten people", quantiles=(1.0, 2.0, 4.0)),
    licence="test",
)
TENSORS = {
    "a.weight": np.arange(6, dtype=np.float16).reshape(2, 3),
    GRAPH: np.frombuffer(b"graph", np.uint8),
}


def write_signed(path, card, tensors=TENSORS):
    """A file whose hash is right, whatever is in it."""
    metadata = {"rgnet": json.dumps(card), "sha256": content_hash(card, tensors)}
    save_file(tensors, path, metadata=metadata)
    return path


def changed(card, name, value):
    """The card with a value in place of another; name: with dots; value: `...` leaves it out."""
    *parts, last = name.split(".")
    card = json.loads(json.dumps(card))
    place = card
    for part in parts:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return card


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("scale", ..., "scale is missing"),
        ("scale", 5, "scale: expected an object, found 5"),
        ("scale.low", 7, "scale.low lies below high, found 7 and 5"),
        ("scale.high", "5", "scale.high: expected a number, found '5'"),
        ("scale.high", float("nan"), "scale.high: expected a number up to 1e[+]09, found nan"),
        ("scale.low", -(10**400), "scale.low: expected a number up to"),
        ("scale.quantiles", [], "scale.quantiles are two ratings or more, low to high"),
        ("scale.quantiles", [4.0, 1.0], "scale.quantiles are two ratings or more, low to high"),
        ("scale.quantiles", [1.0, None], "scale.quantiles: expected a number, found None"),
        ("scale.people", ["ten"], "scale.people: expected text, found a list of 1"),
        ("preprocess.size", ..., "preprocess.size is missing"),
        ("preprocess.size", "224", "preprocess.size: expected a whole number, found '224'"),
        ("preprocess.size", 224.5, "preprocess.size: expected a whole number, found 224.5"),
        ("preprocess.size", True, "preprocess.size: expected a whole number, found True"),
        ("preprocess.size", 10**6, "preprocess.size and multiple are 1 to 2048 pixels"),
        ("preprocess.multiple", 0, "preprocess.size and multiple are 1 to 2048 pixels"),
        ("preprocess.std", [0.2, 0, 0.2], "preprocess.std is of RGB / 255 and above 0"),
        ("preprocess.mean", [0.5, 0.5], "preprocess.mean: expected a list of 3, found a list of 2"),
        ("preprocess.fit", "crop", "preprocess.fit: expected squash or keep, found 'crop'"),
        ("preprocess.sise", 224, "preprocess.sise is unknown: did you mean size"),
        ("architecture.rates", 3, "architecture.rates: expected a list, found 3"),
        ("architecture.rates", [1] * 1000, "architecture.rates are at most 16, found 1000"),
        ("architecture.maps", 10**8, "architecture.maps lies in 1 to 2048, found 100000000"),
        ("architecture.graph_layers", -1, "architecture.graph_layers lies in 0 to 64, found -1"),
        ("architecture.head", "histogram", "a histogram head has bins, found none"),
        ("architecture.bins", [0.0, 7.0], "architecture.bins are two ratings or more in"),
        ("architecture.r", -4, "architecture.r of log-sum-exp is 0"),
        ("architecture.pooled", 1, "architecture.pooled: expected true or false, found 1"),
        ("architecture.squeeze", {}, "architecture.squeeze: expected a whole number, found {}"),
        ("precision", "f8", "precision: expected auto or f32 or bf16 or f16 or int8, found 'f8'"),
        ("training", [], "training: expected an object, found a list of 0"),
        ("name", "", "name is a text of 1 to 200 characters"),
        ("name", "a\x1b[31mb", "name is a text of 1 to 200 characters"),
        ("notice", "\ud800", "its card is not JSON"),
        ("owner", "me", "owner is unknown"),
        ("format_version", "1", "its card names no format_version"),
    ],
)
def test_a_card_with_a_wrong_field_is_damaged_and_the_field_is_named(tmp_path, name, value, reason):
    path = write_signed(tmp_path / "m.safetensors", changed(CARD.to_dict(), name, value))
    for read in (read_card, read_model):
        with pytest.raises(ModelDamaged, match=rf"m\.safetensors is truncated or damaged \(.*{reason}"):
            read(path)


def test_a_card_of_an_earlier_rgnet_lacks_what_was_added_since(tmp_path):
    card = CARD.to_dict()
    for name in ("architecture.joined", "architecture.graph", "architecture.bins", "preprocess.multiple"):
        card = changed(card, name, ...)
    assert read_model(write_signed(tmp_path / "m.safetensors", card)).card == replace(
        CARD, sha256=content_hash(card, TENSORS)
    )


@pytest.mark.parametrize("card", ["null", "[]", "7", "{" * 20, "[" * 100_000, '{"format_version": 1e999}'])
def test_a_card_that_is_no_card_is_damaged(tmp_path, card):
    save_file(TENSORS, tmp_path / "m.safetensors", metadata={"rgnet": card, "sha256": "0" * 64})
    with pytest.raises(ModelDamaged, match="its card"):
        read_model(tmp_path / "m.safetensors")


def _run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["rgnet", *words])
    try:
        return main() or 0
    except SystemExit as end:
        return end.code or 0


HALF = np.array([1, np.inf], np.float16)
BYTES = np.zeros(4, np.uint8)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"b": np.array([np.nan], np.float32)}, "b holds values that are not numbers"),
        ({"b": HALF}, "b holds values that are not numbers"),
        ({"b": np.zeros(2, np.int64)}, "b is int64, expected float16 or float32"),
        ({GRAPH: np.zeros(4, np.float32)}, "graph.onnx is not bytes"),
        ({"int8.bin": BYTES}, "of int8.xml.gz and int8.bin one is missing"),
        ({"int8.bin": BYTES, "int8.xml.gz": BYTES}, "int8.xml.gz: .*incorrect header"),
        (
            {
                "int8.bin": BYTES,
                "int8.xml.gz": np.frombuffer(gzip.compress(b"<net/>" * 1000)[:-20], np.uint8),
            },
            "int8.xml.gz is cut short",
        ),
    ],
)
def test_impossible_tensors_are_damaged(tmp_path, tensors, reason):
    path = write_signed(tmp_path / "m.safetensors", CARD.to_dict(), TENSORS | tensors)
    with pytest.raises(ModelDamaged, match=reason):
        read_model(path)


def test_a_model_without_a_graph_is_damaged(tmp_path):
    path = write_signed(tmp_path / "m.safetensors", CARD.to_dict(), {"a": HALF[:1]})
    with pytest.raises(ModelDamaged, match=r"graph\.onnx is missing"):
        read_model(path)


def test_a_reason_is_short_whatever_the_file_holds(tmp_path):
    card = changed(CARD.to_dict(), "x" * 100_000, 1)
    with pytest.raises(ModelDamaged) as problem:
        read_card(write_signed(tmp_path / "m.safetensors", card))
    assert len(str(problem.value)) < 600


def test_an_int8_network_is_inflated_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("rgnet.weights.file._XML_LIMIT", 1000)
    bomb = np.frombuffer(gzip.compress(bytes(10**6)), np.uint8)
    tensors = TENSORS | {"int8.bin": BYTES, "int8.xml.gz": bomb}
    path = write_signed(tmp_path / "m.safetensors", CARD.to_dict(), tensors)
    with pytest.raises(ModelDamaged, match=r"int8\.xml\.gz is cut short, or more than"):
        read_model(path)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read: it is not a file"):
        read_model(tmp_path)
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(ModelFileError, match="cannot be read: it is not a file"):
        read_card(tmp_path / "pipe.safetensors")
    for name in ("none.safetensors", "a\0b.safetensors"):
        with pytest.raises(ModelNotFound, match="there is no model"):
            rgnet.load(tmp_path / name)
    with pytest.raises(ModelFileError, match=r"there is no model|cannot be read"):
        rgnet.load("m" * 5000)


def test_a_damaged_file_among_the_models_is_a_row_that_says_why(tmp_path, monkeypatch, capsys):
    write_signed(tmp_path / "old.safetensors", changed(CARD.to_dict(), "scale.low", 9))
    sha256 = write_model(tmp_path / "good.safetensors", CARD, {"a": np.ones(2, np.float32)}, b"graph")
    monkeypatch.setenv("RGNET_MODELS", str(tmp_path))
    assert find_by_hash(sha256[:12]) == tmp_path / "good.safetensors"
    assert find_by_hash("0" * 12) is None
    assert {path.stem for path, _ in rgnet.models()} >= {"good", DEFAULT} - {"old"}

    run = partial(_run, monkeypatch)
    assert run("models", "--json") == 0
    rows = {row["model"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert "scale.low lies below high" in rows["old"]["error"] and rows["old"]["hash"] is None
    assert rows["tiny"]["error"] is None and rows["tiny"].keys() == rows["old"].keys()

    assert run("models") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("old\t"))
    assert dict(zip(header.split("\t"), line.split("\t"), strict=True))["error"] == rows["old"]["error"]


@pytest.mark.parametrize("engine", ["openvino", "torch:cpu"])
def test_weights_that_do_not_fit_the_network_are_damaged(tiny_file, engine):
    name = "head.vote.weight"
    without = {key: array for key, array in tiny_file.tensors.items() if key != name}
    for tensors in (without, without | {name: np.ones((1, 7), np.float16)}):
        with pytest.raises(ModelDamaged, match=r"fit together|lacks 1 weights|are \(1, 7\)"):
            open_engine(replace(tiny_file, tensors=tensors), engine, precision="f32")


def test_a_graph_of_another_network_is_damaged(tiny_file, tiny_classifier):
    other = read_model(tiny_classifier)
    for model in (
        replace(tiny_file, graph=b"graph"),
        replace(tiny_file, graph=b""),
        replace(tiny_file, graph=other.graph),
        replace(other, card=tiny_file.card),
    ):
        with pytest.raises(ModelDamaged, match=r"do not fit together \(.+\): fetch the file again"):
            open_engine(model, "openvino", precision="f32")


def test_a_network_beyond_all_memory_is_refused_before_it_is_made(tiny_file):
    vast = Architecture(backbone="resnet18", output_stride=16, head="score", maps=2048, plain_convs=64)
    with pytest.raises(ModelDamaged, match="the model lacks"):
        open_engine(replace(tiny_file, card=replace(tiny_file.card, architecture=vast)), "torch:cpu")
    for backbone in ("resnet99", "timm:none", "resnet18+vgg16"):
        strange = replace(tiny_file.card, architecture=Architecture(backbone=backbone))
        with pytest.raises(ModelDamaged, match="the network of the model cannot be built"):
            open_engine(replace(tiny_file, card=strange), "torch:cpu")


def test_an_output_beyond_the_scale_is_a_failure(tiny_file):
    scorer = rgnet.Scorer(tiny_file, SimpleNamespace(name="none"))
    photo = scorer.prepare(np.zeros((96, 96, 3), np.uint8))
    votes = np.full((6, 6, 1), 0.5, np.float32)
    for output, scored in (
        (0.0, True),
        (1.0, True),
        (1.01, True),
        (7.0, False),
        (-3, False),
        (np.nan, False),
    ):
        record = scorer.make_record("a.jpg", photo, np.array([output], np.float32), votes)
        assert (record.error is None) == scored
        assert scored or record.error.startswith("the network's output is not a number between 0 and 1")


def test_float16_is_offered_where_it_holds_the_network(tiny_file):
    with pytest.raises(EngineError, match=r"tiny-score cannot run in f16: .*: ask for f32 or bf16"):
        open_engine(tiny_file, "torch:cpu", precision="f16")
    bounded = Architecture(graph="attention", head="score")
    assert supported_precisions(tiny_file.card) == ["auto", "f32", "bf16"]
    assert supported_precisions(replace(tiny_file.card, architecture=bounded))[-1] == "f16"
    assert "f16" in supported_precisions(replace(tiny_file.card, architecture=Architecture(graph_layers=0)))
