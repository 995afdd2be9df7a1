"""The Lightroom plug-in, run by Lua 5.1 on a stand-in for Lightroom: only what is empty is set, after a dry run."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LUA = shutil.which("lua5.1")
pytestmark = pytest.mark.skipif(LUA is None, reason="needs lua5.1")

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "integrations" / "lightroom" / "rgnet.lrplugin"
ITEMS = {"stars": "SetStars.lua", "flags": "SetFlags.lua", "labels": "SetLabels.lua"}
EMPTY = ("", "0", "none", "")
FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def run_lua(*words, text: str) -> str:
    command = [LUA, HERE / "lightroom_sdk.lua", PLUGIN, *words]
    done = subprocess.run([*map(str, command)], input=text.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def choose(tmp_path):
    """Runs a menu item on photos, {path: (rating, flag, colour, words)}; (messages, the photos afterwards)."""

    def run(item, photos, records, answer="ok", lines=False):
        file = tmp_path / "scores.json"
        rows = [json.dumps(record, ensure_ascii=False) for record in records]
        file.write_text("\n".join(rows) if lines else f"[{','.join(rows)}]", encoding="utf-8")
        text = "".join("\t".join((path, *values)) + "\n" for path, values in photos.items())
        printed = [line.split("\t") for line in run_lua(ITEMS[item], file, answer, text=text).splitlines()]
        messages = [line[1] for line in printed if line[0] == "message"]
        return messages, {line[0]: tuple(line[1:]) for line in printed if line[0] != "message"}

    return run


def record(path="/p/a.jpg", percentile=95.0, **more):
    return {"path": path, "score": 4.0, "percentile": percentile, "notes": [], "error": None, **more}


def test_nothing_is_written_before_the_counts_were_shown_and_confirmed(choose):
    photos = {"/p/a.jpg": EMPTY, "/p/b.jpg": ("2", "0", "none", "")}
    records = [record(), record("/p/b.jpg"), record("/p/c.jpg"), {"path": "/p/d.jpg", "error": "damaged"}]
    messages, after = choose("stars", photos, records, answer="cancel")
    assert after == photos
    assert messages == [
        "Nothing has been changed yet. | 1 photos get stars. 1 already have them and stay as they are. 0 get none. "
        "1 are not in this catalogue. | Write | Cancel"
    ]
    messages, after = choose("stars", photos, records)
    assert after == photos | {"/p/a.jpg": ("5", "0", "none", "")}
    assert messages[1] == "1 photos have new stars. | Edit > Undo takes them back."
    messages, again = choose("stars", after, records)
    assert again == after and messages[0].startswith("Nothing to change.")


@pytest.mark.parametrize("answer", ["stopped", "busy"])
def test_a_search_that_is_stopped_and_a_busy_catalogue_write_nothing(choose, answer):
    photos = {"/p/a.jpg": EMPTY}
    messages, after = choose("stars", photos, [record()], answer)
    assert after == photos and all("have new" not in message for message in messages)


def test_a_photo_that_is_rated_while_the_question_is_shown_is_kept(choose):
    messages, after = choose("stars", {"/p/a.jpg": EMPTY}, [record()], answer="rated_meanwhile")
    assert after["/p/a.jpg"][0] == "1" and messages[1].startswith("0 photos have new stars.")


def test_stars_are_those_of_rgnet_rate(choose):
    from rgnet.xmp.sidecar import stars_for

    percentiles = [0, 9.99, 10, 34.9, 35, 64.9, 65, 89.9, 90, 100]
    records = [record(f"/p/{index}.jpg", value) for index, value in enumerate(percentiles)]
    _, after = choose("stars", {row["path"]: EMPTY for row in records}, records, lines=True)
    assert [int(values[0]) for values in after.values()] == [stars_for(value) for value in percentiles]


def test_what_a_person_said_in_rgnet_comes_before_its_score(choose):
    said = record(percentile=50.0, stars=2, pick="rejected", colour="blue")
    for item, expected in (("stars", "2"), ("flags", "-1"), ("labels", "blue")):
        _, after = choose(item, {"/p/a.jpg": EMPTY}, [said])
        assert expected in after["/p/a.jpg"]


def test_a_jpeg_is_found_as_the_raw_file_that_lightroom_shows(choose):
    _, after = choose("flags", {"/p/a.NEF": EMPTY, "/p/b.nef": EMPTY}, [record(), record("/p/b.heic")])
    assert [values[1] for values in after.values()] == ["1", "1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it holds no photo with a score"),
        ("[]", "it holds no photo with a score"),
        ("[1]", "expected rows that rgnet exported"),
        ("path,score\na.jpg,4\n", "byte 1: expected a value"),
        ('[{"path": "a.jpg", "percent', "byte 28: expected the end of a string"),
    ],
)
def test_a_file_that_is_not_rgnets_is_a_sentence(tmp_path, text, reason):
    file = tmp_path / "scores.json"
    file.write_text(text)
    printed = run_lua(ITEMS["stars"], file, "ok", text="")
    assert printed.startswith(f"message\tThis file cannot be used. | {file}: {reason}"), printed


MARKED = st.tuples(
    st.sampled_from(["", "0", "1", "3", "5"]),
    st.sampled_from(["-1", "0", "1"]),
    st.sampled_from(["none", "grey", "red", "purple"]),
    st.sampled_from(["", "to print"]),
)
SAID = st.fixed_dictionaries(
    {"percentile": st.floats(0, 100)},
    optional={"stars": st.integers(1, 5), "pick": st.sampled_from(["picked", "rejected"])},
)


@FEW
@given(st.sampled_from(sorted(ITEMS)), st.lists(st.tuples(MARKED, SAID), min_size=1, max_size=12))
def test_a_persons_mark_is_never_overwritten(tmp_path_factory, item, rows):
    file = tmp_path_factory.mktemp("lightroom") / "scores.json"
    photos = {f"/p/{index}.jpg": marked for index, (marked, _) in enumerate(rows)}
    records = [record(path) | said for path, (_, said) in zip(photos, rows, strict=True)]
    file.write_text(json.dumps(records))
    text = "".join("\t".join((path, *values)) + "\n" for path, values in photos.items())
    printed = [line.split("\t") for line in run_lua(ITEMS[item], file, "ok", text=text).splitlines()]
    after = {line[0]: tuple(line[1:]) for line in printed if line[0] != "message"}
    for path, before in photos.items():
        given = {
            "stars": before[0] not in ("", "0"),
            "flags": before[1] != "0",
            "labels": before[2] not in ("none", "grey") or before[3] != "",
        }
        changed = [
            name
            for name, (old, new) in zip(
                ("stars", "flags", "labels", "labels"), zip(before, after[path], strict=True), strict=True
            )
            if old != new
        ]
        assert set(changed) <= {item} and not (changed and given[item]), (before, after[path])
        assert item != "stars" or changed or given[item]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=20,
)


def shown(value) -> str:
    """As lightroom_sdk.lua shows a value: a member that is null is not there, an empty object is an empty list."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value.encode().hex()}"'
    if isinstance(value, int | float):
        return f"{float(value):.17g}"
    if isinstance(value, list):
        return f"[{','.join(map(shown, value))}]"
    members = sorted(f"{shown(key)}:{shown(each)}" for key, each in value.items() if each is not None)
    return f"{{{','.join(members)}}}" if members else "[]"


@FEW
@given(st.lists(VALUES, max_size=3), st.booleans(), st.sampled_from([None, 1]))
def test_json_is_decoded_as_it_was_meant(values, ascii, indent):
    text = "\n".join(json.dumps(value, ensure_ascii=ascii, indent=indent) for value in values)
    assert run_lua("json", text=text) == shown(values) + "\n"


@pytest.mark.parametrize(
    "text", ["{", "[1", "[1,]", '{"a"}', '{"a":}', "01", "1.", "nul", '"\n"', '"\\x"', "[" * 200]
)
def test_what_is_no_json_is_an_error(text):
    assert run_lua("json", text=text).startswith("error: byte "), text
