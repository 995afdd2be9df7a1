"""The commands for the paper's own data sets, run on invented photos in the folders that AVA and AADB come in."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app

SMALL = (
    "architecture.backbone=timm:test_efficientnet", "architecture.output_stride=16", "architecture.rates=1,2",
    "architecture.maps=8", "preprocess.size=64", "sizes=1x64", "batch_size=8", "held_out=8",
)  # fmt: skip
COUNT = 40


def draw_photos(folder, names):
    """The later in the list, the brighter: something that can be learned."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for index, name in enumerate(names):
        pixels = draw.integers(0, 60, (70, 90, 3)) + 190 * index / len(names)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)


@pytest.fixture
def ava(tmp_path):
    folder = tmp_path / "AVA"
    draw_photos(folder / "images", [f"{ident}.jpg" for ident in range(1, COUNT + 1)])
    lines = []
    for ident in range(1, COUNT + 1):
        counts = [0] * 10
        counts[min(9, ident // 4)] = 200
        lines.append(" ".join(map(str, (ident, ident, *counts, 1, 2, 1396))))
    (folder / "AVA.txt").write_text("\n".join(lines))
    (folder / "tags.txt").write_text("1 Abstract\n2 Still Life\n")
    lists = folder / "aesthetics_image_lists"
    lists.mkdir()
    (lists / "generic_test.jpgl").write_text("\n".join(map(str, range(1, COUNT, 4))))
    return folder


@pytest.fixture
def aadb(tmp_path):
    folder = tmp_path / "AADB"
    names = [f"farm1_{index}.jpg" for index in range(COUNT)]
    draw_photos(folder / "datasetImages_originalSize", names)
    parts = {"TestNew": names[::4], "Validation": names[1::8], "Train": names[2::4] + names[3::4]}
    for part, listed in parts.items():
        lines = [f"{name} {names.index(name) / COUNT}" for name in listed]
        (folder / f"imgList{part}Regression_score.txt").write_text("\n".join(lines))
    return folder


def run(*words):
    settings = (
        [word for setting in SMALL for word in ("--set", setting)]
        if words[0] in ("train", "reproduce")
        else []
    )
    done = CliRunner().invoke(app, [*map(str, words), *settings], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done


def test_ava_from_the_folder_to_a_table_of_the_paper(ava, tmp_path):
    photos = ("--photos", ava / "images")
    run("verify", ava, *photos, "-o", tmp_path / "check")
    words = ("--recipe", "ava_paper", "--weights", "none", "--seeds", 1, "--only", "FCN")
    done = run("reproduce", "table1", "--data", ava, *photos, *words, "-o", tmp_path / "table")
    assert "| FCN | 81.43 | 0.9112 | " in done.output


def test_aadb_from_the_folder_to_the_papers_figure(aadb, tmp_path):
    run("verify", aadb, "-o", tmp_path / "check")
    run("train", "aadb_paper", aadb, "--weights", "none", "-o", tmp_path / "run")
    (model,) = (tmp_path / "run").glob("*.safetensors")
    run("evaluate", model, aadb, "--split", "test", "-o", tmp_path / "evaluation")
    found = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert found["photos"] == COUNT // 4 and found["failures"] == [] and -1 <= found["srcc"]["value"] <= 1
