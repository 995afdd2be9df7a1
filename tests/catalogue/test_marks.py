"""A person's marks are kept, and kept apart from the model's scores, whatever is scanned, scored, moved or undone."""

import contextlib
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_library import MODEL, PAST, make_card, make_photo, scan_folder, scan_folders

from rgnet import cli
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import COLOURS, PICKS, Mark, change_marks, undo_marks
from rgnet.catalogue.outline import find_page, make_outline
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.queries import find_scored
from rgnet.catalogue.selects import Filter
from rgnet.errors import CatalogueError, SettingError

NO_MARK = Mark()


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Four photos, one of them with a date and a camera, and a file that is none."""
    folder = tmp_path_factory.mktemp("marks") / "Pictures"
    for index in range(3):
        make_photo(folder / f"{index}.png", 60 * index + 30)
    save_with_caption(folder / "dated.jpg", "")
    (folder / "broken.png").write_bytes(b"\x89PNG no photo")
    os.utime(folder / "broken.png", (PAST, PAST))
    file = folder.parent / "catalogue.sqlite"
    scan_folder(folder, file)
    return folder, file


@pytest.fixture
def library(scanned, tmp_path):
    """The same, of this test's own."""
    folder, file = (shutil.copytree(scanned[0], tmp_path / "Pictures"), tmp_path / "c.sqlite")
    shutil.copy(scanned[1], file)
    with Catalogue.open(file) as catalogue:
        for path in list(catalogue.rows("SELECT path FROM path")):
            moved = os.fsencode(folder / Path(os.fsdecode(path[0])).name)
            catalogue.execute("UPDATE path SET path = ? WHERE path = ?", (moved, path[0]))
    return folder, file


def save_with_caption(path, caption):
    image, exif = Image.new("L", (20, 18), 77), Image.Exif()
    exif[271], exif[306], exif[270] = "Leica", "2026:05:01 10:00:00", caption
    image.save(path, exif=exif)
    os.utime(path, (PAST, PAST))


def marks_of(file) -> dict[str, Mark]:
    """By the names of files that have a mark."""
    with Catalogue.open(file) as catalogue:
        rows = find_scored(catalogue, Filter(model=MODEL))
        return {Path(row.record.path).name: row.mark for row in rows if row.mark != NO_MARK}


def id_of(catalogue, path) -> int:
    return catalogue.count("SELECT photo FROM path WHERE path = ?", (os.fsencode(path),))


def mark(library, name, **change) -> None:
    folder, file = library
    with Catalogue.open(file) as catalogue:
        change_marks(catalogue, [id_of(catalogue, folder / name)], change)


def test_marks_survive_rescans_other_models_moves_and_changes_of_metadata(library):
    folder, file = library
    mark(library, "0.png", pick="picked", stars=5)
    mark(library, "1.png", pick="rejected")
    mark(library, "dated.jpg", colour="red", stars=2)
    expected = {
        "0.png": Mark(pick="picked", stars=5),
        "1.png": Mark(pick="rejected"),
        "dated.jpg": Mark(stars=2, colour="red"),
    }
    scan_folder(folder, file)
    scan_folders(folder, file=file, name="other")
    assert marks_of(file) == expected
    (folder / "sub").mkdir()
    (folder / "0.png").rename(folder / "sub" / "moved.png")
    save_with_caption(folder / "dated.jpg", "a caption")  # other bytes, and the same moment and camera
    make_photo(folder / "1.png", 200, size=(30, 20))  # another photo under an old name
    scan_folder(folder, file)
    expected["moved.png"] = expected.pop("0.png")
    del expected["1.png"]
    assert marks_of(file) == expected
    with Catalogue.open(file) as catalogue:
        rows = find_scored(catalogue, Filter(model=make_card("other").short_hash))
        assert Mark(pick="picked", stars=5) in [row.mark for row in rows]


def test_pick_states_filter_photos_with_and_without_a_score(library):
    mark(library, "0.png", pick="picked")
    mark(library, "1.png", pick="rejected")
    mark(library, "2.png", stars=3)
    mark(library, "broken.png", pick="rejected")
    with Catalogue.open(library[1]) as catalogue:

        def names(marks):
            listing = Listing(wanted=Filter(model=MODEL, marks=marks), order="name", descending=False)
            outline = make_outline(catalogue, listing)
            rows = find_page(catalogue, listing, outline, offset=0, limit=9)
            assert len(rows) == outline.total
            return [Path(row.record.path).name for row in rows]

        assert names("picked") == ["0.png"]
        assert names("rejected") == ["1.png", "broken.png"]
        assert names("unmarked") == ["2.png", "dated.jpg"]
        assert len(names(None)) == 5


