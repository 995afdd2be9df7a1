"""Intervals over seeds and over photos are those of textbooks."""

import numpy as np
import pytest

from rgnet.evaluation.bootstrap import estimate, resample
from rgnet.evaluation.metrics import srcc
from rgnet.reproduce.claims import Claim
from rgnet.reproduce.runs import Run
from rgnet.reproduce.statistics import (
    Difference,
    Judged,
    difference,
    judge_claims,
    resample_runs,
    spread,
    welch,
)
from rgnet.reproduce.tables import format_difference, format_spread


def run(key, scores, human):
    return Run(key=key, seed=0, figures={"srcc": srcc(np.array(scores), human)}, scores=tuple(scores))


def test_the_t_interval_of_a_mean():
    found = spread([1.0, 2.0, 3.0])
    assert (found.mean, found.sd) == (2.0, 1.0)
    assert found.interval == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert spread([0.5]).interval is None and format_spread(spread([0.5])) == "0.5000"


def test_welchs_interval_on_equal_variances_is_students():
    half = 2.776445 * (2 / 3) ** 0.5
    assert welch([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]) == pytest.approx((1 - half, 1 + half))
    assert welch([1.0], [1.0, 2.0]) is None and welch([1.0, 1.0], [1.0, 1.0]) is None


def test_redrawn_photos_give_the_interval_of_the_exam():
    draw = np.random.default_rng(1)
    human_N = draw.integers(0, 20, 200) / 4.0
    one = run("one", (human_N + draw.normal(size=200)).round(1).tolist(), human_N)
    low, high = np.quantile(resample(srcc, np.array(one.scores), human_N), [0.025, 0.975])
    exam = estimate(srcc, np.array(one.scores), human_N)
    assert (low, high) == pytest.approx((exam.low, exam.high), abs=1e-9)


def test_a_better_network_is_told_from_a_worse_one_and_not_from_itself():
    draw = np.random.default_rng(0)
    human_N = draw.normal(size=300)
    good, bad = (run(name, (human_N + noise * draw.normal(size=300)).tolist(), human_N) for name, noise in
                 (("good", 0.3), ("bad", 2.0)))  # fmt: skip
    redrawn = {one.key: resample(srcc, np.array(one.scores), human_N) for one in (good, bad)}
    found = difference([good], [bad], redrawn)
    assert found.seeds is None and 0 < found.photos[0] < found.mean < found.photos[1]
    assert difference([good], [good], redrawn).photos == (0, 0)
    assert format_difference(found)[0].startswith("+0.") and format_difference(found)[1].startswith("[+0.")


def test_a_claim_holds_only_where_neither_interval_holds_zero():
    claim = Claim("it helps", "good", "bad")
    verdicts = {
        ((0.1, 0.3), (0.1, 0.2)): "holds", (None, (0.1, 0.2)): "holds", ((-0.1, 0.3), (0.1, 0.2)): "not shown",
        ((-0.3, -0.1), (-0.1, 0.1)): "not shown", ((-0.3, -0.1), (-0.2, -0.1)): "reversed",
    }  # fmt: skip
    for (seeds, photos), verdict in verdicts.items():
        assert Judged(claim, Difference(0.1, seeds, photos)).verdict == verdict

    draw = np.random.default_rng(0)
    human_N = draw.normal(size=300)
    runs = {
        name: [
            run(f"{name}{seed}", (human_N + noise * draw.normal(size=300)).tolist(), human_N)
            for seed in range(3)
        ]
        for name, noise in (("good", 0.3), ("bad", 2.0))
    }
    claims = [claim, Claim("the reverse", "bad", "good"), Claim("not trained", "good", "none")]
    judged = judge_claims(claims, runs, resample_runs(runs, human_N))
    assert [one.verdict for one in judged] == ["holds", "reversed"]
