"""Stars reach immich by path, once, and never over a person's; whatever fails says what to do."""

import json
import socket

import pytest
from immich_server import KEY, ImmichServer, running
from rated_library import STARS, Library
from sample_library import make_card

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import change_marks
from rgnet.catalogue.queries import find_scored, make_filter
from rgnet.integrations import immich

pytest.importorskip("httpx", reason="needs httpx")

THEIRS = "/mnt/photos"


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path, monkeypatch):
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr(immich, "PER_SECOND", 1e6)
    monkeypatch.setattr(immich, "FIRST_WAIT_S", 1e-3)


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path, make_card())


@pytest.fixture
def server(library):
    """immich with the photos of the library, under another folder."""
    server = ImmichServer()
    for name in STARS:
        server.add(f"{THEIRS}/{name}", size=(library.folder / name).stat().st_size)
    with running(server) as url:
        server.url = url
        yield server


@pytest.fixture
def push(library, server, tmp_path):
    key = tmp_path / "key.txt"
    key.write_text(f"{KEY}\n")
    key.chmod(0o600)

    def run(*words, mapped=True, url=None):
        words = (*words, "--map", f"{library.folder}={THEIRS}") if mapped else words
        return library.run("push", "immich", "--url", url or server.url, "--api-key-file", key, *words)

    return run


def test_nothing_is_written_without_being_asked_and_the_mapping_is_shown_first(
    push, server, library, tmp_path
):
    done = push()
    assert done.exit_code == 0, done.output
    assert set(server.ratings().values()) == {None} and not list(tmp_path.glob("home/**/*.sqlite"))
    assert {method for method, _ in server.requests} == {"POST"}
    assert f"folder: {library.folder} is {THEIRS} in immich" in done.stderr
    assert f"for example: {library.folder}/a.jpg is {THEIRS}/a.jpg" in done.stderr
    assert "3 would change of 3 photos; nothing was written: add --write" in done.stderr
    assert done.stdout.splitlines()[0] == "action\tbefore\tafter\tphoto"
    rows = [json.loads(line) for line in push("--json").stdout.splitlines()]
    assert {row["in_immich"].rpartition("/")[2]: row["after"] for row in rows} == STARS


def test_stars_are_written_in_batches_once_and_undone(push, server):
    assert "3 changed of 3 photos" in push("--write").stderr and server.ratings() == STARS
    writes = [path for method, path in server.requests if method == "PUT"]
    assert set(writes) == {"/api/assets"} and len(writes) == len(set(STARS.values()))
    assert "0 changed, 3 unchanged of 3 photos" in push("--write").stderr
    assert "3 would change" in push("--undo").stderr and server.ratings() == STARS
    assert "3 changed" in push("--undo", "--write").stderr
    assert set(server.ratings().values()) == {None}
    assert "3 unchanged" in push("--undo", "--write").stderr


def test_a_persons_rating_is_kept_before_and_after_rgnets(push, server):
    first, second, third = server.assets.values()
    first["rating"] = 2
    assert "2 changed, 1 kept (rated by you)" in push("--write").stderr and first["rating"] == 2
    second["rating"], third["rating"] = 1, None  # changed, and taken away
    for words in (("--write",), ("--write", "--cuts", "1,2,3,4"), ("--undo", "--write")):
        assert "0 changed" in push(*words).stderr
        assert [asset["rating"] for asset in server.assets.values()] == [2, 1, None]


def test_new_scores_replace_rgnets_own_stars(push, server):
    push("--write")
    assert push("--write", "--cuts", "1,2,3,4").exit_code == 0
    assert set(server.ratings().values()) == {5}


def test_stars_that_a_person_gave_in_rgnet_come_before_the_score(push, server, library):
    with Catalogue.open(library.file) as catalogue:
        change_marks(
            catalogue, [int(row.id) for row in scored(catalogue) if "a.jpg" in row.record.path], {"stars": 4}
        )
    push("--write")
    assert server.ratings() == STARS | {"a.jpg": 4}
    with Catalogue.open(library.file) as catalogue:
        best = [int(row.id) for row in scored(catalogue) if "b.jpg" in row.record.path]
        change_marks(catalogue, best, {"pick": "rejected"})
    push("--write")
    assert server.ratings() == STARS | {"a.jpg": 4, "b.jpg": None}, "a rejected photo has no stars of ours"


def scored(catalogue):
    return list(find_scored(catalogue, make_filter(catalogue, None)))


def test_of_paths_that_a_search_finds_only_the_same_one_counts(push, server):
    others = [
        server.add(path) for path in (f"{THEIRS}/A.JPG", f"/other{THEIRS}/a.jpg", f"{THEIRS}/sub/a.jpg")
    ]
    server.page_size = 2
    assert "3 changed of 3 photos" in push("--write").stderr
    assert [server.assets[id]["rating"] for id in others] == [None] * 3


def test_photos_that_immich_does_not_have_are_counted(push, server):
    server.assets.pop(next(iter(server.assets)))
    done = push("--write")
    assert done.exit_code == 0 and "2 changed, 1 not in immich of 3 photos" in done.stderr


