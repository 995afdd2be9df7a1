"""`rgnet score` on photos that crash their decoder or take too long: rows like any others, and the rest is scored."""

import csv
import io
import itertools
from functools import partial

import pytest
from harmful import decode_by_name
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app
from rgnet.imaging import workers
from rgnet.imaging.checks import MAX_SCANS

SCAN = b"\xff\xda"


@pytest.fixture
def score(tmp_path, tiny_model, monkeypatch, decoders):
    """Runs `rgnet score` in this process; (exit code, rows of the table)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RGNET_MODELS", str(tiny_model.parent))

    def run(*words: str):
        done = CliRunner().invoke(app, ["score", *words, "-m", "tiny-score", "-o", "rows.csv"])
        assert not decoders()
        with (tmp_path / "rows.csv").open(newline="") as rows:
            return done.exit_code, list(csv.DictReader(rows))

    return run


def progressive(scans: int) -> bytes:
    """A JPEG of as many scans as its decoder accepts, each over the whole picture."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((4000, 3000)).convert("RGB").save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data[data.rindex(SCAN) : -2]
    return data[:-2] + last * (scans - data.count(SCAN)) + data[-2:]


def test_a_crash_is_a_row_between_its_neighbours(score, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "DecodePool", partial(workers.DecodePool, decode=decode_by_name))
    for index, name in enumerate(("a", "crash", "once", "z")):
        Image.new("RGB", (120, 90), (60 * index, 90, 30)).save(tmp_path / f"{name}.png")
    code, rows = score("a.png", "crash.png", "once.png", "z.png", "gone.png")
    assert code == 3 and [row["path"] for row in rows] == [
        "a.png",
        "crash.png",
        "once.png",
        "z.png",
        "gone.png",
    ]
    assert [bool(row["score"]) for row in rows] == [True, False, True, True, False]
    assert rows[1]["error"].startswith("this photo crashed its decoder (signal SIGABRT)")
    assert all(one["score"] != other["score"] for one, other in itertools.combinations(rows[:4], 2))


def test_a_photo_has_as_long_as_timeout_says(score, tmp_path):
    (tmp_path / "slow.jpg").write_bytes(progressive(MAX_SCANS))
    code, (row,) = score("slow.jpg", "--timeout", "0.1")
    assert code == 3 and row["error"].startswith("decoding this photo took more than 0.1 s")
    code, (row,) = score("slow.jpg")
    assert code == 0 and row["score"] and row["width"] == "4000"
