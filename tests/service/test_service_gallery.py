"""The gallery over HTTP: rows as the page asks for them, and photos of the catalogue by id, and nothing else."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from sample_photos import HOSTILE_NAME, SECRET

import rgnet
from rgnet import page
from rgnet.errors import CatalogueError
from rgnet.previews import PreviewCache
from rgnet.service.inference import Inference
from rgnet.service.settings import Settings
from rgnet.weights.explanations import ExplanationWorth


@pytest.fixture(scope="module")
def gallery(open_service, library):
    with open_service(catalogue=library.catalogue) as client:
        yield client


@pytest.fixture
def changing_gallery(open_service, changing_library):
    with open_service(catalogue=changing_library.catalogue) as client:
        yield client


def rows(client, **asked) -> dict:
    answer = client.get("/v1/photos", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def paths(client, **asked) -> list[str]:
    return [row["path"].rpartition("library/")[2] for row in rows(client, **asked)["photos"]]


def row_of(client, name: str) -> dict:
    return next(row for row in rows(client)["photos"] if row["path"].endswith(name))


def test_rows_come_best_first_and_those_without_a_score_last(gallery):
    found = rows(gallery)
    scores = [row["score"] for row in found["photos"]]
    assert found["total"] == len(scores) == 9 and found["failed"] == 1
    assert scores[:-1] == sorted(scores[:-1], reverse=True) and scores[-1] is None
    assert found["photos"][-1]["error"] and found["photos"][-1]["thumbnail"] is None
    assert found["about"]["model_hash"] and found["about"]["title"] == "library"
    assert paths(gallery, order="asc")[:-1] == paths(gallery)[:-1][::-1]


def test_a_copy_is_the_same_photo_under_the_first_path_that_is_asked_for(gallery):
    photo = row_of(gallery, "library/0.jpg")
    (copy,) = rows(gallery, text="sub/copy")["photos"]
    assert copy["id"] == photo["id"] and copy["path"].endswith("sub/copy.jpg")
    assert "sub/copy.jpg" not in paths(gallery)


def test_pages_do_not_overlap_and_end(gallery):
    for sort in ("score", "name", "taken", "folder"):
        every = paths(gallery, sort=sort)
        assert len(set(every)) == 9
        assert [
            one for start in range(0, 12, 2) for one in paths(gallery, sort=sort, offset=start, limit=2)
        ] == every


def test_filters_leave_out_what_does_not_match(gallery):
    scores = sorted(row["score"] for row in rows(gallery)["photos"][:-1])
    middle = scores[4]
    assert len(paths(gallery, min=middle)) == 4 and len(paths(gallery, max=middle)) == 5
    assert paths(gallery, min=middle, max=middle) and rows(gallery, min=middle)["failed"] == 0
    assert paths(gallery, text="LARGE") == ["sub/large.jpg"]
    assert paths(gallery, since="2026-07-04", until="2026-07-04") == ["sub/large.jpg"]
    assert paths(gallery, errors="only") == ["broken.jpg"] and len(paths(gallery, errors="0")) == 8
    folder = row_of(gallery, "large.jpg")["folder"]
    assert sorted(paths(gallery, folder=folder)) == ["sub/copy.jpg", "sub/large.jpg"]
    for asked in ({"min": "high"}, {"sort": "size"}, {"limit": 501}, {"offset": -1}, {"since": "tomorrow"}):
        answer = gallery.get("/v1/photos", params=asked)
        assert answer.status_code == 422 and next(iter(asked)) in answer.json()["error"]


def test_of_look_alikes_the_best_that_matches_is_listed_and_the_others_are_asked_for(
    open_service, library, look_alikes
):
    with open_service(catalogue=library.catalogue) as gallery:
        found = rows(gallery, groups="1")
        leads = {row["group"]["kind"]: row for row in found["photos"] if row["group"]}
        assert (found["total"], found["matching"], found["failed"]) == (5, 9, 1)
        assert leads.keys() == {"burst", "bracket"}
        assert leads["burst"]["group"]["rank"] == 0 and leads["burst"]["group"]["size"] == 3
        members = gallery.get(f"/v1/photos/{leads['burst']['id']}/group").json()["photos"]
        assert sorted(row["name"] for row in members) == ["0.jpg", "1.jpg", "2.jpg"]
        assert members[0] == leads["burst"] and [row["group"]["place"] for row in members] == [0, 1, 2]
        bracket = gallery.get(f"/v1/photos/{leads['bracket']['id']}/group").json()["photos"]
        assert [row["name"] for row in bracket] == ["3.jpg", "4.jpg", "5.jpg"]
        assert leads["bracket"]["group"]["photos"] == [row["id"] for row in bracket]
        # Another frame stands for the burst where the best does not match; a list of paths has all that match
        second = members[1]["path"]
        assert [row["path"] for row in rows(gallery, groups="1", text=second)["photos"]] == [second]
        assert len(gallery.get("/v1/photos/paths", params={"groups": "1"}).json()["photos"]) == 9
        alone = row_of(gallery, "large.jpg")
        assert [row["id"] for row in gallery.get(f"/v1/photos/{alone['id']}/group").json()["photos"]] == [
            alone["id"]
        ]


def test_pictures_are_drawn_anew_at_their_size_without_what_else_is_in_the_file(gallery):
    row = row_of(gallery, "large.jpg")
    for what, size in (("thumbnail", (512, 341)), ("picture", (900, 600))):
        answer = gallery.get(f"/v1/photos/{row['id']}/{what}")
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        image = Image.open(io.BytesIO(answer.content))
        assert image.size == size and not image.getexif() and SECRET.encode() not in answer.content
        again = gallery.get(
            f"/v1/photos/{row['id']}/{what}", headers={"if-none-match": answer.headers["etag"]}
        )
        assert again.status_code == 304 and not again.content


def test_a_photos_page_has_the_map_that_the_scorer_gives(gallery, library, tiny_model):
    row = row_of(gallery, "large.jpg")
    found = gallery.get(f"/v1/photos/{row['id']}").json()
    expected = rgnet.load(tiny_model, threads=1).score(library.folder / "sub" / "large.jpg", regions=True)
    detail = found["detail"]
    assert found["photo"] == row and (detail["rows"], detail["columns"]) == expected.regions.votes.shape
    assert detail["edges"]["count"] > 0 and detail["picture"] == f"v1/photos/{row['id']}/picture"
    remembered = page.describe_regions(expected.regions.votes, gallery.app.state.inference.scorer.card.scale)
    assert detail["low"] == pytest.approx(remembered["low"], abs=2e-2)


def test_a_file_that_changed_or_is_gone_shows_only_what_the_scan_stored(changing_gallery, changing_library):
    gallery, folder = changing_gallery, changing_library.folder
    changed, gone = row_of(gallery, "/1.jpg"), row_of(gallery, "/2.jpg")
    (folder / "1.jpg").write_bytes((folder / "3.jpg").read_bytes())
    (folder / "2.jpg").unlink()
    for row, reason in (
        (changed, "has changed since it was scanned"),
        (gone, "is gone since it was scanned"),
    ):
        answer = gallery.get(f"/v1/photos/{row['id']}/thumbnail")
        assert answer.status_code == 404 and reason in answer.json()["error"]
        detail = gallery.get(f"/v1/photos/{row['id']}").json()["detail"]
        assert detail["edges"] is None and detail["votes"]


def test_a_path_swapped_for_a_link_gives_no_other_file(changing_gallery, changing_library, tmp_path):
    folder, row = changing_library.folder, row_of(changing_gallery, "/0.jpg")
    secret = tmp_path / "secret.jpg"
    secret.write_bytes((folder / "3.jpg").read_bytes())
    (folder / "0.jpg").unlink()
    (folder / "0.jpg").symlink_to(secret)
    assert changing_gallery.get(f"/v1/photos/{row['id']}/picture").status_code == 404


def test_a_large_library_is_laid_out_by_its_outline_before_its_pages_are_asked_for(gallery):
    every = rows(gallery)["photos"]
    first = rows(gallery, counted=False, limit=3)
    assert [row["id"] for row in first["photos"]] == [row["id"] for row in every[:3]]
    outline = gallery.get("/v1/photos/outline").json()
    shapes = np.frombuffer(base64.b64decode(outline["shapes"]), "<u2")
    assert (outline["total"], outline["failed"], outline["runs"]) == (9, 1, [])
    assert shapes.tolist() == [round(1000 * row["width"] / row["height"]) for row in every[:-1]]
    by_folder = gallery.get("/v1/photos/outline", params={"sort": "folder"}).json()["runs"]
    assert [run["count"] for run in by_folder] == [7, 1] and by_folder[1]["key"].endswith("library/sub")
    by_day = gallery.get("/v1/photos/outline", params={"sort": "taken"}).json()["runs"]
    assert by_day == [{"key": "2026-07", "count": 1}, {"key": None, "count": 7}]


def what_if(client, row, **headers):
    return client.post(f"/v1/photos/{row['id']}/what-if", headers=headers)


def test_what_if_is_what_covering_does_to_the_score_and_is_kept(gallery, open_service, library, monkeypatch):
    row = row_of(gallery, "large.jpg")
    found = what_if(gallery, row)
    scorer = gallery.app.state.inference.scorer
    expected = rgnet.explain(scorer, library.folder / "sub" / "large.jpg", what_if=7).what_if
    assert found.status_code == 200 and found.json()["grid"] == [7, 7]
    np.testing.assert_allclose(found.json()["effect"], expected.effect_RC, atol=1e-4)
    # Another service finds what was kept, and computes nothing
    monkeypatch.setattr(Inference, "what_if", None)
    with open_service(catalogue=library.catalogue) as other:
        assert what_if(other, row).json() == found.json()


def test_what_if_of_what_is_not_there_or_not_allowed_is_refused(changing_gallery, changing_library):
    client, folder = changing_gallery, changing_library.folder
    changed, gone, kept = (row_of(client, f"/{name}.jpg") for name in (1, 2, 3))
    assert what_if(client, kept, origin="http://elsewhere.example").status_code == 403
    assert what_if(client, {"id": "999"}).status_code == 404
    assert what_if(client, {"id": "..%2f1"}).status_code in (404, 422)
    (folder / "1.jpg").write_bytes((folder / "3.jpg").read_bytes())
    (folder / "2.jpg").unlink()
    for row, reason in ((changed, "has changed since"), (gone, "is gone since")):
        answer = what_if(client, row)
        assert answer.status_code == 404 and reason in answer.json()["error"]


def test_what_if_waits_for_nobody_and_is_not_computed_where_maps_mean_nothing(
    open_service, library, monkeypatch
):
    monkeypatch.setattr("rgnet.service.gallery._MAX_WHAT_IFS", 0)
    # Whoever asked for the same photo before has left the answer in the user's cache
    monkeypatch.setattr("rgnet.service.gallery.open_previews", lambda: PreviewCache(None))
    with open_service(catalogue=library.catalogue) as busy:
        answer = what_if(busy, row_of(busy, "/3.jpg"))
        assert answer.status_code == 429 and answer.headers["retry-after"]
        assert what_if(busy, row_of(busy, "broken.jpg")).status_code == 404
    worth = ExplanationWorth(no_maps="All maps look alike.")
    monkeypatch.setattr("rgnet.service.gallery.judge_explanations", lambda _card: worth)
    with open_service(catalogue=library.catalogue) as hidden:
        answer = what_if(hidden, row_of(hidden, "/3.jpg"))
        assert (answer.status_code, answer.json()) == (404, {"error": "All maps look alike."})


@pytest.mark.parametrize(
    "id",
    [
        "0",
        "999",
        "u0123456789abcdef",
        "-1",
        "1.jpg",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "1%00",
        "9" * 19,
    ],
)
def test_only_ids_of_the_catalogue_are_answered(gallery, id):
    for what in ("", "/thumbnail", "/picture"):
        answer = gallery.get(f"/v1/photos/{id}{what}")
        assert answer.status_code in (404, 422) and "root:" not in answer.text


def test_a_photo_without_a_score_is_shown_as_its_error(gallery):
    row = row_of(gallery, "broken.jpg")
    assert gallery.get(f"/v1/photos/{row['id']}").json() == {"photo": row, "detail": None}
    assert gallery.get(f"/v1/photos/{row['id']}/thumbnail").status_code == 404


def test_the_page_and_its_parts_are_guarded_and_kept_by_their_tag(gallery):
    for address, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
        answer = gallery.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-security-policy"] == page.CONTENT_SECURITY_POLICY
        assert gallery.get(address, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert HOSTILE_NAME not in gallery.get("/").text


def test_a_catalogue_of_another_models_scores_is_not_shown(library, tiny_classifier):
    from rgnet.service.app import create_app

    with pytest.raises(CatalogueError, match="holds no scores of tiny-classes"):
        create_app(Settings(catalogue=library.catalogue, model=str(tiny_classifier), threads=1))


def test_the_best_crop_is_found_on_request_of_the_photo_that_was_scanned(changing_gallery, changing_library):
    row = row_of(changing_gallery, "0.jpg")
    address = f"/v1/photos/{row['id']}/crop"
    found = changing_gallery.get(address, params={"ratio": "1:2"}).json()
    best = found["best"]
    assert (best["right"] - best["left"]) / (best["bottom"] - best["top"]) == pytest.approx(0.5, abs=0.02)
    assert best["score"] >= found["centre"]["score"]
    assert changing_gallery.get(address, params={"ratio": "wide"}).status_code == 422
    (changing_library.folder / "0.jpg").write_bytes((changing_library.folder / "1.jpg").read_bytes())
    answer = changing_gallery.get(address, params={"ratio": "1:1"})
    assert answer.status_code == 404 and "has changed since it was scanned" in answer.json()["error"]
