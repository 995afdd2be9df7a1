"""Order within groups: pairs that people rate differently, with intervals over groups, a person's agreement beside."""

import csv
import json

import numpy as np
import pytest

from rgnet.cli import main
from rgnet.datasets.custom import load_groups
from rgnet.errors import DataError
from rgnet.evaluation.groups import HUMAN_AGREEMENT, count_pairs, evaluate_groups


def write_table(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "group", "score"), *rows])
    return path


@pytest.fixture
def table(rated, tmp_path):
    """Twenty groups of three; of the first group nobody can tell the best."""
    photos = rated.all_photos()
    rows = [
        (photo.path, f"g{index // 3}", 3 if index < 3 else photo.mean) for index, photo in enumerate(photos)
    ]
    return write_table(tmp_path / "groups.csv", [*rows, (photos[0].path.with_name("alone.png"), "x", 2)])


def test_a_scorer_that_sees_what_people_see_orders_every_pair(table, scorer_of, few_draws):
    found = evaluate_groups(scorer_of(), table.name, load_groups(table, table.parent))
    assert (found.groups, found.pairs, found.photos) == (19, 57, 57)
    assert found.score_accuracy.value == found.best_found.value == 1
    assert found.best_by_chance == pytest.approx(1 / 3)
    assert found.human_agreement == HUMAN_AGREEMENT


def test_equal_values_count_as_half_and_pairs_rated_alike_do_not_count():
    human = np.array([1.0, 2.0, 2.0])
    assert count_pairs(np.array([0.0, 1.0, 2.0]), human) == (2, 2)
    assert count_pairs(np.array([5.0, 5.0, 4.0]), human) == (2, 0.5)


def test_a_table_without_groups_is_refused_with_what_it_lacks(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("path,score\na.jpg,1\nb.jpg,2\n")
    with pytest.raises(DataError, match="has no column group"):
        load_groups(table, tmp_path)
    with pytest.raises(DataError, match="none of its 2 groups has two rated photos"):
        load_groups(write_table(table, [("a.jpg", "1", 2), ("b.jpg", "2", 3)]), tmp_path)


def test_the_command_prints_the_figures(table, tiny_model, few_draws, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["rgnet", "evaluate", str(tiny_model), "--groups", str(table), "--json"])
    with pytest.raises(SystemExit) as exit:
        main()
    found = json.loads(capsys.readouterr().out)
    assert exit.value.code == 0 and found["pairs"] == 57
    assert 0 <= found["score_accuracy"]["low"] <= found["score_accuracy"]["value"] <= 1
