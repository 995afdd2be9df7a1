"""An experiment from what the user asked for to the table on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rgnet import datasets
from rgnet.errors import SettingError, near
from rgnet.evaluation.ablation import Workplace, all_runs, drawn, write_whole
from rgnet.evaluation.comparison import as_json, as_markdown, conditions_of, rows_of
from rgnet.evaluation.variants import EXPERIMENTS, Variant
from rgnet.training.recipes import Recipe
from rgnet.training.recipes import recipe as recipe_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the user asked for, in the words of `rgnet reproduce`."""

    experiment: str
    data: Path
    photos: Path | None = None
    recipe: str = "para"
    settings: tuple[str, ...] = ()
    count: int | None = None
    seeds: int = 3
    weights: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    split: str = "held_out"
    command: str = ""


def carry_out(order: Order, folder: Path, *, track: Callable, say: Callable[[str], None]) -> str:
    """Train what is not trained yet; write NAME.json, NAME.md and, for Figure 5, NAME.png; return the Markdown."""
    if order.experiment not in EXPERIMENTS:
        raise SettingError(
            f"there is no experiment {order.experiment!r}: {near(order.experiment, EXPERIMENTS)}"
        )
    if order.split not in ("held_out", "test"):
        raise SettingError(f"--split is held_out or test, not {order.split!r}")
    experiment = EXPERIMENTS[order.experiment]
    recipe = recipe_named(order.recipe, order.settings)
    by_name, _ = weights_of(order.weights)
    variants = chosen(experiment.variants(recipe, tuple(by_name)), order.only)

    workplace = workplace_of(order, recipe, folder, track)
    for note in workplace.photos.notes:
        say(note)
    runs = all_runs(variants, order.seeds, workplace, say=say)
    rows = rows_of(experiment, variants, runs)
    report = as_json(experiment, rows, conditions_of(recipe, workplace, order.command))
    table = as_markdown(report, rows)
    write_whole(folder / f"{order.experiment}.json", json.dumps(report, indent=2))
    write_whole(folder / f"{order.experiment}.md", table)
    if any(variant.curve for variant in variants):
        from rgnet.evaluation.curves import draw_curves

        draw_curves(variants, rows, folder / f"{order.experiment}.png")
    return table


def workplace_of(order: Order, recipe: Recipe, folder: Path, track: Callable) -> Workplace:
    photos = datasets.load(order.data, order.photos, held_out=recipe.held_out, seed=recipe.seed)
    by_name, default = weights_of(order.weights)
    return Workplace(
        photos=drawn(photos, order.count, seed=recipe.seed),
        examined=order.split,
        folder=folder,
        track=track,
        weights=by_name,
        default=default,
    )


def weights_of(words: Sequence[str]) -> tuple[dict[str, bool | Path], bool | Path]:
    """(weights by backbone, weights of all others) from "none", "FILE" and "BACKBONE=FILE"."""
    by_name: dict[str, bool | Path] = {}
    default: bool | Path = True
    for word in words:
        name, equals, text = word.rpartition("=")
        value = False if text == "none" else Path(text)
        if equals:
            by_name[name] = value
        else:
            default = value
    return by_name, default


def chosen(variants: list[Variant], only: Sequence[str]) -> list[Variant]:
    names = [variant.name for variant in variants]
    for name in only:
        if name not in names:
            raise SettingError(f"--only {name!r} is not in this experiment: {near(name, names)}")
    return [variant for variant in variants if not only or variant.name in only]
