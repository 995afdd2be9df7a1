"""What the page is told: rows, details, and a document that no name can break out of."""

import base64
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from rgnet import page
from rgnet.catalogue.records import PhotoRow
from rgnet.results import RegionMap, ScoredPhoto, ScoreFailure
from rgnet.weights.card import Scale

SCALE = Scale(low=1.0, high=5.0, people="nobody", quantiles=(1.0, 5.0))
ABOUT = page.describe_page(SCALE, title="Photos", model="tiny", model_hash="abc", rgnet="1.0")
NASTY = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>&lt;\u2028\x00'\"",
    "<img src=x onerror=alert(1)>",
]


def scored(path="a/b.jpg", **more):
    known = {
        "score": 3.25,
        "percentile": 60.0,
        "label": None,
        "probability": None,
        "width": 300,
        "height": 200,
    }
    return ScoredPhoto(path, **known, model="tiny", model_hash="abc", engine="none", **more)


def photo_row(record, *, taken=None, camera=None, pair=None):
    return PhotoRow(
        id="1", record=record, sha256=None, bytes=None, mtime_ns=None, taken=taken, camera=camera, pair=pair
    )


def region_map(rows, columns, seed=0):
    draw = np.random.default_rng(seed)
    weight_HW = draw.random((rows, columns)).astype(np.float32)
    votes_HW = draw.uniform(1, 5, (rows, columns)).astype(np.float32)
    return RegionMap(votes_HW, weight_HW / weight_HW.sum())


def test_a_row_is_the_record_with_what_a_reader_looks_for():
    row = page.describe_photo(
        "x1", photo_row(scored(notes=("small",)), taken="2026-07-04T10:00:00"), thumbnail="t.webp"
    )
    assert (row["name"], row["folder"]) == ("b.jpg", "a")
    assert (row["score"], row["percentile"], row["error"]) == (3.25, 60.0, None)
    assert (row["width"], row["height"], row["notes"]) == (300, 200, ["small"])
    assert row["taken"] == "2026-07-04T10:00:00" and row["thumbnail"] == "t.webp"


def test_what_failed_and_what_vanished_carry_their_reason():
    failure = page.describe_photo(
        "x", photo_row(ScoreFailure("c.jpg", "c.jpg: is broken: mend it", "tiny", "abc", ""))
    )
    assert failure["score"] is None and failure["error"] == "c.jpg: is broken: mend it"
    gone = page.describe_photo("x", photo_row(scored()), error="it is gone")
    assert gone["score"] == 3.25 and gone["error"] == "it is gone"
    assert failure.keys() == gone.keys()


@pytest.mark.parametrize(
    ("path", "pair", "badge"),
    [
        ("a/b.jpg", None, None),
        ("a/b.NEF", None, "raw"),
        ("a/b.JPG", "a/b.CR2", "raw + JPEG"),
        ("a/b.dng", "a/b.heic", "raw + HEIC"),
    ],
)
def test_camera_raw_files_and_pairs_are_named(path, pair, badge):
    row = page.describe_photo("x", photo_row(scored(path=path), pair=pair))
    assert (row["raw"], row["pair"]) == (badge, pair)


def test_names_that_are_not_text_become_escapes():
    row = page.describe_photo("x", photo_row(scored(path="caf\udce9/\udcff.jpg"), camera="\ud800"))
    assert row["name"] == "\\udcff.jpg" and row["folder"] == "caf\\udce9" and row["camera"] == "\\ud800"
    json.dumps(row, ensure_ascii=False).encode()


def test_edges_come_back_from_three_bytes_each():
    regions, draw = region_map(20, 30), np.random.default_rng(1)
    index_NK = np.stack([draw.permutation(600)[:8] for _ in range(600)])
    weight_NK = np.sort(draw.random((600, 8)).astype(np.float32) * 0.3, axis=1)[:, ::-1]
    detail = page.describe_regions(regions.votes, SCALE, edges=page.pack_edges(index_NK, weight_NK))
    edges = detail["edges"]
    data = base64.b64decode(edges["data"])
    assert len(data) == 600 * 8 * 3 and edges["count"] == 8
    assert (np.frombuffer(data[: 600 * 16], "<u2").reshape(600, 8) == index_NK).all()
    found_NK = np.frombuffer(data[600 * 16 :], np.uint8).reshape(600, 8) / 255 * edges["most"]
    assert np.abs(found_NK - weight_NK).max() <= edges["most"] / 255 / 2 + 1e-6


