"""A person's marks over HTTP: who may make them, what they change, and that nothing of another program is lost."""

import shutil

import pytest
from sample_photos import noise
from scanned import scan
from starlette.testclient import TestClient

from rgnet.catalogue.database import Catalogue
from rgnet.service import viewer
from rgnet.xmp.packet import Packet

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def photos(tiny_model, tmp_path_factory):
    """A library of this module's own: four photos."""
    folder = tmp_path_factory.mktemp("marks") / "library"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.jpg").write_bytes(noise(seed))
    return scan(folder, tiny_model, exit_code=0)


@pytest.fixture(scope="module")
def shared_gallery(open_service, photos):
    with open_service(catalogue=photos.catalogue) as client:
        yield client


@pytest.fixture
def gallery(shared_gallery, photos):
    """Without marks and sidecars."""
    with Catalogue.open(photos.catalogue) as catalogue:
        catalogue.execute("DELETE FROM mark")
        catalogue.execute("DELETE FROM mark_history")
    for sidecar in photos.folder.glob("*.xmp"):
        sidecar.unlink()
    return shared_gallery


def ids(client, **asked) -> list[str]:
    return [row["id"] for row in client.get("/v1/photos", params=asked | {"sort": "name"}).json()["photos"]]


def post(client, address, **body):
    return client.post(address, json=body)


def test_photos_are_marked_filtered_and_every_step_is_undone(gallery):
    one, two, *rest = ids(gallery)
    answer = post(gallery, "/v1/marks", photos=[one, two], pick="picked", stars=4)
    assert answer.status_code == 200
    assert answer.json()["marks"][two] == {"pick": "picked", "stars": 4, "colour": None}
    post(gallery, "/v1/marks", photos=[two], pick="rejected", colour="red")
    assert (ids(gallery, marks="picked"), ids(gallery, marks="rejected")) == ([one], [two])
    assert ids(gallery, marks="unmarked") == rest
    row = gallery.get(f"/v1/photos/{two}").json()["photo"]
    assert row["mark"] == {"pick": "rejected", "stars": 4, "colour": "red"}
    assert gallery.get(f"/v1/photos/{rest[0]}").json()["photo"]["mark"] is None
    assert gallery.post("/v1/marks/undo").json()["marks"] == {
        two: {"pick": "picked", "stars": 4, "colour": None}
    }
    assert set(gallery.post("/v1/marks/undo").json()["marks"]) == {one, two}
    assert gallery.post("/v1/marks/undo").json()["marks"] == {}
    assert ids(gallery, marks="unmarked") == [one, two, *rest]


def test_pairs_are_asked_of_photos_with_features_and_answers_are_kept(gallery, photos):
    with Catalogue.open(photos.catalogue) as catalogue:
        answer = gallery.get("/v1/pairs")
        assert answer.status_code == 404 and "rgnet scan --features" in answer.json()["error"]
        catalogue.execute(
            "INSERT INTO feature SELECT photo, model, x'0000' FROM score WHERE score IS NOT NULL"
        )
        asked = set()
        pair = gallery.get("/v1/pairs").json()
        for answered in range(1, 6):
            one, two = (photo["id"] for photo in pair["photos"])
            asked.add(frozenset((one, two)))
            pair = post(gallery, "/v1/pairs", better=two, other=one, equal=answered == 3).json()
            assert pair["answered"] == answered
        one, two = (photo["id"] for photo in pair["photos"])
        assert len(asked) == 5 and frozenset((one, two)) not in asked
        # The other way round takes the place of the answer before
        for better, other in ((one, two), (two, one)):
            assert post(gallery, "/v1/pairs", better=better, other=other).json() == {
                "photos": [],
                "answered": 6,
            }
        last = catalogue.first(
            "SELECT better, equal FROM preference WHERE better = ? AND other = ?", (two, one)
        )
        assert catalogue.count("SELECT count(*) FROM preference") == 6 and last["equal"] == 0
        assert catalogue.count("SELECT sum(equal) FROM preference") == 1
        for table in ("feature", "preference"):
            catalogue.execute(f"DELETE FROM {table}")
    assert post(gallery, "/v1/pairs", better=one, other=one).status_code == 422
    assert post(gallery, "/v1/pairs", better=one, other="999").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"photos": ["1"]}, 422),
        ({"photos": [], "stars": 1}, 422),
        ({"photos": ["1"], "stars": 6}, 422),
        ({"photos": ["1"], "pick": "best"}, 422),
        ({"photos": ["1"], "pik": "picked"}, 422),
        ({"photos": ["../1"], "stars": 1}, 422),
        ({"photos": ["1", "999"], "stars": 1}, 404),
    ],
)
def test_what_makes_no_sense_changes_nothing(gallery, body, status):
    assert post(gallery, "/v1/marks", **body).status_code == status
    assert len(ids(gallery, marks="unmarked")) == 4 and gallery.post("/v1/marks/undo").json()["marks"] == {}


def test_paths_of_a_whole_listing_are_given_at_once(gallery, photos):
    found = gallery.get("/v1/photos/paths", params={"sort": "name"}).json()
    assert [row["path"] for row in found["photos"]] == sorted(map(str, photos.folder.glob("*.jpg")))
    assert found["is_complete"] and [row["id"] for row in found["photos"]] == ids(gallery)


