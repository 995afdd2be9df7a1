"""One card for each group: which photo stands for it, whatever else is asked for, and what its card says."""

import pytest
from sample_library import MODEL
from shoots import blur, draw_scene, expose, frame_at

from rgnet.catalogue.connections import open_to_read
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import change_marks
from rgnet.catalogue.queries import count_scored, find_scored
from rgnet.catalogue.selects import Filter
from rgnet.culling.look_alikes import find_groups
from rgnet.culling.membership import find_memberships, keep_members, put_memberships

SCENE = draw_scene(1)


@pytest.fixture
def catalogue(shoot):
    """A burst of three with one blurred, a bracket of three, and a photo alone; brighter ones score higher."""
    shoot.add("burst0.jpg", blur(frame_at(SCENE), 2), 10)
    shoot.add("burst1.jpg", expose(frame_at(SCENE, 1.02), 0.3), 10.4)
    shoot.add("burst2.jpg", frame_at(SCENE, 1.04), 10.8)
    for index, stops in enumerate((0, -2, 2)):
        open_s = 0.02 * 2**stops
        shoot.add(f"bracket{index}.jpg", expose(frame_at(draw_scene(2)), stops), 100 + index, open=open_s)
    shoot.add("alone.jpg", frame_at(draw_scene(3)), 1000)
    with Catalogue.open(shoot.remember().file) as opened:
        yield opened


def names(rows) -> set[str]:
    return {row.record.path.rpartition("/")[2] for row in rows}


def put_groups(catalogue):
    every = Filter(model=MODEL)
    found = find_memberships(find_groups(catalogue, every).groups)
    put_memberships(catalogue, found)
    return {row.record.path.rpartition("/")[2]: found.get(row.id) for row in find_scored(catalogue, every)}


def distinct(catalogue, **wanted) -> set[str]:
    asked = Filter(model=MODEL, distinct=True, **wanted)
    rows = list(find_scored(catalogue, asked, once=True))
    assert count_scored(catalogue, asked, once=True) == len(rows)
    return names(rows)


def test_a_card_says_which_of_how_many_a_photo_is_and_why(catalogue):
    found = put_groups(catalogue)
    assert found["alone.jpg"] is None
    best, blurred = found["burst1.jpg"].to_dict(), found["burst0.jpg"].to_dict()
    assert (best["kind"], best["size"], best["place"], best["rank"], best["photos"]) == (
        "burst",
        3,
        0,
        0,
        None,
    )
    assert best["reason"].startswith("higher score") and (blurred["rank"], blurred["number"]) == (
        2,
        best["number"],
    )
    # Of a sequence that is kept whole the frames stay in their order, and the card of the best stands for all of them
    bracket = [found[f"bracket{index}.jpg"].to_dict() for index in range(3)]
    assert [one["place"] for one in bracket] == [0, 1, 2] and bracket[2]["rank"] == 0
    assert {one["reason"] for one in bracket} == {"part of a bracket"}
    assert bracket[0]["photos"] == bracket[2]["photos"] and len(bracket[0]["photos"]) == 3


def test_the_best_that_matches_stands_for_its_group(catalogue):
    found = put_groups(catalogue)
    assert distinct(catalogue) == {"alone.jpg", "burst1.jpg", "bracket2.jpg"}
    assert distinct(catalogue, text="burst2") == {"burst2.jpg"}
    best = int(found["burst1.jpg"].photos[0])
    change_marks(catalogue, [best], {"pick": "rejected"})
    assert distinct(catalogue, marks="unmarked") == {"alone.jpg", "burst2.jpg", "bracket2.jpg"}
    assert distinct(catalogue, marks="rejected") == {"burst1.jpg"}


def test_groups_among_some_photos_only(catalogue):
    groups = find_groups(catalogue, Filter(model=MODEL)).groups
    ids = {frame.row.id for frame in groups[0].frames[1:]} | {groups[1].frames[0].row.id}
    [kept] = keep_members(groups, ids)
    assert [frame.row.id for frame in kept.frames] == [frame.row.id for frame in groups[0].frames[1:]]


def test_a_catalogue_that_can_only_be_read_is_grouped_too(catalogue, shoot):
    catalogue.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Catalogue(shoot.file, open_to_read(shoot.file)) as read:
        put_groups(read)
        assert distinct(read) == {"alone.jpg", "burst1.jpg", "bracket2.jpg"}
        assert read.count("PRAGMA query_only") == 1
