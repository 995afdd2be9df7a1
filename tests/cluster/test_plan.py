"""Names from any source in one order, laid down once, and a destination that is never two things."""

import csv
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="rgnet cluster needs fsspec: pip install '.[cluster]'")
arrow = pytest.importorskip("pyarrow")

import fsspec  # noqa: E402
from fleet import photos, plan_of  # noqa: E402
from pyarrow import parquet  # noqa: E402

from rgnet.cluster import plan  # noqa: E402
from rgnet.cluster.plan import finished_parts, part_file  # noqa: E402
from rgnet.cluster.sources import read_names  # noqa: E402
from rgnet.cluster.store import Store  # noqa: E402
from rgnet.errors import ClusterError, OutputError, SettingError  # noqa: E402
from rgnet.imaging.discovery import photo_names  # noqa: E402
from rgnet.weights.file import read_card  # noqa: E402

NAMES = ["b.jpg", "/a/ä.jpg", "s3://bucket/key.jpg", "b.jpg", "not-utf8-\udcff.png"]


@pytest.fixture
def bucket():
    """An empty bucket of this process."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    return fs


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path, bucket):
    return Store(str(tmp_path / "rows") if request.param == "folder" else "memory://rows/here")


@pytest.fixture
def listed(tmp_path):
    def write(count: int) -> Path:
        file = tmp_path / "list.txt"
        file.write_text("".join(f"/photos/{index}.jpg\n" for index in range(count)))
        return file

    return write


def test_lists_and_tables_give_their_names_in_order(tmp_path):
    lines, table = tmp_path / "names.txt", tmp_path / "names.csv"
    lines.write_bytes(b"\r\n".join(map(os.fsencode, NAMES)) + b"\n\n")
    with table.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows([["id", "path"], *enumerate(NAMES)])
    parquet.write_table(arrow.table({"key": NAMES[:4], "n": range(4)}), tmp_path / "names.parquet")
    assert list(read_names(str(lines))) == NAMES
    assert list(read_names(table.as_uri())) == NAMES
    assert list(read_names(str(tmp_path / "names.parquet"), "key")) == NAMES[:4]


def test_a_bucket_is_walked_as_a_folder_is(tmp_path, bucket):
    photos(tmp_path / "p" / "b.d", 2)
    photos(tmp_path / "p" / "b", 2)
    photos(tmp_path / "p" / ".hidden", 1)
    for name in ("b-c.JPG", "notes.txt", ".jpg", "z.png"):
        (tmp_path / "p" / name).write_bytes(b"x")
    local = list(photo_names([tmp_path / "p"]))
    assert len(local) == 6 and list(read_names(str(tmp_path / "p"))) == local
    assert list(read_names((tmp_path / "p").as_uri())) == [f"file://{name}" for name in local]
    bucket.put(str(tmp_path / "p"), "/shoot", recursive=True)
    inside = [name.removeprefix(str(tmp_path / "p")) for name in local]
    assert list(read_names("memory://shoot")) == [f"memory:///shoot{name}" for name in inside]


def test_lists_of_other_programs_are_read_as_rgnet_score_reads_them(tmp_path):
    for name, data in (("nul", b"a.jpg\0b.jpg"), ("powershell", "a.jpg\r\nb.jpg\r\n".encode("utf-16"))):
        (tmp_path / name).write_bytes(data)
        assert list(read_names(str(tmp_path / name))) == ["a.jpg", "b.jpg"]


def test_a_source_that_is_none_says_what_was_expected(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "false.parquet").write_bytes(b"PAR1")
    (tmp_path / "t.csv").write_text("paht,n\na.jpg,1\n")
    (tmp_path / "gap.csv").write_text("n,path\n1,a.jpg\n2\n")
    cases = {
        "none.txt": "expected a list, a table or a folder, found none",
        "photo.jpg": "is a photo",
        "false.parquet": "expected a Parquet table",
        "t.csv": "has no column 'path': did you mean paht",
        "gap.csv": "expected a path in every row of 'path', found None",
    }
    for name, message in cases.items():
        with pytest.raises(SettingError, match=message):
            list(read_names(str(tmp_path / name)))
    with pytest.raises(SettingError, match="neither a path nor a URL that fsspec knows"):
        list(read_names("nowhere://bucket"))


def test_a_long_list_lies_in_pieces_and_is_read_back_part_by_part(store, listed, tiny_model, monkeypatch):
    monkeypatch.setattr(plan, "PIECE", 50)
    found = plan_of(store, listed(123), tiny_model, part_size=16)
    assert (found.parts, found.piece, found.photos, found.base) == (8, 48, 123, "")
    names = [name for part in range(8) for name in found.names(store, part)]
    assert names == [f"/photos/{index}.jpg" for index in range(123)]
    assert [found.size(part) for part in range(8)] == [16] * 7 + [11]
    assert plan_of(store, listed(123), tiny_model) == found
    assert finished_parts(store, found) == set()
    store.write(part_file(3), b"rows")
    assert finished_parts(store, found) == {3}


def test_parts_hold_whole_batches_whatever_the_list(store, listed, tiny_model):
    assert [plan.default_part_size(photos, 8) for photos in (1, 600, 5000, 10**8)] == [8, 8, 72, 4000]
    with pytest.raises(SettingError, match="part size 10: expected a multiple of the batch size 8"):
        plan_of(store, listed(20), tiny_model, part_size=10)
    assert plan_of(store, listed(20), tiny_model, part_size=10, batch=5).parts == 2


def test_a_destination_of_something_else_is_refused(store, listed, tiny_model, tiny_classifier):
    before = plan_of(store, listed(40), tiny_model, part_size=8)
    changed = {"part_size": {"part_size": 16}, "batch": {"batch": 4}, "precision": {"precision": "f32"}}
    for name, asked in changed.items():
        with pytest.raises(ClusterError, match=f"was started with {name} .*give another destination"):
            plan_of(store, listed(40), tiny_model, **asked)
    with pytest.raises(ClusterError, match=r"was started with photos 40 .* and now photos is 41"):
        plan_of(store, listed(41), tiny_model)
    other = listed(40)
    other.write_text(other.read_text().replace("/39.", "/93."))
    with pytest.raises(ClusterError, match="was started with list_sha256"):
        plan_of(store, other, tiny_model)
    with pytest.raises(ClusterError, match=r"was started with model_sha256 .*model tiny-score"):
        plan_of(store, listed(40), tiny_classifier)
    assert plan_of(store, listed(40), tiny_model) == before


def test_relative_names_belong_to_the_folder_they_were_given_in(store, tmp_path, tiny_model, monkeypatch):
    list_file = tmp_path / "list.txt"
    list_file.write_text("a.jpg\n")
    monkeypatch.chdir(tmp_path)
    assert plan_of(store, list_file, tiny_model).base == str(tmp_path)
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    with pytest.raises(ClusterError, match="was started with base"):
        plan_of(store, list_file, tiny_model)


def test_plans_that_cannot_be_followed_are_refused(store, listed, tiny_model):
    plan_of(store, listed(9), tiny_model)
    values = json.loads(store.read(plan.PLAN_FILE))
    store.write(plan.PLAN_FILE, json.dumps(values | {"format": 2, "new": 1}).encode())
    with pytest.raises(ClusterError, match="has format 2, this rgnet reads up to 1: update"):
        plan_of(store, listed(9), tiny_model)
    for damaged in (b"{", json.dumps(values | {"other": 1}).encode(), b"[]"):
        store.write(plan.PLAN_FILE, damaged)
        with pytest.raises(ClusterError, match=r"plan\.json is damaged: give another destination"):
            plan_of(store, listed(9), tiny_model)


def test_parts_without_a_plan_and_empty_lists_are_refused(store, listed, tiny_model):
    with pytest.raises(SettingError, match="no photos found"):
        plan_of(store, listed(0), tiny_model)
    store.write(part_file(0), b"rows")
    with pytest.raises(ClusterError, match="holds parts without a plan"):
        plan_of(store, listed(9), tiny_model)


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    store = Store(str(tmp_path))
    store.write("a/b", b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a/b: cannot be written .*No space left"):
        store.write("a/b", b"new")
    assert store.read("a/b") == b"old" and [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_the_plan_says_what_it_was_made_of(store, listed, tiny_model):
    found = plan_of(store, listed(9), tiny_model)
    card = read_card(tiny_model)
    assert (found.model, found.model_sha256) == ("tiny-score", card.sha256)
    assert store.read(plan.MODEL_FILE) == tiny_model.read_bytes()
