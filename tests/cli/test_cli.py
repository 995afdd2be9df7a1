"""The commands as a user meets them: output, files and exit codes; signals and imports in real processes."""

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial

import numpy as np
import psutil
import pytest
import typer.main
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app

FOLDERS = ("--exclude", "--include")
NO_FOLDER = ("--catalogue", "--model", "--min-score", "--max-score", "--since", "--until", "--marks")
FILTERS = (*NO_FOLDER, "--folder")
OPTIONS = {
    "score": {
        "--output",
        "--model",
        "--engine",
        "--precision",
        "--threads",
        "--timeout",
        "--fit",
        "--top",
        "--json",
        *FOLDERS,
        "--help",
    },
    "explain": {"--output", "--what", "--region", "--model", "--force", *FOLDERS, "--help"},
    "frames": {
        *("--output", "--count", "--per-second", "--format", "--model", "--force", "--json", "--help"),
    },
    "crop": {"--ratio", "--size", "--output", "--model", "--force", "--json", "--lossless", "--help"},
    "push": {
        *FILTERS,
        *("--url", "--api-key-file", "--map", "--cuts", "--write", "--undo", "--json", "--help"),
    },
    "taste": {*FILTERS, "--from", "--map", "--json", "--pairs", "--learn", "--name", "--check", "--help"},
    "scan": {
        "--catalogue",
        "--model",
        "--threads",
        "--timeout",
        *FOLDERS,
        "--videos",
        "--no-videos",
        "--features",
        "--help",
    },
    "top": {*FILTERS, "--distinct", "--json", "--by", "--taste", "--help"},
    "group": {*NO_FOLDER, "--json", "--faces", "--help"},
    "show": {"--catalogue", "--model", "--json", "--help"},
    "stats": {"--catalogue", "--model", "--json", "--help"},
    "report": {
        *FILTERS,
        *FOLDERS,
        "--output",
        "--thumbnails",
        "--limit",
        "--groups",
        "--videos",
        "--no-videos",
        "--help",
    },
    "export": {*FILTERS, "--output", "--errors", "--to", "--input", "--force", "--by", "--taste", "--help"},
    "convert": {"--output", "--to", "--model", "--input", "--force", "--help"},
    "rate": {
        "--by",
        "--taste",
        "--write",
        "--undo",
        "--relative",
        "--cuts",
        "--naming",
        "--overwrite",
        "--catalogue",
        "--model",
        "--json",
        *FOLDERS,
        "--help",
    },
    "cluster": {
        "--column",
        "--model",
        "--engine",
        "--precision",
        "--address",
        "--workers",
        "--cpus-per-worker",
        "--gpus-per-worker",
        "--batch",
        "--part-size",
        "--verbose",
        *FOLDERS,
        "--help",
    },
    "serve": {"--host", "--port", "--catalogue", "--model", "--threads", "--token-file", "--help"},
    "models": {"--json", "--help"},
    "info": {"--json", "--help"},
    "verify": {"--photos", "--against", "--output", "--json", "--help"},
    "train": {
        "--photos",
        "--output",
        "--weights",
        "--start",
        "--name",
        "--epochs",
        "--teacher",
        "--set",
        "--resume",
        "--help",
    },
    "quantize": {"--photos", "--output", "--count", "--loss", "--serve", "--no-serve", "--help"},
    "distil": {"--photos", "--output", "--weights", "--set", "--count", "--resume", "--help"},
    "evaluate": {
        "--photos",
        "--split",
        "--engine",
        "--precision",
        "--inside",
        "--stability",
        "--sample",
        "--groups",
        "--record",
        "--output",
        "--json",
        "--help",
    },
    "compare": {"--photos", "--split", "--engine", "--precision", "--output", "--json", "--help"},
    "reproduce": {
        "--data",
        "--photos",
        "--output",
        "--recipe",
        "--set",
        "--count",
        "--seeds",
        "--weights",
        "--fixed-backbone",
        "--keep-models",
        "--only",
        "--split",
        "--model",
        "--help",
    },
}


