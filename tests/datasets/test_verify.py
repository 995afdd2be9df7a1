"""`rgnet verify` finds what is wrong with a data set, and says so with exit code 3."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rgnet import datasets
from rgnet.cli import app
from rgnet.datasets.duplicates import compute_fingerprint, connect, find_identical, find_near_duplicates
from rgnet.datasets.verify import verify


def picture(path, seed, *, side=64, gain=1.0, quality=90):
    """Large shapes drawn by `seed`; the same scene larger, darker or compressed harder."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    image.point(lambda value: int(gain * value)).save(path, quality=quality)
    return path


@pytest.fixture
def para(tmp_path):
    """Thirty photos in PARA's table, a third of them for the test; nothing is wrong yet."""
    for index in range(30):
        picture(tmp_path / f"{index}.jpg", index)
    rows = [f"{i}.jpg,{i}.jpg,{1 + i / 10},{'test' if i % 3 == 0 else 'train'}" for i in range(30)]
    (tmp_path / "labels.csv").write_text("file,source_id,mean,split\n" + "\n".join(rows) + "\n")
    (tmp_path / "exact_duplicates.txt").write_text("")
    return tmp_path


def verdict_on(folder):
    return verify(datasets.load(folder, held_out=3, strict=False))


def run(*words):
    return CliRunner().invoke(app, ["verify", *map(str, words)])


def test_a_sound_data_set_exits_0(para, tmp_path):
    done = run(para, "-o", tmp_path / "check")
    assert done.exit_code == 0, done.output
    assert "found nothing wrong" in done.output
    found = json.loads((tmp_path / "check" / "verify.json").read_text())
    assert found["problems"] == [] and found["sides"]["test"]["photos"] == 10
    assert found["sides"]["test"]["base_rate"] == 0.3 and found["sides"]["test"]["list"] in done.output
    with Image.open(tmp_path / "check" / "ratings.png") as drawn:
        assert drawn.width > 500 and len(drawn.convert("RGB").getcolors(10**6)) > 10


def test_missing_rotten_and_truncated_photos_are_named(para):
    (para / "4.jpg").unlink()
    (para / "7.jpg").write_bytes(b"rotten")
    (para / "8.jpg").write_bytes((para / "8.jpg").read_bytes()[:-200])
    done = run(para)
    assert done.exit_code == 3
    assert "wrong: 1 of 30 photos are missing: 4.jpg" in done.output
    assert "wrong: 2 photos cannot be read: 7.jpg, 8.jpg" in done.output
    verdict = verdict_on(para)
    assert set(verdict.missing) == {"4.jpg"} and set(verdict.unreadable) == {"7.jpg", "8.jpg"}


def test_copies_across_the_splits_are_found_by_bytes_and_by_looks(para):
    (para / "1.jpg").write_bytes((para / "3.jpg").read_bytes())
    picture(para / "5.jpg", 6, side=150, gain=0.7, quality=50)
    done = run(para)
    assert done.exit_code == 3
    assert (
        "wrong: 1 byte-identical pairs are in two splits, 1 of them with a test photo: 1.jpg" in done.output
    )
    assert (
        "wrong: 1 near-duplicate pairs are in two splits, 1 of them with a test photo: 5.jpg" in done.output
    )
    verdict = verdict_on(para)
    (pair,) = verdict.alike
    assert {pair.one, pair.other} == {"5.jpg", "6.jpg"} and 0 < pair.bits <= 64


def test_duplicates_within_a_split_harm_no_evaluation(para):
    (para / "3.jpg").write_bytes((para / "6.jpg").read_bytes())
    verdict = verdict_on(para)
    assert len(verdict.identical) == 1 and verdict.problems == ()


