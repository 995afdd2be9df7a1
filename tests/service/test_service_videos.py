"""A video in the gallery and in a report is one card, with its best frame as its picture."""

import base64
import io
import json
import re
import sys

import numpy as np
import pytest
from clips import moving, write
from PIL import Image

from rgnet.cli import main

pytest.importorskip("av")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_model):
    """A folder of one video, scanned into the catalogue beside it."""
    folder = tmp_path_factory.mktemp("videos")
    write(folder / "clips" / "clip.mp4", moving(1, 2.4))
    run("scan", folder / "clips", "--catalogue", folder / "c.sqlite", "-m", tiny_model)
    return folder


def run(*words):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["rgnet", *map(str, words)])
        main()
    assert not ended.value.code


def difference(jpeg, seconds):
    """Mean difference in grey levels from the frame of a time."""
    picture = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), int)
    return np.abs(picture - moving(1, 2.4)[round(seconds * 25)]).mean()


def test_the_gallery_shows_the_frame_that_was_scored(open_service, folder, monkeypatch):
    # As if nothing were kept
    monkeypatch.setattr("rgnet.previews.PreviewCache.picture", lambda *_: None)
    with open_service(catalogue=folder / "c.sqlite") as client:
        (row,) = client.get("/v1/photos").json()["photos"]
        video = row["video"]
        assert (video["duration"], video["shots"], video["time"]) == (
            "0:02",
            1,
            f"0:0{int(video['seconds'])}",
        )
        for kind in ("thumbnail", "picture", "full"):
            answer = client.get(f"/v1/photos/{row['id']}/{kind}")
            assert answer.status_code == 200 and difference(answer.content, video["seconds"]) < 8
        detail = client.get(f"/v1/photos/{row['id']}").json()["detail"]
        assert detail["votes"] and detail["picture"]
        best = client.get(f"/v1/photos/{row['id']}/crop", params={"ratio": "1:1"}).json()["best"]
        assert best["right"] - best["left"] == best["bottom"] - best["top"] == 108


def test_a_report_shows_the_frame_that_was_scored(folder):
    run("report", folder / "c.sqlite", "-o", folder / "page.html")
    page = (folder / "page.html").read_text()
    (row,) = json.loads(re.search(r'id="all-rows">(.*?)</script>', page, re.S)[1])
    assert row["video"]["duration"] == "0:02"
    picture = base64.b64decode(re.search(r"data:image/jpeg;base64,([^\"]+)", page)[1])
    assert difference(picture, row["video"]["seconds"]) < 8
