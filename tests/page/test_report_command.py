"""A report on disk: what it says of every photo of a catalogue, and that it is whole or not there."""

import base64
import json
import re
import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sample_library import MODEL, make_photo, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.selects import Filter
from rgnet.errors import OutputError, SettingError
from rgnet.imaging.jobs import DecodeJob, run_job
from rgnet.page import report as report_module
from rgnet.page.pictures import check_pictures_folder
from rgnet.page.report import Report, photo_id
from rgnet.previews import PreviewCache
from rgnet.weights.card import Scale

ELEMENT = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.S)


@pytest.fixture
def folder(tmp_path):
    """Five photos, the best one large, and a file that is none."""
    for index in range(4):
        make_photo(tmp_path / "trip" / ("a" if index % 2 else "b") / f"{index}.png", 40 * index)
    make_photo(tmp_path / "trip" / "large.png", 250, size=(2400, 1200))
    (tmp_path / "trip" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no photo")
    return tmp_path / "trip"


@pytest.fixture
def file(folder, tmp_path):
    scan_folder(folder, tmp_path / "c.sqlite")
    return tmp_path / "c.sqlite"


def written(file, target, **asked):
    """(the report, the JSON in its page by id)."""
    filters = {name: asked.pop(name) for name in ("lowest", "folder") if name in asked}
    with Catalogue.open(file) as catalogue:
        wanted = Filter(model=MODEL, **filters)
        made = Report(catalogue=catalogue, wanted=wanted, processes=1, **{"scorer": None, **asked})
        made.write(target)
    found = {id: json.loads(text) for id, text in ELEMENT.findall(target.read_text(encoding="utf-8"))}
    return made, found


def by_name(found):
    return {row["name"]: row for row in found["all-rows"]}


def test_every_photo_of_the_catalogue_is_a_row_with_its_picture_and_votes(file, folder, tmp_path):
    made, found = written(file, tmp_path / "r.html", root=folder)
    rows = by_name(found)
    assert (made.photos, made.scored_photos, made.not_shown) == (6, 5, 1) and len(rows) == 6
    assert {name: row["score"] for name, row in rows.items()} == {
        "0.png": 0, "1.png": 40, "2.png": 80, "3.png": 120, "large.png": 250, "broken.png": None,
    }  # fmt: skip
    assert rows["1.png"]["folder"] == "trip/a" and rows["large.png"]["folder"] == "trip"
    assert rows["broken.png"]["error"].startswith("this PNG file is damaged")
    large = rows["large.png"]["id"]
    kind, _, data = found[f"t-{large}"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(BytesIO(base64.b64decode(data))).size == (512, 256)
    assert np.array(found[f"d-{large}"]["votes"]) == pytest.approx(250, abs=1)
    assert f"t-{rows['broken.png']['id']}" not in found


def test_pictures_keep_no_header_of_the_photo(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif.get_ifd(0x8825)[1] = "Somebody's camera", "N"
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "a.jpg", exif=exif, comment=b"private")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif() and image.info["comment"] == b"private"
    (data,) = run_job(DecodeJob(source=str(tmp_path / "a.jpg"), pictures=(512,))).pictures
    assert not Image.open(BytesIO(data)).getexif() and b"private" not in data and b"Somebody" not in data


def test_without_the_model_there_is_no_graph_and_the_page_says_why(file, tmp_path):
    _, found = written(file, tmp_path / "r.html")
    detail = found[f"d-{by_name(found)['1.png']['id']}"]
    assert detail["weights"] is None and detail["edges"] is None
    assert "is not available" in found["all-about"]["graph"] and "--model FILE" in found["all-about"]["graph"]
    assert (found["all-about"]["low"], found["all-about"]["high"]) == (0, 255)


def test_with_the_model_there_are_weights_and_edges(folder, tmp_path, tiny_file, monkeypatch):
    from rgnet.catalogue.scan import Scan
    from rgnet.scorer import open_scorer

    scorer = open_scorer(tiny_file, threads=1)
    with Catalogue.open(tmp_path / "t.sqlite", create=True) as catalogue:
        Scan(catalogue, tiny_file.card, lambda: scorer, lambda *_: None, processes=1).run([folder])
        drawn = []
        wanted = Filter(model=tiny_file.card.short_hash)
        asked = {"catalogue": catalogue, "wanted": wanted, "card": tiny_file.card, "processes": 1}
        previews = PreviewCache(tmp_path / "previews.sqlite")
        made = Report(scorer=lambda: scorer, previews=previews, on_photo=lambda: drawn.append(1), **asked)
        made.write(tmp_path / "t.html")
        assert made.count_scored() == len(drawn) == 5
        # The second time nothing is decoded and no network runs, and the page is the same
        (folder / "broken.png").unlink()
        monkeypatch.setattr("rgnet.page.report.DecodePool", None)
        Report(scorer=None, previews=previews, **asked).write(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "t.html").read_bytes()
    found = {id: json.loads(text) for id, text in ELEMENT.findall((tmp_path / "t.html").read_text())}
    detail = found[f"d-{by_name(found)['large.png']['id']}"]
    assert np.mean(detail["weights"]) == pytest.approx(1, abs=0.01)
    assert detail["edges"]["count"] == 8 and "graph" not in found["all-about"]


def test_photos_that_vanished_or_changed_since_keep_their_score_and_say_so(file, folder, tmp_path):
    (folder / "a" / "1.png").unlink()
    make_photo(folder / "b" / "2.png", 81)
    made, found = written(file, tmp_path / "r.html")
    rows = by_name(found)
    assert (made.photos, made.scored_photos, made.not_shown) == (6, 5, 3)
    assert rows["1.png"]["score"] == 40
    assert rows["1.png"]["error"] == "this file is gone since it was scanned: scan its folder again"
    assert rows["2.png"]["score"] == 80
    assert rows["2.png"]["error"] == "this file has changed since it was scanned: scan its folder again"
    assert not [id for id in found if id.endswith((rows["1.png"]["id"], rows["2.png"]["id"]))]


def test_what_is_asked_for_is_what_is_there(file, folder, tmp_path):
    target = tmp_path / "r.html"
    assert by_name(written(file, target, limit=2)[1]).keys() == {"large.png", "3.png", "broken.png"}
    assert by_name(written(file, target, lowest=100)[1]).keys() == {"large.png", "3.png"}
    _, found = written(file, target, folder=folder / "a")
    assert by_name(found).keys() == {"1.png", "3.png"} and found["all-about"]["title"] == "a"


def test_pictures_beside_the_page_are_larger_and_those_of_an_earlier_report_go(file, tmp_path):
    target = tmp_path / "my trip.html"
    files = tmp_path / "my trip_files"
    _, found = written(file, target, pictures_beside=True)
    assert len(list(files.iterdir())) == 10
    row = by_name(found)["large.png"]
    assert row["thumbnail"] == f"my%20trip_files/{row['id']}.webp"
    assert Image.open(files / f"{row['id']}.webp").size == (512, 256)
    assert found[f"d-{row['id']}"]["picture"] == f"my%20trip_files/{row['id']}-large.webp"
    assert Image.open(files / f"{row['id']}-large.webp").size == (1600, 800)
    assert f"t-{row['id']}" not in found
    written(file, target, pictures_beside=True, limit=1)
    assert {picture.name for picture in files.iterdir()} == {f"{row['id']}.webp", f"{row['id']}-large.webp"}


def test_a_folder_of_someone_else_is_not_touched(tmp_path):
    (tmp_path / "r_files").mkdir()
    (tmp_path / "r_files" / "diary.txt").write_text("mine")
    with pytest.raises(SettingError, match=r"r_files, which holds something else: choose another --output"):
        check_pictures_folder(tmp_path / "r.html")
    assert (tmp_path / "r_files" / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("moment", [1, 4])
def test_a_report_that_fails_leaves_the_earlier_one_whole_and_nothing_else(
    file, tmp_path, monkeypatch, moment
):
    target = tmp_path / "r.html"
    written(file, target, pictures_beside=True)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    rows = iter(range(moment))

    def full(*_asked, **_known):
        if next(rows, None) is None:
            raise OSError(28, "No space left on device")
        return {"score": 1.0, "error": None}

    monkeypatch.setattr(report_module.page, "describe_photo", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        written(file, target, pictures_beside=True)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def test_links_to_a_photo_stay_the_same():
    assert photo_id("/photos/a.jpg") == photo_id("/photos/a.jpg") != photo_id("/photos/b.jpg")
    assert re.fullmatch("[0-9a-f]{12}", photo_id("/photos/\udcff.jpg"))


def test_a_scale_is_what_the_catalogue_keeps_where_the_model_is_not_available(file):
    with Catalogue.open(file) as catalogue:
        made = Report(catalogue=catalogue, wanted=Filter(model=MODEL), scorer=None)
        assert made._scale == Scale(low=0, high=255, people="", quantiles=(0, 255))


def test_a_copy_is_the_same_photo_under_its_first_path(file, folder, tmp_path):
    shutil.copy2(folder / "a" / "1.png", folder / "b" / "copy.png")
    scan_folder(folder, file)
    made, found = written(file, tmp_path / "r.html")
    assert made.photos == 6 and "copy.png" not in by_name(found)
    _, found = written(file, tmp_path / "r.html", folder=folder / "b")
    assert "copy.png" in by_name(found)
