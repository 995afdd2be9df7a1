"""What is written is read back, whatever a file is called; a file appears whole or not at all."""

import csv
import json
import os
from dataclasses import replace

import pytest

from rgnet.errors import MissingExtra, OutputError, SettingError
from rgnet.outputs.tables import ROW_GROUP, TABLES, open_table
from rgnet.results import COLUMNS, ScoredPhoto, ScoreFailure

NAMES = [
    "plain.jpg",
    'with "quotes", commas\nand a line.jpg',
    "Überhöhe 日本.jpg",
    os.fsdecode(b"not-utf8-\xff.jpg"),
]
MODEL = {"model": "m", "model_hash": "0123456789ab", "engine": "test"}
PHOTO = {
    "score": 3.25,
    "percentile": 61.5,
    "label": None,
    "probability": None,
    "width": 4000,
    "height": 3000,
    **MODEL,
}


@pytest.fixture
def records():
    scored = [ScoredPhoto(path=name, notes=("first", "second"), **PHOTO) for name in NAMES]
    return [*scored, ScoreFailure(path="bad.jpg", error="expected a photo, found none", **MODEL)]


def read_back(path):
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path).to_pylist()
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("ending", sorted(TABLES))
def test_rows_come_back_in_order_with_the_published_columns(tmp_path, records, ending):
    target = tmp_path / f"scores{ending}"
    with open_table(target) as write:
        for record in records:
            write(record)
    rows = read_back(target)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [row["path"] for row in rows][:3] == NAMES[:3] and rows[4]["path"] == "bad.jpg"
    assert [float(row["score"]) for row in rows[:4]] == [3.25] * 4
    assert rows[4]["score"] in (None, "") and rows[4]["error"] == "expected a photo, found none"
    assert rows[0]["notes"] in ("first; second", ["first", "second"])
    assert rows[3]["path"].startswith("not-utf8-")


@pytest.mark.parametrize("ending", sorted(TABLES))
def test_no_rows_make_a_sound_file(tmp_path, ending):
    target = tmp_path / f"none{ending}"
    with open_table(target):
        pass
    assert read_back(target) == []


@pytest.mark.parametrize("ending", sorted(TABLES))
def test_nothing_appears_before_the_end_and_nothing_after_a_failure(tmp_path, records, ending):
    target = tmp_path / f"scores{ending}"
    target.write_text("of yesterday")
    with pytest.raises(ZeroDivisionError), open_table(target) as write:
        write(records[0])
        assert target.read_text() == "of yesterday"
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "of yesterday"


def test_parquet_columns_have_types_even_where_all_is_absent(tmp_path):
    import pyarrow.parquet

    with open_table(tmp_path / "t.parquet") as write:
        for _ in range(ROW_GROUP + 1):
            write(ScoreFailure(path="a", error="b", **MODEL))
    file = pyarrow.parquet.ParquetFile(tmp_path / "t.parquet")
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert kinds["score"] == "double" and kinds["width"] == "int32" and kinds["label"] == "string"
    assert file.num_row_groups == 2


def test_what_cannot_be_written_is_said_first(tmp_path, monkeypatch):
    with pytest.raises(SettingError, match=r"a\.cvs: unsupported file type '\.cvs': use \.csv, \.jsonl"):
        open_table(tmp_path / "a.cvs")
    with (
        pytest.raises(
            OutputError, match=r"nowhere/a\.csv: cannot be written \(No such file or directory\): create"
        ),
        open_table(tmp_path / "nowhere" / "a.csv"),
    ):
        pass
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with (
        pytest.raises(MissingExtra, match=r'run {2}pip install "\.\[parquet\]"'),
        open_table(tmp_path / "a.parquet"),
    ):
        pass


@pytest.mark.parametrize("free", [0, 4, 60])
@pytest.mark.parametrize("ending", sorted(TABLES))
def test_a_disk_that_fills_up_leaves_the_table_of_yesterday(full_disk, records, ending, free):
    target = full_disk / f"scores{ending}"
    target.write_text("of yesterday")
    status = os.statvfs(full_disk)
    (full_disk / "rest").write_bytes(bytes(status.f_bavail * status.f_bsize - free * 1024))
    with pytest.raises(OutputError) as caught, open_table(target) as write:
        for _ in range(1000):
            for record in records:
                write(replace(record, path=f"{record.path}{os.urandom(40).hex()}"))
    assert str(caught.value) == (
        f"{target}: cannot be written (No space left on device): make room or choose another place"
    )
    assert target.read_text() == "of yesterday" and sorted(path.name for path in full_disk.iterdir()) == [
        "rest",
        target.name,
    ]