@pytest.fixture
def folder(tmp_path):
    photos, draw = tmp_path / "photos", np.random.default_rng(0)
    (photos / "deep").mkdir(parents=True)
    for index in range(6):
        pixels = draw.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 100)).save(
            photos / ("deep" if index % 2 else "") / f"{index}.png"
        )
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    (photos / "notes.txt").write_text("not a photo either")
    return photos


@pytest.fixture
def home(tiny_model, tmp_path, monkeypatch):
    """An empty home, which is the current folder, with the tiny model as the only one of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("RGNET_MODELS", str(tiny_model.parent))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def rgnet(home, typed):
    """Runs the command in this process."""
    return typed


@pytest.fixture
def process(home):
    """Runs the command in a process of its own."""

    def run(*words, **options):
        command = [sys.executable, "-m", "rgnet", *map(str, words)]
        return subprocess.run(command, capture_output=True, timeout=120, **options)

    return run


def test_a_folder_is_scored_and_the_bad_photo_is_a_row(process, folder, tmp_path):
    done = process("score", folder, "-m", "tiny-score", "-o", tmp_path / "s.csv")
    assert done.returncode == 3, done.stderr
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    assert [row["path"] for row in rows if row["error"]] == [str(folder / "broken.jpg")]
    heading, *lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert heading == ["score", "percentile", "path"]
    assert [float(line[0]) for line in lines] == sorted((float(line[0]) for line in lines), reverse=True)
    assert len(lines) == 6 and all(len(line) == 3 for line in lines)
    assert b"6 scored, 1 failed of 7 photos" in done.stderr and b"broken.jpg" in done.stderr
    assert b"\x1b[" not in done.stdout + done.stderr


def test_all_scored_exits_0_and_a_photo_given_twice_is_scored_once(rgnet, folder, tmp_path):
    photo = folder / "0.png"
    done = rgnet("score", photo, photo, folder / "deep", "-m", "tiny-score", "-o", tmp_path / "s.jsonl")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == [
        str(photo),
        *(str(folder / "deep" / f"{i}.png") for i in (1, 3, 5)),
    ]


@pytest.mark.parametrize(("divider", "runner"), [(b"\n", "process"), (b"\0", "rgnet"), (b"\r\n", "rgnet")])
def test_a_list_on_standard_input(folder, divider, runner, request):
    rgnet = request.getfixturevalue(runner)
    strange = os.fsencode(folder) + b"/not-utf8-\xff.png"
    os.rename(folder / "2.png", strange)  # noqa: PTH104 - a name of bytes
    paths = [os.fsencode(folder / "0.png"), strange]
    done = rgnet("score", "-", "-m", "tiny-score", "-o", "out.csv", input=divider.join(paths) + divider)
    assert done.returncode == 0, done.stderr
    assert b"not-utf8-\\udcff.png" in done.stdout


def test_usage_errors_exit_2_in_one_line_before_any_work(rgnet, folder, tmp_path):
    cases = {
        ("score", tmp_path / "photos" / "notes-folder"): b"notes-folder: there is no such file",
        (
            "score",
            folder,
            "-o",
            "a.cvs",
        ): b"a.cvs: unsupported file type '.cvs': use .csv, .jsonl, .json, .parquet",
        ("score", folder, "-m", "tiny-scor"): b"there is no model 'tiny-scor': did you mean tiny-score",
        ("score", folder, "--modle", "x"): b"No such option: --modle",
        (
            "explain",
            folder / "0.png",
            "-o",
            "map.jpg",
            "-m",
            "tiny-score",
        ): b"map.jpg: expected .png, .npz, .json or a folder, found '.jpg'",
        (
            "report",
            folder,
            "-o",
            "page.pdf",
        ): b"page.pdf: expected a page, found the suffix '.pdf': end it in .html",
        ("report", folder, "-o", "no/page.html"): b"give --output a file in a folder that exists",
        ("report", "photo"): b"photo: expected a folder of photos or a catalogue, found nothing",
        (
            "report",
            "c.sqlite",
            "--catalogue",
            "d.sqlite",
        ): b"--catalogue names a catalogue too: give one of them",
        (
            "report",
            folder,
            "-o",
            folder / "r.html",
            "--thumbnails",
            "beside",
        ): b"give an --output outside of it",
    }
    for words, message in cases.items():
        done = rgnet(*words)
        assert done.returncode in (2, 3), words
        assert message in b" ".join(done.stderr.split()).replace(b"\xe2\x94\x82 ", b""), done.stderr.decode()
        assert b"Traceback" not in done.stderr
    (tmp_path / "empty").mkdir()
    assert b"no photos found in" in rgnet("score", tmp_path / "empty").stderr
    assert rgnet("score", tmp_path / "empty").returncode == 2


def test_a_report_of_a_folder_is_made_again_of_its_catalogue(rgnet, folder, tmp_path):
    first = rgnet("report", "photos", "-m", "tiny-score")
    assert first.returncode == 3, first.stderr
    assert (
        b"6 scored, 0 unchanged" in first.stderr and b"7 photos, 6 with a score, 1 not shown" in first.stderr
    )
    again = rgnet("report", "-o", "two.html", "--limit", "2", "--thumbnails", "beside", "--min-score", "0")
    assert again.returncode == 0, again.stderr
    assert b"2 photos, 2 with a score, 0 not shown" in again.stderr
    assert len(list((tmp_path / "two_files").iterdir())) == 4
    assert {path.name for path in tmp_path.glob("*.html")} == {"report.html", "two.html"}


def test_ctrl_c_keeps_the_rows_that_are_done(folder, tiny_model, tmp_path):
    target = tmp_path / "s.jsonl"
    for index in range(1500):
        os.link(folder / "0.png", folder / "deep" / f"copy-{index:04}.png")
    command = [sys.executable, "-m", "rgnet", "score", str(folder / "deep"), "-m", str(tiny_model)]
    command += ["-o", str(target), "--threads", "1"]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),  # a shell's background jobs ignore it
    )
    while running.poll() is None and not any(path.stat().st_size for path in tmp_path.glob(".rgnet-*")):
        time.sleep(0.02)
    decoders = psutil.Process(running.pid).children()
    running.send_signal(signal.SIGINT)
    errors = running.stderr.read().decode()
    assert running.wait(60) == 130, errors
    assert decoders and not any(decoder.is_running() for decoder in decoders)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert (
        0 < len(rows) < 1503
        and f"{len(rows)} scored, 0 failed, {1503 - len(rows)} not reached of 1503 photos" in errors
    )
    assert not list(tmp_path.glob(".rgnet-*"))


def test_a_scanned_folder_is_exported_as_it_would_be_scored(rgnet, folder, tmp_path):
    for path in folder.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    first = rgnet("scan", "photos", "-m", "tiny-score")
    assert first.returncode == 3, first.stderr
    assert b"6 scored, 0 unchanged, 0 known, 0 failed before, 1 failed, 0 missing of 7 files" in first.stderr
    assert b"broken.jpg" in first.stderr
    again = rgnet("scan", "photos", "-m", "tiny-score")
    assert again.returncode == 3, again.stderr
    assert b"0 scored, 6 unchanged, 0 known, 1 failed before, 0 failed, 0 missing of 7 files" in again.stderr
    assert b"not scored: 1 more photos; rgnet export --errors names each" in again.stderr
    exported = rgnet("export", "-o", "exported.jsonl")
    assert exported.returncode == 0 and b"wrote 7 rows to exported.jsonl" in exported.stderr
    rgnet("score", folder, "-m", "tiny-score", "-o", "scored.jsonl")
    rows = {
        name: sorted(map(json.loads, (tmp_path / name).read_text().splitlines()), key=lambda row: row["path"])
        for name in ("exported.jsonl", "scored.jsonl")
    }
    all_scores = {row["path"]: row["score"] for row in rows["exported.jsonl"] if row["score"] is not None}
    for one, other in zip(*rows.values(), strict=True):
        # Marks and what is said of videos are the catalogue's own
        own = ("pick", "stars", "colour", "frame_s", "duration_s", "shots")
        assert [one.pop(column) for column in own] == [None] * len(own)
        assert one.keys() == other.keys()
        assert one.pop("score") == pytest.approx(other.pop("score"), abs=1e-5)
        assert one.pop("percentile") == pytest.approx(other.pop("percentile"), abs=1e-3)
        assert one == other

    _, *best = rgnet("top", 2).stdout.decode().splitlines()
    highest = sorted(all_scores.items(), key=lambda pair: -pair[1])[:2]
    assert [line.split("\t")[2] for line in best] == [path for path, _ in highest]
    assert b"scored photos\t6\n" in rgnet("stats").stdout
    assert b"percentile\t" in rgnet("show", folder / "0.png").stdout
    assert b"this JPEG file is damaged" in rgnet("show", folder / "broken.jpg").stdout


def test_a_network_is_converted_for_other_programs_and_replaces_nothing_unasked(rgnet, tiny_model, tmp_path):
    words = ("convert", "-o", "tiny.onnx", "-m", tiny_model)
    done = rgnet(*words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("wrote tiny.onnx, ") and "tiny-score as ONNX opset" in lines[0]
    assert lines[1:3] == [
        "input   pixels uint8 (B, H, W, 3)",
        "output  score (B), image_BC (B, 1), vote_BHWC (B, h, w, 1)",
    ]
    assert lines[3].startswith("checked 4 batches: scores differ from rgnet's by at most 0.0000")
    written = (tmp_path / "tiny.onnx").read_bytes()
    again = rgnet(*words)
    assert again.returncode == 2 and b"tiny.onnx exists already: give another --output" in again.stderr
    assert (tmp_path / "tiny.onnx").read_bytes() == written
    wrong = {
        ("convert", "-o", "x.txt"): b"x.txt: expected .onnx, .xml or .pt2, found '.txt'",
        ("convert", "-o", "x.onnx", "--to", "pt2"): b"--to pt2 writes .pt2 files: rename x.onnx",
        ("export", "-o", "x.pt2"): b"convert a model with  rgnet convert --output x.pt2",
    }
    for words, message in wrong.items():
        refused = rgnet(*words)
        assert refused.returncode == 2 and message in refused.stderr, refused.stderr


def test_export_to_is_convert_for_one_more_release(rgnet, tiny_model, tmp_path):
    done = rgnet("export", "--to", "onnx", "-o", "old.onnx", "-m", tiny_model, "--input", "normalised")
    assert done.returncode == 0, done.stderr
    assert b"deprecated: use  rgnet convert --to onnx  instead of  rgnet export --to onnx" in done.stderr
    assert b"input   image float32 (B, 3, H, W)" in done.stdout and (tmp_path / "old.onnx").exists()


def test_a_scan_without_news_imports_neither_decoder_nor_engine(rgnet, folder, tiny_model, tmp_path):
    (folder / "broken.jpg").unlink()
    for path in folder.rglob("*.png"):
        os.utime(path, (1e9, 1e9))
    words = ["scan", str(folder), "-m", str(tiny_model), "--catalogue", str(tmp_path / "c.sqlite")]
    assert b"6 scored" in rgnet(*words).stderr
    heavy = ("numpy", "PIL", "openvino", "torch", "safetensors", "rich", "platformdirs")
    code = (
        f"import sys; sys.argv = ['rgnet', *{words}]; from rgnet.cli import app; app(standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert b"6 unchanged" in again.stderr and again.stdout == b"[]\n"


def test_stars_are_written_when_asked_and_taken_back(rgnet, folder, tmp_path):
    rgnet("scan", "photos", "-m", "tiny-score")
    mine = folder / "0.png.xmp"
    rating = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    mine.write_text(rating + 'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="2"/></rdf:RDF>')
    (folder / "2.png.xmp").write_text("not XML")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    dry = rgnet("rate", "photos")
    assert (
        dry.returncode == 3
        and {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    )
    assert (
        b"4 would change, 1 kept (rated by you), 1 refused of 6 photos; nothing was written: add --write"
        in dry.stderr
    )
    assert b"2.png.xmp is not well-formed XML" in dry.stderr
    written = rgnet("rate", "photos", "--write", "--cuts", "1,2,3,4")
    assert b"4 changed, 1 kept (rated by you), 1 refused of 6 photos" in written.stderr
    assert b'xmp:Rating="' in (folder / "deep" / "1.png.xmp").read_bytes()
    assert written.stdout.startswith(b"action\tbefore\tafter\tsidecar\n")
    assert len(written.stdout.splitlines()) == 6 and b"\nkeep\t2\t2\t" in written.stdout
    undone = rgnet("rate", "photos", "--undo", "--write")
    # Undo visits every path that the catalogue remembers: broken.jpg too, which has no score
    assert b"4 changed, 1 refused of 7 photos" in undone.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    wrong = rgnet("rate", "--cuts", "1,2,x")
    assert (
        wrong.returncode == 2
        and b"--cuts: expected four percentiles such as 10,35,65,90, found '1,2,x'" in wrong.stderr
    )


def test_catalogue_commands_say_what_is_missing(rgnet, folder):
    for words in (("top",), ("stats",), ("show", folder / "0.png"), ("export", "-o", "x.csv")):
        done = rgnet(*words)
        assert done.returncode == 2 and b"there is no catalogue" in done.stderr, words
        assert b"create it with  rgnet scan FOLDER" in done.stderr
    assert (
        b"0.png: expected a folder of photos, found a file: check the path"
        in rgnet("scan", folder / "0.png").stderr
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_told_to_stop_keeps_what_it_has_and_says_how_to_go_on(folder, tiny_model, tmp_path, number):
    for index in range(1500):
        (folder / f"copy-{index:04}.png").write_bytes((folder / "0.png").read_bytes() + str(index).encode())
    file = tmp_path / "c.sqlite"
    command = [
        sys.executable,
        "-m",
        "rgnet",
        "scan",
        str(folder),
        "-m",
        str(tiny_model),
        "--catalogue",
        str(file),
    ]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not scored_in(file) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    errors = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 128 + number, errors
    assert "Stopped early; run the same command again to resume" in errors
    kept = scored_in(file)
    assert 0 < kept < 1506 and f"{kept} scored" in errors


def scored_in(file) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM score WHERE error IS NULL").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_explain_draws_a_map_and_replaces_nothing_unasked(rgnet, folder, tmp_path):
    first = rgnet("explain", folder / "0.png", "-o", "map.png", "-m", "tiny-score")
    assert first.returncode == 0 and b"on the scale 1-5" in first.stdout, first.stderr
    with Image.open(tmp_path / "map.png") as drawn:
        assert min(drawn.size) > 500
    again = rgnet("explain", folder / "0.png", "-o", "map.png", "-m", "tiny-score")
    assert (
        again.returncode == 2 and b"map.png already exists: give another --output, or --force" in again.stderr
    )
    assert rgnet("explain", folder / "0.png", "-o", "map.png", "-m", "tiny-score", "--force").returncode == 0
    own = rgnet("explain", folder / "0.png", "-o", folder / "0.png", "-m", "tiny-score", "--force")
    assert own.returncode == 2
    bad = rgnet("explain", folder / "broken.jpg", "-o", "other.png", "-m", "tiny-score")
    assert bad.returncode == 3 and b"broken.jpg" in bad.stderr
    assert not (tmp_path / "other.png").exists() and not list(tmp_path.glob(".*.part"))


def test_explain_ranks_what_parts_are_worth_and_what_a_region_hears(rgnet, folder, tmp_path):
    photo = folder / "0.png"
    done = rgnet("explain", photo, "-m", "tiny-score", "--what", "what-if", "-o", "parts.json")
    assert done.returncode == 0, done.stderr
    effect_RC = np.array(json.loads((tmp_path / "parts.json").read_text())["what_if"]["effect"])
    heading, *rows = [line.split("\t") for line in done.stdout.decode().splitlines()[1:]]
    assert heading == ["points", "row,column", "left,top,right,bottom"]
    worths = [float(row[0]) for row in rows]
    assert worths == sorted(worths, reverse=True) and len(rows) == effect_RC.size == 49
    for points, place, box in rows:
        row, column = map(int, place.split(","))
        assert float(points) == pytest.approx(effect_RC[row, column], abs=6e-4)
        assert np.allclose(
            list(map(int, box.split(","))),
            [column * 80 / 7, row * 100 / 7, (column + 1) * 80 / 7, (row + 1) * 100 / 7],
            atol=0.51,
        )

    done = rgnet(
        "explain", photo, "-m", "tiny-score", "--what", "graph", "--region", "1,2", "-o", "graph.npz"
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "graph.npz") as maps:
        assert maps["region"].tolist() == [1, 2] and maps["size"].tolist() == [80, 100]
        columns = maps["votes_HW"].shape[1]
        heard_HW = maps["affinity_NN"][columns + 2].reshape(maps["votes_HW"].shape)
    heading, *rows = [line.split("\t") for line in done.stdout.decode().splitlines()[1:]]
    assert heading == ["share", "row,column", "left,top,right,bottom"]
    assert len(rows) == (heard_HW >= 0.01).sum() and rows
    for share, place, _box in rows:
        assert float(share.rstrip("%")) / 100 == pytest.approx(
            heard_HW[tuple(map(int, place.split(",")))], abs=0.006
        )


def test_explain_gives_a_folder_three_files_a_photo_and_says_which_failed(rgnet, folder, tmp_path):
    done = rgnet("explain", folder, "-m", "tiny-score", "-o", "why", "--what", "stages")
    assert done.returncode == 3 and b"broken.jpg" in done.stderr
    names = {f"{index}.rgnet{ending}" for index in range(6) for ending in (".png", ".npz", ".json")}
    assert {path.name for path in (tmp_path / "why").iterdir()} == names
    assert [line.split(": ")[0] for line in done.stdout.decode().splitlines()] == [
        str(folder / name) for name in ("0.png", "2.png", "4.png", "deep/1.png", "deep/3.png", "deep/5.png")
    ]
    record = json.loads((tmp_path / "why" / "1.rgnet.json").read_text())
    assert record["path"] == str(folder / "deep" / "1.png") and record["region"]["similarity"]


def test_explain_refuses_what_it_cannot_mean_before_any_work(rgnet, folder):
    (folder / "deep" / "0.png").write_bytes((folder / "0.png").read_bytes())
    one = folder / "0.png"
    cases = {
        (one, "--region", "1"): "--region: expected ROW,COLUMN such as 3,7, found '1'",
        (one, "--region", "99,0"): "there is no region 99,0: rows are 0 to",
        (one, folder / "2.png", "-o", "a.json"): "a.json is one file, but there are several photos",
        (folder,): "0.png would both be 0.rgnet.png: explain one of them separately",
    }
    for words, message in cases.items():
        done = rgnet("explain", *words, "-m", "tiny-score")
        assert done.returncode == 2 and message in done.stderr.decode(), done.stderr.decode()


def test_models_and_info_and_version(rgnet, process):
    heading, default, _other, line = rgnet("models").stdout.decode().splitlines()
    assert heading.split("\t")[:3] == ["model", "hash", "scale"]
    assert default.startswith("rgnet-regions (default)\t") and line.startswith("tiny-score\t")
    info = rgnet("info")
    assert info.returncode == 0 and b"openvino" in info.stdout
    assert process("--version").stdout.startswith(b"rgnet 0.")


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))
def test_options_are_frozen_and_help_teaches(command):
    found = typer.main.get_command(app).commands[command]
    options = {
        name for item in found.params for name in (*item.opts, *item.secondary_opts) if name.startswith("--")
    }
    assert options | {"--help"} == OPTIONS[command]
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "Examples:" in done.output


def test_help_loads_no_engine():
    heavy = ("torch", "openvino", "matplotlib")
    code = f"import sys; import rgnet.cli; print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