def test_the_ilgnet_list_learns_from_the_official_test_photos(shared, tmp_path):
    """Of the 10,238 test photos whose ratings are at hand, ILGnet trains on 9,426."""
    import csv

    with (shared / "data/ava/ava_histograms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    learned = [row["source_id"] + ".jpg 1" for row in rows if row["ilgnet_list"] == "train"]
    (tmp_path / "ilgnet.txt").write_text("\n".join(learned))
    counts = "\n".join(
        " ".join([str(index), row["source_id"], *(row[f"h{i}"] for i in range(1, 11)), "0 0 1"])
        for index, row in enumerate(rows)
    )
    (tmp_path / "AVA.txt").write_text(counts)
    (tmp_path / "generic_test.jpgl").write_text((shared / "data/ava/generic_test.jpgl").read_text())
    from rgnet.datasets.verify import leaks_from

    ((what, keys),) = leaks_from(datasets.load(tmp_path, strict=False), tmp_path / "ilgnet.txt").items()
    assert what == "test photos of AVA are on the list ilgnet.txt" and len(keys) == 9426


def test_leaks_against_a_list_and_against_another_data_set(para, tmp_path):
    (tmp_path / "list.txt").write_text("0 1\n3.png\n4\n")
    done = run(para, "--against", tmp_path / "list.txt")
    assert done.exit_code == 3
    assert "wrong: 2 test photos of PARA are on the list list.txt: 0, 3" in done.output
    other = tmp_path / "other"
    other.mkdir()
    text = (para / "labels.csv").read_text()
    (other / "labels.csv").write_text(
        text.replace("test", "x").replace("train", "test").replace("x", "train")
    )
    (other / "exact_duplicates.txt").write_text("")
    done = run(para, "--against", other)
    assert (
        done.exit_code == 3
        and "wrong: 10 test photos of PARA are on the training lists of PARA" in done.output
    )
    assert run(para, "--against", para).exit_code == 0
    assert run(para, "--against", tmp_path / "none.txt").exit_code != 0


def test_leaks_are_found_by_bytes_under_other_names(para, tmp_path):
    """A table whose test photo is one that PARA learns from, under another name."""
    mine = tmp_path / "mine"
    mine.mkdir()
    for index in range(100, 110):
        picture(mine / f"{index}.jpg", index)
    (mine / "104.jpg").write_bytes((para / "4.jpg").read_bytes())
    rows = [f"{index}.jpg,{index % 5 + 1},{'test' if index < 106 else 'train'}" for index in range(100, 110)]
    (mine / "mine.csv").write_text("path,score,split\n" + "\n".join(rows) + "\n")
    done = run(mine / "mine.csv", "--against", para)
    assert done.exit_code == 3 and "comparing mine with PARA by name and content" in done.output
    assert "wrong: 1 test photos of mine are on the training lists of PARA: 104" in done.output
    for photo in para.glob("*.jpg"):
        photo.unlink()
    done = run(mine / "mine.csv", "--against", para)
    assert done.exit_code == 0 and "by name only: its photos were not found" in done.output


def test_labels_without_photos_say_which_option_names_them(para, tmp_path):
    (tmp_path / "nothing").mkdir()
    done = run(para, "--photos", tmp_path / "nothing")
    assert done.exit_code == 3
    assert "wrong: 30 of 30 photos are missing; name their folder with --photos: 0.jpg" in done.output


def test_an_output_that_cannot_be_written_is_said_before_the_work(para, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(para, "-o", tmp_path / "file")
    assert (
        done.exit_code != 0
        and "file: cannot be written (Not a directory)" in str(done.exception)
        and done.output == ""
    )


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_looks_survive_what_saving_again_does_and_tell_scenes_apart(tmp_path, gain):
    one = compute_fingerprint(picture(tmp_path / "one.jpg", 1)).perceptual
    same = compute_fingerprint(picture(tmp_path / "same.png", 1, side=200, gain=gain)).perceptual
    others = {
        seed: compute_fingerprint(picture(tmp_path / f"{seed}.jpg", seed)).perceptual for seed in range(2, 40)
    }
    assert [pair[:2] for pair in find_near_duplicates({"one": one, "same": same, **others})] == [
        ("one", "same")
    ]


def test_photos_of_nothing_are_not_alike(tmp_path):
    for value in (0, 255):
        Image.new("RGB", (64, 64), (value,) * 3).save(tmp_path / f"{value}.png")
        assert compute_fingerprint(tmp_path / f"{value}.png").perceptual is None
    assert find_near_duplicates({"black": None, "white": None}) == []


def test_families_grow_through_others(tmp_path):
    assert connect("abcdef", [("a", "b"), ("d", "b"), ("e", "f")]) == [["a", "b", "d"], ["c"], ["e", "f"]]
    for name, content in {"a": b"12", "b": b"21", "c": b"12", "d": b"123"}.items():
        (tmp_path / name).write_bytes(content)
    assert find_identical(sorted(tmp_path.iterdir())) == [[tmp_path / "a", tmp_path / "c"]]
