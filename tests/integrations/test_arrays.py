"""Other programs get a photo exactly as the model sees it, and no photo in the place of another."""

import pickle

import numpy as np
import pytest
from PIL import Image

import rgnet
from rgnet.errors import PhotoError
from rgnet.integrations.arrays import PhotoTransform


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    noise = np.random.default_rng(0).integers(0, 255, (300, 200, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.fromarray(noise).save(folder / "a.jpg", exif=exif)
    (folder / "b.jpg").write_bytes(b"no photo")
    return [folder / "a.jpg", folder / "b.jpg"]


def test_a_transformed_photo_is_what_the_scorer_feeds_its_network(photos, tiny_model):
    scorer, transform = rgnet.load(tiny_model), pickle.loads(pickle.dumps(PhotoTransform(tiny_model)))
    array_3HW = transform(photos[0])
    card = scorer.card.preprocess
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (card.mean, card.std))
    pixels_3HW = scorer.prepare(photos[0]).pixels_HW3.transpose(2, 0, 1)
    assert array_3HW.dtype == np.float32 and array_3HW.shape == pixels_3HW.shape
    np.testing.assert_allclose(array_3HW, (pixels_3HW / 255 - mean) / std, atol=1e-5)
    with pytest.raises(PhotoError, match=r"b\.jpg"):
        transform(photos[1])


def test_a_photo_that_cannot_be_decoded_keeps_its_place_in_a_batch(photos):
    torch = pytest.importorskip("torch", reason="needs torch")
    from rgnet.integrations.pytorch import PhotoDataset

    dataset = PhotoDataset([photos[1], photos[0]])
    (batch,) = torch.utils.data.DataLoader(dataset, batch_size=2)
    assert list(batch.path) == [str(photos[1]), str(photos[0])]
    assert batch.error[0] and not batch.error[1]
    assert batch.pixels_3HW[0].isnan().all() and not batch.pixels_3HW[1].isnan().any()
    assert torch.equal(batch.pixels_3HW[1], torch.from_numpy(dataset.transform(photos[0])))