def test_a_detail_has_votes_on_the_scale_and_weights_as_multiples_of_an_equal_share():
    regions = region_map(3, 5)
    detail = page.describe_regions(regions.votes, SCALE, weights_HW=regions.weights, picture="p.webp")
    assert (detail["rows"], detail["columns"], detail["low"], detail["high"]) == (3, 5, 1.0, 5.0)
    assert np.abs(np.array(detail["votes"]) - regions.votes).max() <= 0.0005 + 1e-6
    assert np.mean(detail["weights"]) == pytest.approx(1, abs=0.001)
    assert detail["edges"] is None and detail["picture"] == "p.webp"
    unknown = page.describe_regions(regions.votes, SCALE)
    assert unknown["weights"] is None and unknown["votes"] == detail["votes"]


def test_an_explanation_with_and_without_a_graph_becomes_a_detail():
    regions = region_map(2, 2)
    edges = (np.array([[1], [0], [3], [2]]), np.full((4, 1), 0.5, np.float32))
    known = {"regions": regions, "edges": lambda count: edges}
    with_graph = SimpleNamespace(**known, affinity_NN=np.eye(4))
    assert page.describe_explanation(with_graph, SCALE, count=1)["edges"]["most"] == 0.5
    assert page.describe_explanation(SimpleNamespace(**known, affinity_NN=None), SCALE)["edges"] is None


def test_two_thousand_details_of_the_shipped_grid_fit_into_a_page():
    regions, edges = region_map(14, 14), (np.zeros((196, 8), int), np.ones((196, 8), np.float32))
    detail = page.describe_regions(
        regions.votes, SCALE, weights_HW=regions.weights, edges=page.pack_edges(*edges)
    )
    assert len(page.render_photo_data("x", None, detail)) < 10_000


class Elements(HTMLParser):
    """The tags a browser would see, and the text of data elements."""

    CDATA_CONTENT_ELEMENTS = ("script", "style")

    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.inside = [], {}, None

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = dict(attributes).get("id") if tag == "script" else None

    def handle_data(self, data):
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data

    def handle_endtag(self, _tag):
        self.inside = None


@pytest.mark.parametrize("text", NASTY)
def test_no_text_ends_the_element_it_is_in(text):
    photo = photo_row(scored(path=f"{text}/{text}.jpg", notes=(text,)), camera=text)
    rows = [page.describe_photo("x", photo, error=text)]
    about = page.describe_page(SCALE, title=text, model=text, model_hash="abc", rgnet="1.0", graph=text)
    html = "".join(page.render_standalone(rows, [page.render_photo_data("x", text, {"text": text})], about))
    plain = "".join(page.render_standalone([], [page.render_photo_data("x", "", {})], ABOUT))
    found, wanted = Elements(), Elements()
    found.feed(html)
    wanted.feed(plain)
    assert found.tags == wanted.tags
    assert json.loads(found.texts["all-rows"]) == rows
    assert json.loads(found.texts["all-about"])["title"] == text
    assert json.loads(found.texts["d-x"]) == {"text": text} and json.loads(found.texts["t-x"]) == text


def test_rows_and_photos_are_streamed():
    def rows():
        for index in range(3):
            seen.append(index)
            yield page.describe_photo(f"x{index}", photo_row(scored()))

    seen = []
    pieces = page.render_standalone(rows(), iter(()), ABOUT)
    next(pieces)
    assert seen == []
    next(pieces)
    assert seen == [0]
    json.loads(
        re.search(r'id="all-rows">(.*?)</script>', "".join(page.render_standalone(rows(), [], ABOUT)), re.S)[
            1
        ]
    )


def test_the_served_page_holds_no_script_or_style_of_its_own():
    html = page.render_served()
    assert "<!--" not in html and '<link rel="stylesheet" href="page.css">' in html
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.S) == [""]
    assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<style", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:|//|/)", html)
    assert (
        "default-src 'none'" in page.CONTENT_SECURITY_POLICY and "unsafe" not in page.CONTENT_SECURITY_POLICY
    )


def test_the_script_writes_text_only():
    script = page.read_script()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?:", script
    )
    assert "https:" not in page.read_style() and "url(" not in page.read_style()
