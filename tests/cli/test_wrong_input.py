"""What a newcomer may type in a folder without photos: one sentence, exit code 2 or 3, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NO_CATALOGUE = "create it with  rgnet scan FOLDER"
NO_SUCH_DAY = "expected a day as YYYY-MM-DD, today or yesterday, found"

WRONG = {
    "scroe a.jpg": (2, "No such command 'scroe'. Did you mean 'score', 'crop'?"),
    "score": (2, "Missing argument"),
    "score nothing.jpg": (3, "not scored: nothing.jpg: "),
    "score *.jpg": (2, "*.jpg: expected a photo or a folder, found a pattern that matches nothing"),
    "score photos/[a-z].jpg": (2, "photos/[a-z].jpg: expected a photo or a folder, found a pattern"),
    "score empty": (2, "no photos found in empty"),
    "score notes.txt": (3, "not scored: notes.txt: "),
    "score notes.txt -o rows.xls": (2, "rows.xls: unsupported file type '.xls'"),
    "score notes.txt -o nowhere/rows.csv": (2, "nowhere"),
    "score notes.txt -m nosuch": (2, "there is no model 'nosuch'"),
    "score notes.txt -m notes.txt": (2, "notes.txt"),
    "score notes.txt -m short.txt": (2, "short.txt"),
    "score notes.txt --engine coreml": (2, "there is no engine 'coreml'"),
    "score notes.txt --threads 0": (2, "--threads"),
    "score notes.txt --timeout 0": (2, "--timeout"),
    "score notes.txt --timeout 1e9": (2, "a photo's time limit: expected more than 0 and at most 86400 s"),
    "scan empty --timeout soon": (2, "--timeout"),
    "explain nothing.jpg": (3, "not explained: nothing.jpg: "),
    "explain notes.txt --region top": (2, "--region: expected ROW,COLUMN such as 3,7, found 'top'"),
    "explain notes.txt -o map.gif": (2, "map.gif: expected .png, .npz, .json or a folder, found '.gif'"),
    "scan nothing": (2, "nothing: expected a folder of photos, found nothing"),
    "scan notes.txt": (2, "notes.txt: expected a folder of photos, found a file"),
    "scan empty --catalogue notes.txt": (2, "notes.txt"),
    "scan empty --catalogue empty": (2, "empty"),
    "top": (2, NO_CATALOGUE),
    "top ten": (2, "count"),
    "top --since last-week": (2, f"{NO_SUCH_DAY} 'last-week'"),
    "top --until 2026-02-30": (2, f"{NO_SUCH_DAY} '2026-02-30'"),
    "top --catalogue notes.txt": (2, "notes.txt"),
    "top --catalogue empty": (2, "empty"),
    "show nothing.jpg": (2, NO_CATALOGUE),
    "stats": (2, NO_CATALOGUE),
    "report nothing": (2, "nothing: expected a folder of photos or a catalogue, found nothing"),
    "report empty -o page.pdf": (2, "page.pdf: expected a page, found the suffix '.pdf'"),
    "export -o rows.csv": (2, NO_CATALOGUE),
    "export -o net.onnx": (2, "convert a model with  rgnet convert --output net.onnx"),
    "export": (2, "Missing option '--output'"),
    "rate": (2, NO_CATALOGUE),
    "rate nothing": (2, NO_CATALOGUE),
    "rate --cuts 1,2": (2, "four"),
    "push": (2, "Missing"),
    "push flickr": (2, "immich"),
    "push immich --url http://a --api-key-file nothing": (2, NO_CATALOGUE),
    "push immich --url a --api-key-file notes.txt --map a": (2, "--map: expected FROM=TO, such as"),
    "push immich --url http://a --api-key-file notes.txt --undo --min-score 3": (
        2,
        "leave out the other filters",
    ),
    "models extra": (2, "extra"),
    "models install nothing.safetensors": (2, "nothing.safetensors"),
    "models install notes.txt": (2, "notes.txt"),
    "models install empty": (2, "empty holds no model.safetensors"),
    "models export-hub nosuch -o hub": (2, "there is no model 'nosuch'"),
    "convert -o net": (2, "net: expected .onnx, .xml or .pt2, found 'no suffix'"),
    "convert -o nowhere/net.onnx": (2, "nowhere"),
    "quantize nosuch empty -o net.onnx": (2, "net.onnx: expected a .safetensors file, found '.onnx'"),
    "evaluate nosuch empty": (2, "there is no model 'nosuch'"),
    "evaluate rgnet-compact nothing": (2, "nothing"),
    "evaluate rgnet-compact empty --sample 5": (2, "for --stability and --inside: add one of them"),
    "compare nosuch rgnet-compact empty": (2, "there is no model 'nosuch'"),
    "verify nothing": (2, "nothing"),
    "verify notes.txt": (2, ""),
    "verify empty": (2, "empty"),
    "train yours nothing.csv -o runs": (2, "nothing.csv"),
    "train mine nothing.csv -o runs": (2, "there is no recipe 'mine'"),
    "train yours notes.csv -o runs --weights a --start b": (2, "--start brings all weights"),
    "train yours empty.csv -o runs": (2, "empty.csv"),
    "distil empty -o net.pt": (2, "net.pt: expected a .safetensors file, found '.pt'"),
    "reproduce table9 --data empty -o runs": (2, "there is no experiment 'table9'"),
    "serve --port 70000": (2, "--port"),
    "serve --catalogue nothing.sqlite --port 0": (2, "there is no catalogue nothing.sqlite"),
    "serve --token-file nothing --port 0": (2, "nothing"),
    "cluster nothing rows": (2, "nothing: expected a list, a table or a folder, found none"),
    "cluster empty rows": (2, "empty"),
}


@pytest.fixture(autouse=True)
def newcomer(tmp_path, monkeypatch):
    """A home and a folder without photos."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("RGNET_DEBUG", raising=False)
    monkeypatch.delenv("RGNET_MODELS", raising=False)
    monkeypatch.setenv("COLUMNS", "400")
    (tmp_path / "empty").mkdir()
    Path("notes.txt").write_text("not a photo, not a model, not a catalogue\n" * 100)
    Path("short.txt").write_text("hello\n")
    Path("notes.csv").write_text("a,b\n1,2\n")
    Path("empty.csv").write_text("")


@pytest.mark.parametrize("line", sorted(WRONG))
def test_wrong_input_is_told_in_a_sentence(line, typed):
    code, message = WRONG[line]
    done = typed(*line.split())
    assert done.returncode == code, done.errors
    assert message in done.errors and "Traceback" not in done.errors
    assert len(done.errors.splitlines()) <= 6, done.errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["models"], ["info", "--json"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_told_in_a_line(words):
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "rgnet", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "rgnet: standard output: No space left on device\n"


def test_a_closed_pipe_ends_the_command_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "rgnet", "info"], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode == 1 and done.stderr == b""
