"""Photos that look alike are grouped by time and appearance; sequences of one picture are kept whole."""

import json
from pathlib import Path

import numpy as np
import pytest
from shoots import SIDE, blur, draw_scene, expose, focus_at, frame_at

from rgnet.cli import main
from rgnet.culling.similarity import find_same_hashes

SCENE = draw_scene(1)


def test_a_burst_is_found_and_what_else_happened_in_its_second_stands_alone(shoot):
    for index in range(4):
        shoot.add(f"{index}.jpg", frame_at(SCENE, 1 + 0.03 * index), 10 + 0.2 * index)
    shoot.add("other.jpg", frame_at(draw_scene(2)), 10.9)
    [(kind, names)] = shoot.kinds()
    assert kind == "burst" and sorted(names) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert shoot.group().alone == 1


def test_frames_of_one_scene_are_nearer_to_each_other_the_more_time_passes(shoot):
    shoot.add("0.jpg", frame_at(SCENE), 0)
    shoot.add("1.jpg", frame_at(SCENE, 1.01), 60)
    shoot.add("late.jpg", frame_at(SCENE, 1.02), 60 + 121)
    [(kind, names)] = shoot.kinds()
    assert kind == "scene" and sorted(names) == ["0.jpg", "1.jpg"]


def test_a_chain_of_small_steps_does_not_join_what_has_nothing_in_common(shoot):
    wide = draw_scene(3, width=8 * SIDE)
    # To and fro, so that it is no panorama
    for index in range(24):
        shoot.add(f"{index:02}.jpg", frame_at(wide, 0.1 * index + 0.2 * (index % 2)), 0.3 * index)
    groups = [names for _, names in shoot.kinds()]
    assert len(groups) >= 3
    for names in groups:
        places = [0.1 * index + 0.2 * (index % 2) for index in (int(name[:2]) for name in names)]
        assert np.ptp(places) <= 0.7


