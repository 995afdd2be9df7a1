"""Splits that keep families together: duplicates, near-duplicates and groups of photos are in one split."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from rgnet.datasets.records import SPLITS, shorten_list
from rgnet.errors import DataError

_TEST_SHARE, _HELD_OUT_SHARE, _HELD_OUT_AT_MOST = 0.1, 0.1, 0.2
# The test photos do not follow the seed: a model trained with another seed is still tested on photos it never saw
_TEST_SEED = 0

Family = list[str]
SplitKeys = dict[str, list[str]]


def split_by_seed(families: Sequence[Family], held_out: int | None, *, seed: int) -> SplitKeys:
    """A tenth of the photos for testing, `held_out` (a tenth) of the others for validation, the rest for training."""
    total = sum(map(len, families))
    test, rest = _draw(families, round(_TEST_SHARE * total), seed=_TEST_SEED)
    held, train = _draw(rest, _count_held_out(rest, held_out), seed=seed)
    return {"train": _flatten(train), "held_out": _flatten(held), "test": _flatten(test)}


def split_by_column(
    families: Sequence[Family], split_of: Mapping[str, str], held_out: int | None, *, seed: int
) -> tuple[SplitKeys, dict[str, list[str]]]:
    """The splits that a table names, and reason -> keys of photos excluded because of a duplicate in another split.

    Test comes before held_out, and held_out before train. Where no photo is held out, some are drawn by `seed`.
    """
    kept: dict[str, list[Family]] = {split: [] for split in SPLITS}
    excluded: dict[str, list[str]] = {}
    for family in families:
        first = next(split for split in reversed(SPLITS) if any(split_of[key] == split for key in family))
        kept[first].append([key for key in family if split_of[key] == first])
        for key in family:
            if split_of[key] != first:
                reason = f"{split_of[key]} photos with a duplicate, near-duplicate or group member in {first}"
                excluded.setdefault(reason, []).append(key)
    if not kept["train"]:
        raise DataError(
            "no training photo is left: no row of the table says train, or each is a duplicate of another"
        )
    if not kept["held_out"]:
        count = _count_held_out(kept["train"], held_out)
        kept["held_out"], kept["train"] = _draw(kept["train"], count, seed=seed)
    return {split: _flatten(families) for split, families in kept.items()}, excluded


def _count_held_out(families: Sequence[Family], wanted: int | None) -> int:
    total = sum(map(len, families))
    return round(_HELD_OUT_SHARE * total) if wanted is None else min(wanted, round(_HELD_OUT_AT_MOST * total))


def _draw(families: Sequence[Family], count: int, *, seed: int) -> tuple[list[Family], list[Family]]:
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
            f"{sum(map(len, families))} photos in {len(families)} groups of duplicates and near-duplicates are too "
            f"few to split ({shorten_list(_flatten(ordered))}): rate more photos, or name the splits in a column split"
        )
    return drawn, rest


def _flatten(families: Collection[Family]) -> list[str]:
    return sorted(key for family in families for key in family)
