"""Every writer on a disk that fills up: the file of before stays, nothing unfinished does, and one line says why.

Tables are tried in test_tables.py, exported networks in tests/test_export.py, parts of a cluster in
tests/cluster/test_worker.py, the cache of photos and checkpoints in tests/datasets and tests/training.
"""

import os

import numpy as np
import pytest
from PIL import Image
from sidecars import JPEG, MODEL

import rgnet
from rgnet.errors import OutputError
from rgnet.outputs import figures, maps
from rgnet.weights.file import write_model
from rgnet.xmp.sidecar import apply, plan_rating


@pytest.fixture(scope="module")
def explanation(tiny_model):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    scorer = rgnet.load(tiny_model, engine="openvino", precision="f32", threads=1)
    return rgnet.explain(scorer, Image.fromarray(pixels).resize((160, 100)), what_if=3), scorer.card.scale


def fill(disk, free):
    """Leave so many bytes free."""
    status = os.statvfs(disk)
    with (disk / "rest").open("ab") as file:
        file.write(bytes(status.f_bavail * status.f_bsize - free))


@pytest.fixture(params=["picture.png", "maps.json", "maps.npz", "model.safetensors"])
def write(request, explanation, tiny_file):
    found, scale = explanation
    photo = Image.new("RGB", (160, 100))
    suffix = request.param.rpartition(".")[2]

    def writer(folder):
        target = folder / request.param
        if suffix == "png":
            figures.draw(found, photo, target, what="votes", region=(0, 0), scale=scale)
        elif suffix == "safetensors":
            write_model(target, tiny_file.card, tiny_file.tensors, tiny_file.graph)
        else:
            maps.WRITERS[f".{suffix}"](found, target, region=(0, 0))

    return request.param, writer


@pytest.mark.parametrize("free", [0, 4096])
def test_the_file_of_before_stays(full_disk, write, free):
    name, writer = write
    (full_disk / name).write_text("of yesterday")
    fill(full_disk, free)
    with pytest.raises(OutputError) as caught:
        writer(full_disk)
    assert str(caught.value) == (
        f"{full_disk / name}: cannot be written (No space left on device): make room or choose another place"
    )
    assert (full_disk / name).read_text() == "of yesterday"
    assert {path.name for path in full_disk.iterdir()} == {name, "rest"}


def test_a_sidecar_stays_as_it_was(full_disk):
    pytest.importorskip("lxml.etree")
    photo, sidecar = full_disk / "a.jpg", full_disk / "a.jpg.xmp"
    photo.write_bytes(JPEG)
    apply(plan_rating(photo, 3, model=MODEL))
    before = sidecar.read_bytes()
    change = plan_rating(photo, 4, model=MODEL)
    fill(full_disk, 0)
    with pytest.raises(
        OutputError, match=r"a\.jpg\.xmp: cannot be written \(No space left on device\): make room"
    ):
        apply(change)
    assert sidecar.read_bytes() == before
    assert {path.name for path in full_disk.iterdir()} == {"a.jpg", "a.jpg.xmp", "rest"}


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """A folder of photos, and a table of their ratings."""
    folder, draw = tmp_path_factory.mktemp("rated"), np.random.default_rng(0)
    rows = ["path,rating"]
    for index in range(40):
        Image.fromarray(draw.integers(0, 5 * index + 50, (64, 64, 3)).astype(np.uint8)).save(
            folder / f"{index}.png"
        )
        rows.append(f"{index}.png,{1 + index % 5}")
    (folder / "ratings.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "score RATED -o DISK/old.csv",
        "score RATED -o DISK/old.jsonl",
        "report RATED -o DISK/old.html",
        "explain RATED/0.png -o DISK/old.png --force",
        "crop RATED/0.png --ratio 1:1 -o DISK/old --force",
        "evaluate MODEL RATED/ratings.csv -o DISK/old",
        "compare MODEL MODEL RATED/ratings.csv -o DISK/old.json",
        "verify RATED/ratings.csv -o DISK/old.json",
    ],
)
def test_commands_keep_what_was_there_and_say_why_in_one_line(words, full_disk, rated, tiny_model, typed):
    (full_disk / "old").mkdir()
    kept = [
        full_disk / "old" / "old.txt",
        *(full_disk / f"old.{end}" for end in ("csv", "jsonl", "json", "html", "png")),
    ]
    for file in kept:
        file.write_text("of yesterday")
    fill(full_disk, 0)
    known = {"RATED": rated, "DISK": full_disk, "MODEL": tiny_model}
    for name, value in known.items():
        words = words.replace(name, str(value))
    named = [] if str(tiny_model) in words or words.startswith("verify") else ["-m", tiny_model]
    done = typed(*words.split(), *named)
    assert done.returncode == 2, done.errors
    (line,) = (line for line in done.errors.splitlines() if line.startswith("rgnet: "))
    assert "cannot be written (No space left on device): make room or choose another place" in line
    assert all(file.read_text() == "of yesterday" for file in kept)
    found = {path for path in full_disk.rglob("*") if path.is_file()}
    assert found == {*kept, full_disk / "rest"}
