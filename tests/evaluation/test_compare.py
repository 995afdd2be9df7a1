"""Two models on the same photos: the bootstrap is paired, and chance is told from difference."""

from dataclasses import replace

import numpy as np
import pytest

from rgnet.datasets.leaks import find_leaks
from rgnet.errors import DataError
from rgnet.evaluation.bootstrap import RESAMPLES, estimate
from rgnet.evaluation.compare import Candidate, compare, paired_difference
from rgnet.evaluation.metrics import srcc
from rgnet.evaluation.predictions import predict


def sheets(rated, *scorers):
    answers = [predict(scorer, rated, rated.test) for scorer in scorers]
    candidates = tuple(
        Candidate(
            scorer.card.name,
            scorer.card.short_hash,
            scorer.engine_name,
            find_leaks(scorer.card, rated, rated.test),
        )
        for scorer in scorers
    )
    return {"a": answers[0], "b": answers[1], "candidates": candidates}


def test_a_model_does_not_differ_from_itself(rated, scorer_of):
    found = compare(rated, "test", **sheets(rated, scorer_of(0.3), scorer_of(0.3)))
    for each in (found.srcc, found.plcc, found.accuracy):
        assert each.p == 1 and each.a == each.b
        assert (each.difference.value, each.difference.low, each.difference.high) == (0, 0, 0)


def test_the_better_model_wins_and_the_other_way_round_it_loses(rated, scorer_of):
    good, poor = scorer_of(), scorer_of(2.0)
    found = compare(rated, "test", **sheets(rated, good, poor))
    assert found.srcc.difference.low > 0 and found.srcc.p == pytest.approx(2 / (RESAMPLES + 1))
    back = compare(rated, "test", **sheets(rated, poor, good))
    assert back.srcc.difference.value == -found.srcc.difference.value and back.srcc.p == found.srcc.p
    assert "SRCC" in str(found) and found.photos == 40


def test_pairing_tells_apart_what_two_intervals_do_not():
    draw = np.random.default_rng(0)
    human = draw.normal(size=400)
    a = human + draw.normal(size=400)
    b = a + 0.6 * draw.normal(size=400)
    one, other = estimate(srcc, a, human), estimate(srcc, b, human)
    assert one.low < other.high
    found = paired_difference(srcc, a, b, human)
    assert found.p < 0.05 and found.difference.low > 0


def test_chance_is_rarely_called_a_difference(monkeypatch):
    from rgnet.evaluation import bootstrap, metrics

    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    draw, called = np.random.default_rng(1), 0
    for _ in range(60):
        human = draw.normal(size=80)
        a, b = human + draw.normal(size=(2, 80))
        called += paired_difference(metrics.plcc, a, b, human).p < 0.05
    assert called <= 9


def test_only_photos_that_both_models_scored_count(rated, scorer_of):
    given = sheets(rated, scorer_of(), scorer_of(1.0))
    keys = [photo.key for photo in rated.test]
    given["a"], given["b"] = given["a"].only(keys[:30]), given["b"].only(keys[5:])
    assert compare(rated, "test", **given).photos == 25
    with pytest.raises(DataError, match="0 photos were scored by both models"):
        compare(replace(rated), "test", **given | {"b": given["b"].only(())})
