"""An explanation is the network's own arithmetic, and stays where it is in the photo."""

import io
import math

import numpy as np
import pytest
from PIL import Image

import rgnet
from rgnet.engines.base import EngineStages
from rgnet.engines.registry import open_engine
from rgnet.errors import PhotoDamaged, PhotoNotFound, SettingError
from rgnet.explanation import Explanation, explain_prepared
from rgnet.imaging.prepare import prepare
from rgnet.scorer import Scorer
from rgnet.weights.file import read_model

UNDO = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
SHAPES = {"portrait": (120, 240), "landscape": (240, 120), "panorama": (480, 100), "square": (160, 160)}


@pytest.fixture(scope="module")
def scorer(tiny_model):
    return rgnet.load(tiny_model, engine="openvino", precision="f32", threads=1)


@pytest.fixture(scope="module")
def found(scorer):
    return rgnet.explain(scorer, picture(), what_if=3)


def picture(width=120, height=90, seed=0):
    draw = np.random.default_rng(seed)
    return Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height))


def stored(image, tag):
    """The upright image as a file that a camera held in another way would write."""
    exif = Image.Exif()
    exif[0x0112] = tag
    file = io.BytesIO()
    turned = image if UNDO[tag] is None else image.transpose(Image.Transpose(UNDO[tag]))
    turned.save(file, "PNG", exif=exif)
    return file.getvalue()


class Brightness:
    """An engine whose regions, 16 x 16 pixels each, vote by how bright they are."""

    name = "brightness"

    def __init__(self, r):
        self.r = r

    def run(self, pixels_BHWC):
        batch, height, width, _ = pixels_BHWC.shape
        blocks = pixels_BHWC[:, : height // 16 * 16, : width // 16 * 16].reshape(
            batch, height // 16, 16, width // 16, 16, 3
        )
        vote_BHWC = (blocks.mean(axis=(2, 4, 5)) / 255).astype(np.float32)[..., None]
        y_BC = np.log(np.exp(self.r * vote_BHWC).mean(axis=(1, 2))) / self.r
        return y_BC, vote_BHWC

    def stages(self, pixels_BHWC):
        image_BC, vote_BHWC = self.run(pixels_BHWC)
        vote_BN1 = vote_BHWC.reshape(len(vote_BHWC), -1, 1)
        return EngineStages(image_BC, vote_BHWC, vote_BHWC, vote_BN1, vote_BN1, None)


def by_brightness(file, fit):
    from dataclasses import replace

    card = replace(file.card, preprocess=replace(file.card.preprocess, fit=fit))
    return Scorer(replace(file, card=card), Brightness(card.architecture.r))


def lamp(size, *, right, bottom):
    """A dark photo with something bright in one corner, and the middle of that thing."""
    width, height = size
    wide, tall = width // 5, height // 5
    left, top = (width - wide if right else 0), (height - tall if bottom else 0)
    image = Image.new("RGB", size, (20, 20, 20))
    image.paste((250, 250, 250), (left, top, left + wide, top + tall))
    return image, (left + wide / 2, top + tall / 2)


def inside(box, point):
    left, top, right, bottom = box
    return left <= point[0] <= right and top <= point[1] <= bottom


# --- where maps lie --------------------------------------------------------------------------------------


@pytest.mark.parametrize("corner", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fit", ["squash", "keep"])
def test_what_is_bright_in_a_corner_is_found_there_however_the_camera_was_held(tiny_file, fit, shape, corner):
    image, middle = lamp(SHAPES[shape], right=corner[0], bottom=corner[1])
    scorer = by_brightness(tiny_file, fit)
    for tag in UNDO:
        found = rgnet.explain(scorer, stored(image, tag), what_if=5)
        size = {"width": found.photo.width, "height": found.photo.height}
        assert (size["width"], size["height"]) == image.size
        votes = found.regions.votes
        best = np.argwhere(votes > (votes.min() + votes.max()) / 2)
        assert any(inside(found.regions.box(*place, **size), middle) for place in best)
        bottom, right = (best.mean(axis=0) + 0.5) / found.regions.grid > 0.5
        assert (right, bottom) == corner
        row, column, effect = found.what_if.ranked()[0]
        assert (row, column) == (4 * corner[1], 4 * corner[0]) and effect > 0.1


def test_the_eight_orientations_give_one_map(scorer):
    image = picture(160, 100)
    upright = rgnet.explain(scorer, stored(image, 1))
    for tag in UNDO:
        turned = rgnet.explain(scorer, stored(image, tag))
        assert turned.photo.score == pytest.approx(upright.photo.score, abs=1e-6)
        np.testing.assert_allclose(turned.regions.votes, upright.regions.votes, atol=1e-6)
        np.testing.assert_allclose(turned.affinity_NN, upright.affinity_NN, atol=1e-6)


# --- what maps say ---------------------------------------------------------------------------------------


def test_weights_sum_to_one_and_are_the_gradient_of_the_score(found, scorer):
    torch = pytest.importorskip("torch")
    from rgnet.model.head import log_sum_exp

    vote_HW = torch.tensor((found.regions.votes - 1) / 4, dtype=torch.float64, requires_grad=True)
    score = log_sum_exp(vote_HW.reshape(1, -1, 1), r=scorer.card.architecture.r).squeeze()
    score.backward()
    assert 1 + 4 * score.item() == pytest.approx(found.photo.score, abs=1e-4)
    assert found.regions.weights.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found.regions.weights, vote_HW.grad, atol=1e-6)


