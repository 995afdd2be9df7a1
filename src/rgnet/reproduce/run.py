"""An experiment from what the user asked for to the table on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rgnet import datasets
from rgnet.atomic import write_text
from rgnet.datasets.records import hold_out, list_hash
from rgnet.errors import SettingError, near
from rgnet.reproduce.curves import draw_curves
from rgnet.reproduce.experiments import EXPERIMENTS, Variant
from rgnet.reproduce.runs import Workplace, all_runs, drawn
from rgnet.reproduce.statistics import rows_of
from rgnet.reproduce.tables import as_markdown, report_of
from rgnet.training.recipes import Recipe
from rgnet.training.recipes import recipe as recipe_named
from rgnet.training.train import fit_to_data

# Experiments that look at a finished model, and at how many photos unless told; None for all
LOOKS: dict[str, int | None] = {"figure2": None, "figure6": 50}


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
    model: str | None = None
    command: str = ""


def carry_out(order: Order, folder: Path, *, track: Callable, say: Callable[[str], None]) -> str:
    """Train what is not trained yet; write NAME.json, NAME.md and, for Figure 5, NAME.png; return the Markdown."""
    known = [*EXPERIMENTS, *LOOKS]
    if order.experiment not in known:
        raise SettingError(f"there is no experiment {order.experiment!r}: {near(order.experiment, known)}")
    if order.split not in ("held_out", "test"):
        raise SettingError(f"--split is held_out or test, not {order.split!r}")
    work = looked_at if order.experiment in LOOKS else trained
    return work(order, folder, track=track, say=say)


def trained(order: Order, folder: Path, *, track: Callable, say: Callable[[str], None]) -> str:
    """A table or Figure 5: networks trained for it."""
    experiment = EXPERIMENTS[order.experiment]
    recipe = recipe_named(order.recipe, order.settings)
    workplace = workplace_of(order, recipe, folder, track)
    recipe = fit_to_data(recipe, workplace.photos)
    variants = chosen(experiment.variants(recipe, tuple(workplace.weights)), order.only)
    for note in workplace.photos.notes:
        say(note)

    runs = all_runs(variants, order.seeds, workplace, say=say)
    rows = rows_of(experiment, variants, runs, workplace.human_N)
    report = report_of(experiment, rows, recipe, workplace, command=order.command)
    text = as_markdown(report, rows)
    write_text(folder / f"{order.experiment}.json", json.dumps(report, indent=2) + "\n")
    write_text(folder / f"{order.experiment}.md", text + "\n")
    if variants[0].curve:
        draw_curves(variants, rows, folder / f"{order.experiment}.png")
    return text


def looked_at(order: Order, folder: Path, *, track: Callable, say: Callable[[str], None]) -> str:
    """Figure 2 or 6: a finished model, looked at."""
    from rgnet.reproduce import model_figures as looks

    recipe = recipe_named(order.recipe, order.settings)
    rated = datasets.load(order.data, order.photos, held_out=recipe.held_out, seed=recipe.seed, track=track)
    photos = getattr(rated, order.split)
    if count := order.count or LOOKS[order.experiment]:
        _, photos = hold_out(photos, count, seed=recipe.seed)
    conditions = {
        "data": rated.name,
        "split": order.split,
        "photos": len(photos),
        "list": list_hash(photos),
        "command": order.command,
        "date": date.today().isoformat(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    draw = getattr(looks, order.experiment)
    return draw(order.model, photos, folder, track=track, conditions=conditions)


def workplace_of(order: Order, recipe: Recipe, folder: Path, track: Callable) -> Workplace:
    photos = datasets.load(order.data, order.photos, held_out=recipe.held_out, seed=recipe.seed, track=track)
    weights, default = weights_of(order.weights)
    if order.experiment == "table2" and isinstance(default, Path):
        raise SettingError(f"table2 has several backbones: say whose weights, --weights BACKBONE={default}")
    return Workplace(
        photos=drawn(photos, order.count, seed=recipe.seed),
        examined=order.split,
        folder=folder,
        track=track,
        weights=weights,
        default=default,
    )


def weights_of(words: Sequence[str]) -> tuple[dict[str, bool | Path], bool | Path]:
    """(weights by backbone, weights of all others) from "none", "FILE" and "BACKBONE=FILE"."""
    weights: dict[str, bool | Path] = {}
    for word in words:
        name, _, text = word.rpartition("=")
        weights[name] = False if text == "none" else Path(text)
    default = weights.pop("", True)
    return weights, default


def chosen(variants: list[Variant], only: Sequence[str]) -> list[Variant]:
    names = [variant.name for variant in variants]
    for name in only:
        if name not in names:
            raise SettingError(f"--only {name!r} is not in this experiment: {near(name, names)}")
    return [variant for variant in variants if not only or variant.name in only]
