"""Camera raw on the command line: without the extra every file is a row, and one line says how to install it."""

import csv
import json
import sys

import pytest
from raw_files import TAKEN, dng, jpeg, scene

from rgnet.cli import main
from rgnet.imaging import raw

MISSING = 'camera raw needs the extra raw: in your copy of rgnet, run  pip install ".[raw]"'
SKIPPED = '2 camera raw files skipped: in your copy of rgnet, run  pip install ".[raw]"'


@pytest.fixture
def rgnet(tmp_path, tiny_model, monkeypatch, capsys):
    """Runs the command in this process beside a folder `card`; (exit code, standard output, standard error)."""
    (tmp_path / "card").mkdir()
    picture = jpeg(scene(), taken=TAKEN)
    for name, data in {"a.dng": dng(scene()), "a.jpg": picture, "b.DNG": dng(scene()) + b"b"}.items():
        (tmp_path / "card" / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RGNET_MODELS", str(tiny_model.parent))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rgnet", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_without_the_extra_every_file_is_a_row_and_one_line_sums_them_up(rgnet, tmp_path, monkeypatch):
    # Processes that decode find no rawpy either
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['rawpy'] = None")
    monkeypatch.syspath_prepend(tmp_path)
    code, _, errors = rgnet("score", "card", "--output", "rows.csv", "-m", "tiny-score")
    assert code == 3 and errors.count("camera raw") == 1 and SKIPPED in errors
    assert "1 scored, 2 failed of 3 photos" in errors
    with (tmp_path / "rows.csv").open() as file:
        assert [row["error"] for row in csv.DictReader(file)] == [MISSING, "", MISSING]
    for _ in range(2):  # the second scan tries again
        code, _, errors = rgnet("scan", "card", "--catalogue", "c.sqlite", "-m", "tiny-score")
        assert code == 3 and SKIPPED in errors and "2 failed, 0 missing of 3 files" in errors


@pytest.mark.skipif(not raw.is_installed(), reason="needs rawpy")
def test_score_has_a_row_for_each_file_and_the_library_one_for_a_pair(rgnet, tmp_path):
    code, rows, _ = rgnet("score", "card", "--json", "-m", "tiny-score")
    found = [json.loads(line) for line in rows.splitlines()]
    assert code == 0 and [row["path"] for row in found] == ["card/a.dng", "card/a.jpg", "card/b.DNG"]
    assert found[0]["notes"] == ["camera raw: developed at half size with the camera's white balance"]
    assert rgnet("scan", "card", "--catalogue", "c.sqlite", "-m", "tiny-score")[0] == 0
    _, rows, _ = rgnet("top", "--json", "--catalogue", "c.sqlite")
    assert {json.loads(line)["path"][-5:] for line in rows.splitlines()} == {"a.jpg", "b.DNG"}
    _, facts, _ = rgnet("show", "card/a.dng", "--json", "--catalogue", "c.sqlite")
    assert json.loads(facts)["pair"].endswith("card/a.jpg")
