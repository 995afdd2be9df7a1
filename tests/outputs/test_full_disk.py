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