def test_commands_show_marks_beside_what_the_model_says(library, capsys, monkeypatch, tmp_path):
    folder, file = library
    mark(library, "0.png", pick="picked", stars=4, colour="blue")

    def run(*words) -> str:
        monkeypatch.setattr("sys.argv", ["rgnet", *map(str, words), "--catalogue", str(file)])
        with contextlib.suppress(SystemExit):
            cli.main()
        return capsys.readouterr().out

    scored = run("top", "--model", "brightness", "--marks", "picked").splitlines()
    assert (
        scored[0].split("\t")[:5] == ["score", "percentile", "pick", "stars", "colour"] and len(scored) == 2
    )
    assert scored[1].split("\t")[2:5] == ["picked", "4", "blue"]
    assert "pick" not in run("top", "--model", "brightness", "--marks", "unmarked").splitlines()[0]
    shown = json.loads(run("show", folder / "0.png", "--model", "brightness", "--json"))
    assert (shown["pick"], shown["stars"], shown["colour"], shown["score"]) == ("picked", 4, "blue", 30.0)
    table = tmp_path / "picks.jsonl"
    run("export", "--output", table, "--model", "brightness")
    rows = [json.loads(line) for line in io.StringIO(table.read_text())]
    assert [row["stars"] for row in rows if row["pick"]] == [4] and len(rows) == 5


def test_values_that_no_mark_has_and_unknown_photos_are_refused_and_change_nothing(library):
    _, file = library
    with Catalogue.open(file) as catalogue:
        for change in ({"stars": 6}, {"stars": 0}, {"pick": "best"}, {"colour": "Red"}):
            with pytest.raises(SettingError):
                change_marks(catalogue, [1], change)
        with pytest.raises(CatalogueError, match="has no photo 99"):
            change_marks(catalogue, [1, 99], {"stars": 1})
        assert undo_marks(catalogue) == {}
    assert marks_of(file) == {}
    with Catalogue.open(file) as catalogue:
        catalogue.execute("INSERT INTO mark SELECT photo, 'maybe', NULL, NULL FROM score WHERE error IS NULL")
        with pytest.raises(CatalogueError, match="damaged"):
            list(find_scored(catalogue, Filter(model=MODEL)))


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "pick": st.sampled_from([None, *PICKS]),
        "stars": st.sampled_from([None, 1, 2, 3, 4, 5]),
        "colour": st.sampled_from([None, *COLOURS]),
    },
)
STEPS = st.one_of(
    st.tuples(st.lists(st.integers(0, 4), unique=True, max_size=5), CHANGES),
    st.sampled_from(["undo", "score", "lose", "find"]),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
def test_any_order_of_changes_undos_and_scans_leaves_the_marks_that_a_plain_list_would(steps):
    """Scans write scores, and lose and find files; neither touches a mark."""
    with Catalogue.open(FILE.fresh(), create=True) as catalogue:
        photos = [FILE.put_photo(catalogue, index) for index in range(5)]
        marks, history = dict.fromkeys(photos, NO_MARK), []
        for step in steps:
            if step == "undo":
                marks = history.pop() if history else marks
                undo_marks(catalogue)
            elif step == "score":
                catalogue.execute("UPDATE score SET score = score + 1")
            elif step in ("lose", "find"):
                catalogue.execute("UPDATE path SET gone = ?", (5 if step == "lose" else None,))
            else:
                indices, change = step
                chosen = [photos[index] for index in indices]
                after = marks | {photo: Mark(**(marks[photo].to_dict() | change)) for photo in chosen}
                history += [marks] if after != marks else []
                marks = after
                change_marks(catalogue, chosen, change)
        found = find_scored(catalogue, Filter(model=MODEL, include_missing=True))
        assert {int(row.id): row.mark for row in found} == marks


class Invented:
    """Catalogues in one folder, each of five photos that were never files."""

    def __init__(self) -> None:
        self.folder, self.count = None, 0

    def fresh(self):
        self.count += 1
        return self.folder / f"{self.count}.sqlite"

    def put_photo(self, catalogue, index) -> int:
        catalogue.put_model(make_card(), 0)
        catalogue.execute(
            "INSERT INTO photo (id, sha256, bytes, width, height) VALUES (?, ?, 1, 1, 1)",
            (index + 1, bytes([index]) * 32),
        )
        catalogue.put_file(b"/p/%d.jpg" % index, index + 1, bytes=1, mtime=0)
        catalogue.execute(
            "INSERT INTO score (photo, model, score, percentile, engine, notes) VALUES (?, ?, 1, 0, '', '[]')",
            (index + 1, MODEL),
        )
        return index + 1


FILE = Invented()


@pytest.fixture(autouse=True, scope="module")
def invented_folder(tmp_path_factory):
    FILE.folder = tmp_path_factory.mktemp("invented")
