"""FiftyOne gets scores as labels, only where there are none, and the reason where there is no score.

Against a stand-in, and against FiftyOne itself where FIFTYONE_DATABASE_URI names its database:
    export FIFTYONE_DATABASE_URI=mongodb://127.0.0.1 FIFTYONE_PLUGINS_DIR=integrations
"""

import os
import sys
from types import SimpleNamespace

import fiftyone_stub
import numpy as np
import pytest
from PIL import Image

import rgnet
from rgnet.errors import MissingExtra, SettingError

REAL = bool(os.environ.get("FIFTYONE_DATABASE_URI"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fiftyone")
    for index, colour in enumerate(("teal", "tomato")):
        Image.new("RGB", (300, 200), colour).save(folder / f"{index}.jpg")
    (folder / "2.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def scorer(tiny_model):
    return rgnet.load(tiny_model)


@pytest.fixture
def dataset(folder, monkeypatch, request):
    """Three samples, the last of them damaged; of FiftyOne itself, or of the stand-in."""
    paths = sorted(map(str, folder.iterdir()))
    if REAL:
        fiftyone = pytest.importorskip("fiftyone")
        found = fiftyone.Dataset(overwrite=True, name=request.node.name)
        request.addfinalizer(found.delete)
        found.add_samples([fiftyone.Sample(filepath=path) for path in paths])
        return found
    monkeypatch.setitem(sys.modules, "fiftyone", fiftyone_stub)
    found = fiftyone_stub.Dataset("photos")
    found.add_files(paths)
    return found


def test_every_sample_gets_its_score_or_the_reason_why_it_has_none(dataset, scorer):
    seen = []
    summary = rgnet.to_fiftyone(dataset, scorer=scorer, progress=lambda *at: seen.append(at))
    assert (summary.scored, summary.failed, summary.kept) == (2, 1, 0) and seen == [(3, 3)]
    records = scorer.score(dataset.values("filepath"))
    labels = dataset.values("rgnet")
    assert [label and label.value for label in labels] == [record.score for record in records]
    assert labels[0].percentile == records[0].percentile and labels[0].model_hash == records[0].model_hash
    assert dataset.values("rgnet_error") == [None, None, records[2].error]
    assert not dataset.has_sample_field("rgnet_regions")


def test_labels_are_kept_and_a_second_call_does_the_rest(dataset, scorer):
    rgnet.to_fiftyone(dataset, "beauty", scorer=scorer)
    before = dataset.values("beauty")
    again = rgnet.to_fiftyone(dataset, "beauty", scorer=scorer)
    assert (again.scored, again.failed, again.kept) == (0, 1, 2)
    assert [label and label.value for label in dataset.values("beauty")] == [b and b.value for b in before]
    once_more = rgnet.to_fiftyone(dataset, "beauty", scorer=scorer, regions=True, overwrite=True)
    assert (once_more.scored, once_more.kept) == (2, 0)
    maps = dataset.values("beauty_regions")
    votes = scorer.score(dataset.values("filepath")[0], regions=True).regions.votes
    np.testing.assert_array_equal(maps[0].map, votes)
    assert list(maps[0].range) == [scorer.card.scale.low, scorer.card.scale.high] and maps[2] is None


def test_a_field_of_something_else_is_never_written(dataset, scorer):
    people = dict.fromkeys(dataset.values("id"), 4.0)
    dataset.set_values("rating", people, key_field="id", dynamic=True)
    with pytest.raises(SettingError, match=r"the field 'rating' holds something else.*give another field"):
        rgnet.to_fiftyone(dataset, "rating", scorer=scorer, overwrite=True)
    assert dataset.values("rating") == [4.0, 4.0, 4.0]


def test_without_fiftyone_the_message_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    with pytest.raises(MissingExtra, match=r'needs fiftyone, .*"\.\[fiftyone\]"'):
        rgnet.to_fiftyone([])


@pytest.mark.skipif(not REAL, reason="for FiftyOne itself: see the head of this file")
def test_the_operator_scores_the_selected_photos(dataset, scorer, monkeypatch):
    import fiftyone.operators as foo

    monkeypatch.setattr("rgnet.integrations.fiftyone._default_scorer", lambda: scorer)
    selected = [dataset.values("id")[1]]
    context = {"view": dataset.view(), "selected": selected, "params": {"regions": True}}
    result = foo.execute_operator("@rgnet/rgnet/score_photos", context)
    assert result.result == {"scored": 1, "failed": 0, "kept": 0}
    assert [label is not None for label in dataset.values("rgnet")] == [False, True, False]
    asked = SimpleNamespace(view=dataset.view(), selected=[], params={})
    inputs = foo.get_operator("@rgnet/rgnet/score_photos").resolve_input(asked).type
    assert "2 of 3 photos will be scored" in str(inputs.to_json())