def test_where_immich_has_none_of_the_photos_its_own_path_is_suggested(push):
    done = push("--write", mapped=False)
    assert done.exit_code != 0
    assert f"immich has a photo of that name as {THEIRS}/a.jpg; --map says" in str(done.exception)


def test_another_file_under_the_path_is_refused(push, server):
    next(iter(server.assets.values()))["size"] = 7
    done = push("--write")
    assert done.exit_code == 3 and server.ratings()["a.jpg"] is None
    assert "a.jpg: immich has a different file there (7 bytes, expected" in done.stderr


def test_an_asset_of_somebody_else_stops_no_others(push, server):
    push("--write", "--cuts", "1,2,3,4")  # all in one batch
    push("--undo", "--write")
    server.foreign.add(next(iter(server.assets)))
    done = push("--write", "--cuts", "1,2,3,4")
    assert done.exit_code == 3 and server.ratings() == {"a.jpg": None, "b.jpg": 5, "c.jpg": 5}
    assert "no asset.update access" in done.stderr
    server.foreign.clear()
    assert "1 changed, 2 unchanged" in push("--write", "--cuts", "1,2,3,4").stderr


@pytest.mark.parametrize("version", ["before 2.6", "2.6", "3"])
def test_no_rating_is_cleared_as_each_version_wants_it(push, server, version):
    server.null_clears, server.zero_clears = version != "before 2.6", version != "3"
    push("--write")
    assert server.ratings() == STARS
    assert "3 changed" in push("--undo", "--write").stderr
    assert set(server.ratings().values()) == {None if server.null_clears else 0}
    assert "3 changed" in push("--write").stderr and server.ratings() == STARS


def test_a_version_that_ignores_ratings_of_many_is_found_out(push, server):
    server.bulk_rates = False
    assert "3 changed of 3 photos" in push("--write").stderr and server.ratings() == STARS


def test_a_busy_server_is_asked_again(push, server):
    server.troubles = [(429, {"Retry-After": "0"}), (503, {}), (502, {})]
    assert push("--write").exit_code == 0 and server.ratings() == STARS


@pytest.mark.parametrize("arrived", [True, False])
def test_a_push_that_broke_off_is_finished_by_the_next(push, server, monkeypatch, arrived):
    whole, calls = server.answer, []

    def break_off(method, path, body):
        if method == "PUT":
            calls.append(path)
            if len(calls) == 2:
                if arrived:
                    whole(method, path, body)
                server.troubles += [(503, {})] * 20
                return 503, {"message": "gone"}
        return whole(method, path, body)

    monkeypatch.setattr(server, "answer", break_off)
    done = push("--write")
    assert done.exit_code != 0 and "answered 503" in str(done.exception)
    server.troubles.clear()
    monkeypatch.setattr(server, "answer", whole)
    assert "kept" not in push("--write").stderr and server.ratings() == STARS
    assert "3 changed" in push("--undo", "--write").stderr


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ((403, {}), "the API key lacks a permission: it needs asset.read and asset.update"),
        ((404, {}), "there is no immich API at this address: check --url"),
        ((200, {}), "there is no immich API at this address: check --url"),
        (
            (301, {"Location": "https://photos.example"}),
            "refers to https://photos.example: pass that address",
        ),
    ],
)
def test_an_answer_that_helps_nobody_is_one_sentence(push, server, trouble, message):
    server.troubles = [trouble]
    assert message in str(push().exception)


def test_what_is_not_immich_says_so(push, server, monkeypatch):
    monkeypatch.setattr(server, "answer", lambda *_: (200, {"status": "ok"}))
    assert "answered something other than immich's API does" in str(push().exception)


def test_a_server_out_of_reach_is_not_asked_twice(push):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    done = push(url=f"http://127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port} cannot be reached" in str(done.exception)


def test_a_wrong_key_and_one_that_others_may_read(push, tmp_path):
    (tmp_path / "key.txt").chmod(0o644)
    assert "chmod 600 that file" in push().stderr
    (tmp_path / "key.txt").write_text("another")
    assert "the API key was refused: create one in immich" in str(push().exception)
    (tmp_path / "key.txt").write_text("")
    assert "expected one line with the key" in str(push().exception)
    (tmp_path / "key.txt").unlink()
    assert "key.txt cannot be read" in str(push().exception)


def test_the_innermost_folder_decides_what_a_path_is_called(tmp_path):
    from rgnet.integrations.mapping import PathMapping

    mapping = PathMapping([f"{tmp_path}=/photos/", f"{tmp_path}/family=/family"])
    assert mapping.theirs(f"{tmp_path}/a.jpg") == "/photos/a.jpg"
    assert mapping.theirs(f"{tmp_path}/family/b c.jpg") == "/family/b c.jpg"
    assert mapping.theirs(f"{tmp_path}ily/c.jpg") == f"{tmp_path}ily/c.jpg"
