"""Within a group the better frame comes first, with its reason; where nothing decides, that is said."""

import numpy as np
import pytest
from shoots import blur, draw_scene, frame_at

from rgnet.culling.picks import rank_frames, weigh_frames
from rgnet.imaging.measure import TILES

SCALE = (1.0, 5.0)


def rank(score=(3.0, 3.0), sharpness=(20.0, 20.0), clipped=(0.0, 0.0), **options):
    tiles = np.stack([np.full((TILES, TILES), value, np.float32) for value in sharpness])
    return rank_frames(weigh_frames(np.array(score), tiles, np.array(clipped), scale=SCALE, **options))


@pytest.mark.parametrize(
    "given, order, reasons",
    [
        ({"score": (3.0, 3.2)}, [1, 0], ["lower score", "higher score"]),
        ({"score": (3.0, 3.04)}, [1, 0], ["too close to call", "too close to call"]),
        ({"sharpness": (10.0, 20.0)}, [1, 0], ["less sharp", "sharper"]),
        ({"clipped": (0.2, 0.0)}, [1, 0], ["highlights clipped", "highlights kept"]),
        ({"score": (3.04, 3.0), "sharpness": (10.0, 20.0)}, [1, 0], ["less sharp", "sharper"]),
        ({"score": (3.0, 3.0, 3.0)[:2]}, [0, 1], ["too close to call", "too close to call"]),
    ],
)
def test_what_decides_is_the_reason(given, order, reasons):
    found = rank(**given)
    assert (found.order, found.reasons) == (order, reasons)


def test_the_noise_of_a_score_is_a_share_of_its_scale():
    tiles, none = np.full((2, TILES, TILES), 20.0), np.zeros(2)
    merits = weigh_frames(np.array([50.0, 51.0]), tiles, none, scale=(0.0, 100.0))
    assert rank_frames(merits).reasons == ["too close to call", "too close to call"]
    merits = weigh_frames(np.array([50.0, 52.0]), tiles, none, scale=(0.0, 100.0))
    assert rank_frames(merits).reasons == ["lower score", "higher score"]


def test_the_subject_counts_where_the_model_says_where_it_is():
    tiles = np.full((2, TILES, TILES), 5.0, np.float32)
    tiles[:, 0] = 40.0
    tiles[0, 4, 4] = 30.0
    weights = np.zeros_like(tiles)
    weights[:, 4, 4] = 1.0
    merits = weigh_frames(np.array([3.0, 3.0]), tiles, np.zeros(2), scale=SCALE, weight_FTT=weights)
    assert rank_frames(merits).reasons == ["sharper", "less sharp"]


def test_the_sharp_frame_of_a_scanned_burst_is_its_best(shoot):
    scene = draw_scene(1)
    for index, radius in enumerate((1.5, 0, 1)):
        shoot.add(f"{index}.jpg", blur(frame_at(scene, 1 + 0.02 * index), radius), 10 + 0.3 * index)
    [group] = shoot.group().groups
    assert group.best is group.frames[0] and group.best.row.record.path.endswith("1.jpg")
    assert [frame.reason for frame in group.frames] == ["sharper", "less sharp", "less sharp"]
