"""An explanation leaves as a picture whose panels keep the photo's shape, or as numbers that say the same."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import rgnet
from rgnet.errors import SettingError
from rgnet.explanation import STAGES
from rgnet.outputs import figures
from rgnet.outputs.colormaps import diverging
from rgnet.outputs.layout import arrange
from rgnet.outputs.maps import write_json, write_npz
from rgnet.outputs.overlay import EDGES, arc_bend, draw_edges, draw_map, label_cells
from rgnet.what_if import WhatIf

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
SIZES = {"landscape": (160, 100), "portrait": (100, 160), "panorama": (480, 80), "column": (60, 420)}


@pytest.fixture(scope="module")
def scorer(tiny_model):
    return rgnet.load(tiny_model, engine="openvino", precision="f32", threads=1)


@pytest.fixture(scope="module")
def found(scorer):
    return rgnet.explain(scorer, Image.fromarray(PIXELS).resize((160, 100)), what_if=3)


@pytest.fixture
def axes():
    return Figure().add_axes((0, 0, 1, 1))


# --- numbers ---------------------------------------------------------------------------------------------


def test_json_and_npz_say_the_same(found, tmp_path):
    write_json(found, tmp_path / "a.json", region=(1, 2))
    write_npz(found, tmp_path / "a.npz", region=(1, 2))
    record = json.loads((tmp_path / "a.json").read_text())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as maps:
        assert record["score"] == maps["score"] == found.photo.score
        assert [record["width"], record["height"]] == maps["size"].tolist() == [160, 100]
        assert record["regions"]["grid"] == list(maps["votes_HW"].shape)
        np.testing.assert_allclose(record["regions"]["votes"], maps["votes_HW"])
        np.testing.assert_allclose(record["regions"]["weights"], maps["weights_HW"])
        np.testing.assert_allclose(record["what_if"]["effect"], maps["effect_RC"])
        place = maps["votes_HW"].shape[1] + 2
        np.testing.assert_allclose(np.ravel(record["region"]["attention"]), maps["affinity_NN"][place])
        np.testing.assert_allclose(
            np.ravel(record["region"]["attention_received"]), maps["affinity_NN"][:, place]
        )
        similar = [record["region"]["similarity"][stage] for stage in STAGES]
        np.testing.assert_allclose(similar, maps["similarity_SHW"])


# --- pictures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", figures.PANELS)
@pytest.mark.parametrize("shape", SIZES)
def test_every_map_of_every_shape_is_drawn_in_the_photos_own_proportions(
    scorer, tmp_path, monkeypatch, shape, what
):
    photo = Image.fromarray(PIXELS).resize(SIZES[shape])
    found = rgnet.explain(scorer, photo, what_if=3 if what == "what-if" else None)
    shown = watched(monkeypatch)
    figures.draw(found, photo, tmp_path / "a.png", what=what, region=(0, 0), scale=scorer.card.scale)
    with Image.open(tmp_path / "a.png") as sheet:
        sheet.load()
        assert np.asarray(sheet.convert("L")).std() > 5
    assert len(shown) == (4 if what == "stages" else 2)
    for axes in shown:
        box = axes.get_window_extent()
        assert box.width / box.height == pytest.approx(photo.width / photo.height, rel=0.01)
        assert axes.get_xlim() == (0, photo.width) and axes.get_ylim() == (photo.height, 0)


def test_a_network_without_a_graph_has_no_map_behind_one(scorer, found, tmp_path, monkeypatch):
    plain = replace(found, affinity_NN=None)
    shown = watched(monkeypatch)
    photo = Image.fromarray(PIXELS)
    figures.draw(plain, photo, tmp_path / "a.png", what="stages", region=(0, 0), scale=scorer.card.scale)
    assert len(shown) == 3
    with pytest.raises(SettingError, match="has no region graph"):
        figures.draw(plain, photo, tmp_path / "b.png", what="graph", region=(0, 0), scale=scorer.card.scale)
    write_json(plain, tmp_path / "a.json", region=(0, 0))
    assert json.loads((tmp_path / "a.json").read_text())["region"]["attention"] is None


def watched(monkeypatch):
    """The axes that panels are painted into."""
    shown, init = [], figures.Panel.__init__

    def watching(panel, title, draw, legend=None):
        init(panel, title, lambda axes: (shown.append(axes), draw(axes))[1], legend)

    monkeypatch.setattr(figures.Panel, "__init__", watching)
    return shown


def test_colours_of_a_map_lie_where_its_values_do(axes):
    photo = Image.new("RGB", (200, 100), "grey")
    values = np.zeros((2, 4))
    values[0, 3] = 1
    shade = draw_map(axes, photo=photo, values=values, span=(0, 1), smooth=False)
    assert shade.get_extent() == [0, 200, 100, 0]
    alpha = shade.get_alpha()
    assert alpha[0, 3] == alpha.max() > alpha[1, 0] == alpha.min()


def test_nothing_and_everything_between_keep_apart_what_lifts_from_what_distracts(axes):
    photo = Image.new("RGB", (20, 10), "grey")
    shade = draw_map(axes, photo=photo, values=np.array([[-2.0, 0.0, 2.0]]), span=(-2, 2), opacity=(0.1, 0.9))
    np.testing.assert_allclose(shade.get_alpha(), [[0.9, 0.1, 0.9]])


def test_the_strongest_edges_join_the_right_places(axes):
    weight_HW = np.zeros((4, 5))
    weight_HW[0, 0], weight_HW[3, 4], weight_HW[1, 1], weight_HW[2, 3] = 0.5, 0.3, 0.19, 0.009
    draw_edges(axes, (100, 80), weight_HW, (1, 1), inward=True)
    arrows = [patch for patch in axes.patches if hasattr(patch, "get_arrowstyle")]
    starts = [arrow._posA_posB[0] for arrow in arrows]
    assert starts == [(10, 10), (90, 70)]
    assert all(arrow._posA_posB[1] == (30, 30) for arrow in arrows)
    assert arrows[0].get_linewidth() > arrows[1].get_linewidth()


def test_no_more_edges_than_can_be_told_apart(axes):
    draw_edges(axes, (100, 80), np.full((4, 5), 0.05), (0, 0), inward=False)
    assert len([patch for patch in axes.patches if hasattr(patch, "get_arrowstyle")]) == EDGES


@pytest.mark.parametrize(
    "ends", [((5, 5), (95, 10)), ((95, 90), (5, 95)), ((5, 5), (8, 95)), ((95, 5), (92, 95))]
)
def test_edges_along_a_border_bend_into_the_photo(axes, ends):
    """The middle of the arc, as matplotlib draws it, is nearer to the photo's middle than the straight line's."""
    from matplotlib.patches import ConnectionStyle

    axes.set(xlim=(0, 100), ylim=(100, 0))
    ends_px = axes.transData.transform(ends)
    style = ConnectionStyle("arc3", rad=arc_bend(*ends, (100, 100)))
    control = axes.transData.inverted().transform(style(*ends_px, shrinkA=0, shrinkB=0).vertices[1])
    assert np.hypot(*(control - 50)) < np.hypot(*(np.mean(ends, axis=0) - 50))


def test_only_what_lifts_and_what_distracts_is_named(axes):
    effect_RC = np.array([[0.2, 0.1, 0.0, 0.0], [0.0, 0.0, 0.0, -0.3]], dtype=np.float32)
    label_cells(axes, (80, 40), WhatIf(effect_RC))
    named = {(text.get_text(), *text.get_position()) for text in axes.texts}
    assert named == {("+0.20", 10, 10), ("+0.10", 30, 10), ("\N{MINUS SIGN}0.30", 70, 30)}


def test_panels_stand_side_by_side_unless_the_photo_is_wide():
    assert arrange(1.5, 2).columns == 2 and arrange(0.6, 4).columns == 4
    assert arrange(1.5, 4).columns == 2 and arrange(4, 2).columns == 1


# --- colours ---------------------------------------------------------------------------------------------


def test_steps_of_the_two_armed_colours_look_even_and_both_arms_alike():
    lab_N3 = oklab(diverging().colors)
    steps = np.linalg.norm(np.diff(lab_N3, axis=0), axis=1)
    for arm in (steps[:127], steps[127:]):
        assert arm.max() / arm.min() < 1.1
    lightness = lab_N3[:, 0]
    assert lightness.argmax() == 127
    np.testing.assert_allclose(lightness, lightness[::-1], atol=0.01)


def oklab(rgb_N3):
    """By the matrices that Ottosson prints for the way from sRGB, not by inverting our own."""
    rgb_N3 = np.asarray(rgb_N3)[:, :3]
    linear = np.where(rgb_N3 <= 0.04045, rgb_N3 / 12.92, ((rgb_N3 + 0.055) / 1.055) ** 2.4)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(linear @ np.transpose(to_lms)) @ np.transpose(to_lab)