def test_rows_of_s_sum_to_one_and_edges_are_its_strongest_entries(found):
    count = found.regions.votes.size
    np.testing.assert_allclose(found.affinity_NN.sum(axis=1), 1, atol=1e-5)
    index_NK, weight_NK = found.edges(5)
    assert index_NK.shape == weight_NK.shape == (count, 5)
    assert (index_NK != np.arange(count)[:, None]).all()
    assert (np.diff(weight_NK, axis=1) <= 0).all()
    np.testing.assert_array_equal(np.take_along_axis(found.affinity_NN, index_NK, axis=1), weight_NK)
    others_NN = found.affinity_NN.copy()
    np.fill_diagonal(others_NN, 0)
    np.testing.assert_allclose(np.sort(others_NN, axis=1)[:, :-6:-1], weight_NK)
    assert found.edges(10_000)[0].shape == (count, count - 1)


def test_attention_is_a_row_of_the_affinity_and_attention_received_a_column(found):
    columns = found.regions.grid[1]
    place = 2 * columns + 1
    np.testing.assert_array_equal(found.attention(2, 1).ravel(), found.affinity_NN[place])
    np.testing.assert_array_equal(found.attention_received(2, 1).ravel(), found.affinity_NN[:, place])


def test_likeness_is_the_cosine_of_features_at_each_stage(found, scorer):
    prepared = prepare(picture(), scorer.card.preprocess, scorer.policy)
    stages = scorer.engine.stages(prepared.pixels_HW3[None])
    row, column = found.best_region
    maps = found.similarity(row, column)
    assert maps.shape == (3, *found.regions.grid)
    np.testing.assert_allclose(maps[:, row, column], 1, atol=1e-5)
    features = stages.graph_BND[0].astype(np.float64)
    query = features[row * found.regions.grid[1] + column]
    cosine_N = features @ query / np.linalg.norm(features, axis=1) / np.linalg.norm(query)
    np.testing.assert_allclose(maps[2].ravel(), cosine_N, atol=1e-5)


def test_the_best_region_has_the_highest_vote_and_the_highest_weight(found):
    assert found.regions.votes[found.best_region] == found.regions.votes.max()
    assert found.regions.weights[found.best_region] == found.regions.weights.max()


def test_explaining_does_not_move_the_score(scorer, found):
    assert found.photo.score == pytest.approx(scorer.score(picture()).score, abs=1e-4)


# --- batches and failures --------------------------------------------------------------------------------


def test_a_batch_decoded_elsewhere_keeps_its_order_and_its_failures(scorer):
    sources = [picture(seed=1), picture(70, 140, seed=2), "gone.jpg", picture(seed=3)]
    prepared = []
    for source in sources:
        try:
            prepared.append(prepare(source, scorer.card.preprocess, scorer.policy))
        except PhotoNotFound as problem:
            prepared.append(problem)
    found = explain_prepared(scorer, sources, prepared)
    assert [one.photo.path if isinstance(one, Explanation) else one.path for one in found] == [
        "<image>", "<image>", "gone.jpg", "<image>",
    ]  # fmt: skip
    for source, one in zip(sources, found, strict=True):
        if isinstance(one, Explanation):
            alone = rgnet.explain(scorer, source)
            assert one.photo.score == pytest.approx(alone.photo.score, abs=1e-5)
            np.testing.assert_allclose(one.affinity_NN, alone.affinity_NN, atol=1e-5)


def test_a_photo_without_a_score_raises(scorer, tmp_path, tiny_file):
    with pytest.raises(PhotoNotFound, match="there is no such file"):
        rgnet.explain(scorer, tmp_path / "gone.jpg")

    class Broken(Brightness):
        def run(self, pixels_BHWC):
            image_BC, vote_BHWC = super().run(pixels_BHWC)
            return image_BC * math.nan, vote_BHWC

    with pytest.raises(PhotoDamaged, match="<image>: the network's output is not a number"):
        rgnet.explain(Scorer(tiny_file, Broken(4.0)), picture())


def test_what_cannot_be_asked_is_said(scorer, found, tiny_file):
    rows, columns = found.regions.grid
    with pytest.raises(SettingError) as error:
        found.similarity(rows, 0)
    assert str(error.value) == (
        f"there is no region {rows},0: rows are 0 to {rows - 1} from the top, columns 0 to {columns - 1} from the left"
    )
    with pytest.raises(SettingError, match="cells to cover: expected 1 to 64 along each side, found 65"):
        rgnet.explain(scorer, picture(), what_if=65)
    plain = rgnet.explain(by_brightness(tiny_file, "keep"), picture())
    for ask in (plain.edges, lambda: plain.attention(0, 0)):
        with pytest.raises(SettingError, match="the model tiny-score has no region graph"):
            ask()


def test_engines_explain_alike(tiny_model, found):
    pytest.importorskip("torch")
    file = read_model(tiny_model)
    other = rgnet.explain(Scorer(file, open_engine(file, "torch:cpu", precision="f32", threads=1)), picture())
    np.testing.assert_allclose(other.affinity_NN, found.affinity_NN, atol=1e-4)
    np.testing.assert_allclose(other.similarity(1, 1), found.similarity(1, 1), atol=1e-4)
