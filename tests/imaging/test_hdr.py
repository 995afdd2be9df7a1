"""PQ, HLG, primaries and tone mapping against the numbers of their standards."""

import numpy as np
import pytest

from rgnet.imaging.gamut import BT_2020, PRIMARIES, SRGB, luminance_weights, matrix_to_srgb
from rgnet.imaging.hdr import (
    REFERENCE_WHITE,
    compress,
    find_knee,
    find_peak,
    hlg_to_scene,
    light_to_pq,
    pq_to_light,
    scene_to_light,
    tone_map,
)


@pytest.mark.parametrize(
    ("signal", "luminance"),
    # SMPTE ST 2084's ends; ITU-R BT.2408, table 1: reference white is 58 % of the signal; 100 and 1,000 cd/m2
    [(0, 0), (0.508078421517399, 100), (0.5807, 203), (0.751827096247041, 1000), (1, 10000)],
)
def test_pq_at_the_points_of_its_standard(signal, luminance):
    assert pq_to_light(np.array(signal)) * REFERENCE_WHITE == pytest.approx(luminance, rel=1e-3)
    assert light_to_pq(np.array(luminance / REFERENCE_WHITE)) == pytest.approx(signal, abs=1e-4)


def test_hlg_at_the_points_of_its_standard():
    # ITU-R BT.2100, table 5: the two branches meet at 1/12; 18 % grey of a scene whose white is 1/12
    assert hlg_to_scene(np.array([0, 0.212132034355964, 0.5, 1])) == pytest.approx([0, 0.015, 1 / 12, 1])
    # ITU-R BT.2408, table 1: reference white is 75 % of the signal, 18 % grey 38 %, and their light
    grey_N3 = hlg_to_scene(np.array([0.75, 0.38, 1.0]))[:, None].repeat(3, axis=1)
    light_N3 = scene_to_light(grey_N3, luminance_weights(BT_2020)) * REFERENCE_WHITE
    assert light_N3[:, 0] == pytest.approx([203, 26, 1000], rel=0.01)
    assert (scene_to_light(np.zeros((1, 3)), luminance_weights(BT_2020)) == 0).all()


def test_primaries_as_the_standards_have_them():
    # ITU-R BT.2087, and the luminances of ITU-R BT.2020
    expected = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert np.abs(matrix_to_srgb(BT_2020) - expected).max() < 6e-5
    assert luminance_weights(BT_2020) == pytest.approx([0.2627, 0.678, 0.0593], abs=1e-4)
    assert luminance_weights(SRGB) == pytest.approx([0.2126, 0.7152, 0.0722], abs=1e-4)
    assert np.abs(matrix_to_srgb(SRGB) - np.eye(3)).max() < 1e-12
    # White stays white, also that of DCI-P3 and of BT.470 M, which are other ones
    for chromaticities in PRIMARIES.values():
        assert np.abs(matrix_to_srgb(chromaticities).sum(axis=1) - 1).max() < 1e-12


@pytest.mark.parametrize(
    "chromaticities",
    [
        (0,) * 8,
        (0.3127, 0.329, *(0.3, 0.3) * 3),
        (0.3127, 0.329, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3),
        (0.3127, 0.329, 1, 0, 0, 1, 0, 0),
        (0.9, 0.05, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
        (42949.67,) * 8,
        (float("nan"),) * 8,
    ],
)
def test_what_spans_no_colour_space_is_an_error(chromaticities):
    with pytest.raises(ValueError, match=r"."):
        matrix_to_srgb(chromaticities)


@pytest.mark.parametrize("peak", [1.0, 1.01, 1.5, 1000 / 203, 10000 / 203])
def test_tone_mapping_is_monotonous_and_ends_at_white(peak):
    light = np.linspace(0, 1.2 * peak, 10_001)
    mapped = compress(light, peak)
    assert (np.diff(mapped) >= -1e-9).all() and mapped[0] == 0
    assert compress(np.array([peak]), peak) == pytest.approx([1]) and mapped.max() <= 1
    below = light <= find_knee(peak)
    assert np.abs(mapped[below] - light[below]).max() < 1e-9
    # No step at the knee
    assert np.abs(np.diff(mapped)).max() < 1.01 * np.diff(light).max()


def test_where_nothing_is_brighter_than_white_nothing_changes():
    light_N3 = np.random.default_rng(0).random((1000, 3))
    assert find_peak(light_N3) == 1
    assert (tone_map(light_N3.copy(), 1.0) == light_N3).all()


def test_tone_mapping_at_a_point_computed_by_hand():
    # BT.2390-8, section 5.4, from 1,000 to 203 cd/m2: maxLum 0.77237, KS 0.65855; diffuse white becomes 0.783 of white
    assert find_knee(1000 / 203) * 203 == pytest.approx(87.8, abs=0.2)
    assert compress(np.array([1.0]), 1000 / 203) == pytest.approx([0.783], abs=0.001)


def test_highlights_keep_their_hue_and_stay_apart():
    light_N3 = np.array([[4.0, 2.0, 1.0], [1.0, 1.0, 1.0], [3.0, 3.0, 3.0], [0.2, 0.1, 0.1]])
    mapped_N3 = tone_map(light_N3.copy(), 5.0)
    assert mapped_N3[0] / mapped_N3[0, 0] == pytest.approx([1, 0.5, 0.25])
    assert mapped_N3[1, 0] < mapped_N3[2, 0] < mapped_N3[0, 0] < 1
    assert (mapped_N3[3] == light_N3[3]).all()