def test_a_copy_is_found_without_a_date_and_the_one_with_most_pixels_is_first(shoot):
    photo = frame_at(SCENE)
    shoot.add("a/small.jpg", photo.resize((SIDE // 2, SIDE // 2)))
    shoot.add("b/large.jpg", photo, 10)
    shoot.add("c/other.jpg", frame_at(draw_scene(2)), 10)
    [group] = shoot.group().groups
    assert group.kind == "copies" and not group.kept_whole
    assert [Path(frame.row.record.path).name for frame in group.frames] == ["large.jpg", "small.jpg"]
    assert [frame.reason for frame in group.frames] == ["most pixels", "a smaller copy"]


def test_the_same_view_an_hour_later_is_no_copy(shoot):
    shoot.add("0.jpg", frame_at(SCENE), 0)
    shoot.add("1.jpg", frame_at(SCENE, 1.004), 3000)
    assert shoot.kinds() == []


def test_photos_without_a_date_are_of_one_scene_where_their_names_follow_each_other(shoot):
    shoot.add("IMG_1.jpg", frame_at(SCENE))
    shoot.add("IMG_2.jpg", frame_at(SCENE, 1.02))
    shoot.add("elsewhere/IMG_3.jpg", frame_at(SCENE, 1.04))
    [(kind, names)] = shoot.kinds()
    assert kind == "scene" and sorted(names) == ["IMG_1.jpg", "IMG_2.jpg"]


# --- kept whole -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, -2, 2), (-1, 0, 1), (-2, -1.3, -0.6, 0, 0.7)])
def test_an_exposure_bracket_is_kept_whole_in_the_order_of_capture(shoot, order):
    for index, stops in enumerate(order):
        image = expose(frame_at(SCENE, 1 + 0.01 * index), stops)
        shoot.add(f"{index}.jpg", image, 10 + 0.5 * index, open=0.02 * 2**stops, iso=100)
    [group] = shoot.group().groups
    assert group.kind == "bracket" and group.kept_whole and len(group.frames) == len(order)
    assert [frame.row.taken for frame in group.frames] == sorted(frame.row.taken for frame in group.frames)
    assert {frame.reason for frame in group.frames} == {"part of a bracket"}


def test_brackets_that_follow_each_other_are_told_apart(shoot):
    for index, stops in enumerate((0, -2, 2) * 2):
        settings = {"open": 0.02 * 2**stops, "iso": 100, "bias": stops}
        shoot.add(f"{index}.jpg", expose(frame_at(SCENE), stops), 10 + 0.5 * index, **settings)
    assert shoot.kinds() == [("bracket", [f"{n}.jpg" for n in part]) for part in ((0, 1, 2), (3, 4, 5))]


def test_two_frames_are_a_bracket_only_where_the_camera_says_so(shoot):
    for index, stops in enumerate((0, -1.5)):
        settings = {"open": 0.02 * 2**stops, "iso": 100}
        shoot.add(f"{index}.jpg", expose(frame_at(SCENE), stops), 10 + 0.5 * index, **settings)
        shoot.add(f"s{index}.jpg", expose(frame_at(SCENE), stops), 900 + 0.5 * index, **settings, bias=stops)
    assert [kind for kind, _ in shoot.kinds()] == ["burst", "bracket"]


def test_a_focus_stack_is_kept_whole(shoot):
    for index in range(5):
        shoot.add(f"{index}.jpg", focus_at(frame_at(SCENE), index / 4), 10 + 0.5 * index)
    [(kind, names)] = shoot.kinds()
    assert kind == "focus stack" and names == [f"{index}.jpg" for index in range(5)]


def test_a_burst_with_blurred_frames_is_no_focus_stack(shoot):
    for index, radius in enumerate((2, 0, 0, 1.5, 0)):
        shoot.add(f"{index}.jpg", blur(frame_at(SCENE), radius), 10 + 0.5 * index)
    [(kind, _)] = shoot.kinds()
    assert kind == "burst"


@pytest.mark.parametrize("step, frames", [(0.3, 5), (0.12, 8)])
def test_a_panorama_is_kept_whole_however_small_its_steps(shoot, step, frames):
    for index in range(frames):
        shoot.add(f"{index}.jpg", frame_at(SCENE, 0.2 + step * index), 10 + index)
    [(kind, names)] = shoot.kinds()
    assert kind == "panorama" and names == [f"{index}.jpg" for index in range(frames)]


def test_what_an_earlier_rgnet_scanned_is_counted_until_it_is_scanned_again(shoot):
    for index in range(2):
        shoot.add(f"{index}.jpg", frame_at(SCENE, 1 + 0.02 * index), 10 + index)
    shoot.remember()
    from sample_library import MODEL

    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.selects import Filter
    from rgnet.culling.look_alikes import find_groups

    with Catalogue.open(shoot.file) as catalogue:
        catalogue.execute("DELETE FROM measurement")
        assert find_groups(catalogue, Filter(model=MODEL)) == ([], 0, 2)
    assert len(shoot.group().groups) == 1


def test_all_pairs_of_close_hashes_are_found():
    draw = np.random.default_rng(0)
    hash_N = draw.integers(0, 2**63, 300).astype(np.uint64) * np.uint64(2)
    near_N = hash_N ^ (np.uint64(1) << draw.integers(0, 64, 300).astype(np.uint64))
    near_N ^= np.uint64(1) << draw.integers(0, 64, 300).astype(np.uint64)
    first_P, second_P = find_same_hashes(np.concatenate([hash_N, near_N]))
    assert {(index, index + 300) for index in range(300)} <= {
        tuple(sorted(pair)) for pair in zip(first_P.tolist(), second_P.tolist(), strict=True)
    }


# --- commands ---------------------------------------------------------------------------------------------


def test_group_lists_groups_best_first_and_top_shows_the_best_of_each(shoot, capsys, monkeypatch):
    for index in range(3):
        shoot.add(f"a/{index}.jpg", expose(frame_at(SCENE, 1 + 0.02 * index), -0.1 * index), 10 + 0.2 * index)
    shoot.add("b/other.jpg", expose(frame_at(draw_scene(2)), -1), 900)
    catalogue = ["--catalogue", str(shoot.remember().file)]
    out, err = run(["group", str(shoot.folder), *catalogue], capsys, monkeypatch)
    header, *lines = [line.split("\t") for line in out.splitlines()]
    assert header == ["group", "kind", "score", "pick", "reason", "path"]
    assert [(line[0], line[1], Path(line[5]).name) for line in lines] == [
        ("1", "burst", f"{index}.jpg") for index in range(3)
    ]
    assert err == "3 photos in 1 group (1 burst), 1 alone\n"
    out, _ = run(["group", "--json", *catalogue], capsys, monkeypatch)
    group = json.loads(out)
    assert (group["kind"], group["kept_whole"], len(group["photos"])) == ("burst", False, 3)
    assert {"path", "score", "taken", "pick", "reason", "sharpness", "clipped"} <= group["photos"][0].keys()
    out, _ = run(["group", str(shoot.folder / "b"), *catalogue], capsys, monkeypatch)
    assert out.splitlines()[1:] == []
    out, _ = run(["top", "--distinct", "--json", *catalogue], capsys, monkeypatch)
    assert [Path(json.loads(line)["path"]).name for line in out.splitlines()] == ["0.jpg", "other.jpg"]


def run(words, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["rgnet", *words])
    with pytest.raises(SystemExit) as exit:
        main()
    assert not exit.value.code
    return capsys.readouterr()
