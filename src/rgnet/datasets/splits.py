"""Splits that never tear a family of photos apart: copies, look-alikes and groups stay on one side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from rgnet.datasets.records import SIDES, named
from rgnet.errors import DataError

TEST_SHARE, HELD_OUT_SHARE, HELD_OUT_AT_MOST = 0.1, 0.1, 0.2
# The test photos do not follow the seed: a model trained with another is still examined on photos it never saw
TEST_SEED = 0

Family = list[str]
Sides = dict[str, list[str]]


def split_by_seed(families: Sequence[Family], held_out: int | None, *, seed: int) -> Sides:
    """A tenth of the photos for the test, `held_out` (a tenth) of the others to choose by, the rest to learn from."""
    total = sum(map(len, families))
    test, rest = draw(families, round(TEST_SHARE * total), seed=TEST_SEED)
    held, train = draw(rest, held_out_count(rest, held_out), seed=seed)
    return {"train": flat(train), "held_out": flat(held), "test": flat(test)}


def split_by_column(
    families: Sequence[Family], side_of: Mapping[str, str], held_out: int | None, *, seed: int
) -> tuple[Sides, dict[str, list[str]]]:
    """The sides a table names, and why -> keys of photos left out for a copy on a side that goes before.

    Test goes before held_out, and held_out before train. Where no photo is held out, some are drawn by `seed`.
    """
    kept: dict[str, list[Family]] = {side: [] for side in SIDES}
    left_out: dict[str, list[str]] = {}
    for family in families:
        first = next(side for side in reversed(SIDES) if any(side_of[key] == side for key in family))
        kept[first].append([key for key in family if side_of[key] == first])
        for key in family:
            if side_of[key] != first:
                reason = f"{side_of[key]} photos with a copy, look-alike or sibling in {first}"
                left_out.setdefault(reason, []).append(key)
    if not kept["train"]:
        raise DataError(
            "no photo is left to learn from: no row of the table says train, or each is a copy of another"
        )
    if not kept["held_out"]:
        count = held_out_count(kept["train"], held_out)
        kept["held_out"], kept["train"] = draw(kept["train"], count, seed=seed)
    return {side: flat(listed) for side, listed in kept.items()}, left_out


def held_out_count(families: Sequence[Family], wanted: int | None) -> int:
    total = sum(map(len, families))
    return round(HELD_OUT_SHARE * total) if wanted is None else min(wanted, round(HELD_OUT_AT_MOST * total))


def draw(families: Sequence[Family], count: int, *, seed: int) -> tuple[list[Family], list[Family]]:
    """(drawn, rest): whole families of at least one and at most `count` photos together, in an order by `seed`.

    Drawn by the smallest key of each family: the order of the list does not matter.
    """
    ordered = sorted((sorted(family) for family in families), key=lambda family: family[0])
    drawn, rest, taken = [], [], 0
    for index in np.random.default_rng(seed).permutation(len(ordered)):
        family = ordered[index]
        if taken + len(family) <= max(count, 1):
            drawn.append(family)
            taken += len(family)
        else:
            rest.append(family)
    if not drawn or not rest:
        raise DataError(
            f"{sum(map(len, families))} photos in {len(families)} groups of copies, look-alikes and siblings are too "
            f"few to split ({named(flat(ordered))}): rate more photos, or name the sides in a column split"
        )
    return drawn, rest


def flat(families: Collection[Family]) -> list[str]:
    return sorted(key for family in families for key in family)