def test_sidecars_are_shown_first_then_written_and_another_programs_stars_are_kept(gallery, photos):
    pytest.importorskip("lxml", reason="needs lxml")
    one, two, three, four = ids(gallery)
    post(gallery, "/v1/marks", photos=[one, two, four], stars=5, pick="picked")
    theirs = photos.folder / "1.jpg.xmp"
    theirs.write_bytes(Packet.empty("x").with_properties({"xmp:Rating": "2"}).data)
    photo = photos.folder / "3.jpg"
    original = photo.read_bytes()
    photo.write_bytes(b"another file by now")
    asked = {"photos": [one, two, three, four]}
    planned = post(gallery, "/v1/sidecars", **asked).json()
    assert not planned["written"] and list(photos.folder.glob("*.xmp")) == [theirs]
    changes = {change["id"]: change for change in planned["changes"]}
    assert [changes[id]["action"] for id in (one, two, three, four)] == [
        "create",
        "set",
        "unchanged",
        "failed",
    ]
    assert changes[two]["kept"] == ["rating"] and changes[two]["after"] == {"rating": "2", "pick": "1"}
    assert "not the photo that was scanned" in changes[four]["error"]
    written = post(gallery, "/v1/sidecars", **asked, write=True).json()
    assert written["changes"] == planned["changes"] and written["written"]
    assert Packet((photos.folder / "0.jpg.xmp").read_bytes(), "x").rating == 5
    assert Packet(theirs.read_bytes(), "x").rating == 2
    post(gallery, "/v1/sidecars", photos=[two], write=True, overwrite=True)
    assert Packet(theirs.read_bytes(), "x").rating == 5
    photo.write_bytes(original)
    # For Adobe's programs by the stem
    post(gallery, "/v1/marks", photos=[three], stars=4)
    (change,) = post(gallery, "/v1/sidecars", photos=[three], naming="stem").json()["changes"]
    assert change["action"] == "create" and change["sidecar"] == str(photos.folder / "2.xmp")


@pytest.mark.parametrize("address", ["/v1/marks", "/v1/marks/undo", "/v1/sidecars", "/v1/photos/1/open"])
def test_nobody_changes_anything_from_elsewhere(gallery, address):
    """From another machine, through a proxy, by another name, or from a page of another site."""
    body = {"photos": ["1"], **({"stars": 1} if address == "/v1/marks" else {})}
    remote = TestClient(gallery.app, base_url="http://localhost", client=("192.0.2.7", 50000))
    assert remote.post(address, json=body).status_code == 403
    for headers in (
        {"x-forwarded-for": "192.0.2.7"},
        {"forwarded": "for=192.0.2.7"},
        {"via": "1.1 proxy"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost"},
    ):
        assert gallery.post(address, json=body, headers=headers).status_code == 403, headers
    form = gallery.post(address, data=body)  # what a plain form of a page could send
    assert form.status_code == 422 or address in ("/v1/marks/undo", "/v1/photos/1/open")
    assert len(ids(gallery, marks="unmarked")) == 4
    about = remote.get("/v1/photos").json()["about"]
    assert not about["may_mark"] and not about["may_open"]
    about = gallery.get("/v1/photos").json()["about"]
    assert about["may_mark"] and about["may_open"]


def test_a_token_lets_others_mark_but_not_open_and_no_other_site_do_either(open_service, photos):
    settings = {
        "catalogue": photos.catalogue,
        "token": TOKEN,
        "hosts": ("*",),
        "origins": ("https://friend.example",),
    }
    with open_service(**settings) as client:
        remote = TestClient(client.app, base_url="http://photos.example", client=("192.0.2.7", 50000))
        assert remote.post("/v1/marks/undo").status_code == 401
        remote.headers["authorization"] = f"Bearer {TOKEN}"
        assert remote.post("/v1/marks/undo").status_code == 200
        assert remote.post("/v1/photos/1/open").status_code == 403
        friend = {"origin": "https://friend.example", "sec-fetch-site": "cross-site"}
        assert remote.post("/v1/marks/undo", headers=friend).status_code == 403
    with open_service(catalogue=photos.catalogue, hosts=("*",)) as client:
        # A page that made its own name lead here is no page of ours
        assert client.post("/v1/marks/undo", headers={"host": "rebound.example"}).status_code == 403


def test_a_service_without_a_catalogue_changes_nothing(service):
    for address in ("/v1/marks", "/v1/marks/undo", "/v1/sidecars", "/v1/photos/1/open"):
        assert service.post(address, json={}).status_code == 404


def test_a_photo_opens_in_the_systems_viewer(gallery, photos, monkeypatch):
    calls = []

    class Viewer:
        def __init__(self, words, **_options):
            calls.append(words)

        def wait(self):
            pass

    (one, *_) = ids(gallery)
    monkeypatch.setattr(viewer.subprocess, "Popen", Viewer)
    monkeypatch.setattr(viewer.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert gallery.post(f"/v1/photos/{one}/open").status_code == 204
    assert [words[1] for words in calls] == [str(photos.folder / "0.jpg")]
    monkeypatch.setattr(viewer.shutil, "which", lambda name: None)
    assert gallery.post(f"/v1/photos/{one}/open").status_code == 501
    moved = shutil.move(photos.folder / "0.jpg", photos.folder / "away")
    assert gallery.post(f"/v1/photos/{one}/open").status_code == 404
    shutil.move(moved, photos.folder / "0.jpg")
