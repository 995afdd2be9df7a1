"""`rgnet reproduce`: an experiment from the request to the table on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rgnet import datasets
from rgnet.atomic import write_text
from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto, draw_training_photos, hold_out, list_hash
from rgnet.errors import SettingError, near
from rgnet.reproduce.curves import draw_curves
from rgnet.reproduce.experiments import EXPERIMENTS, Variant
from rgnet.reproduce.forest import draw_claims
from rgnet.reproduce.runs import Workspace, run_all
from rgnet.reproduce.statistics import judge_claims, make_rows, resample_runs
from rgnet.reproduce.tables import format_markdown, make_report
from rgnet.training.recipes import Recipe
from rgnet.training.recipes import recipe as recipe_named
from rgnet.training.train import fit_to_data

# Experiments with a trained model -> default number of photos; None for all
_MODEL_FIGURES: dict[str, int | None] = {"figure2": None, "figure6": 50}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of `rgnet reproduce`."""

    experiment: str
    data: Path
    photos: Path | None = None
    recipe: str = "para"
    settings: tuple[str, ...] = ()
    count: int | None = None
    seeds: int = 3
    weights: tuple[str, ...] = ()
    fixed_backbone: bool = False
    keep_models: bool = False
    only: tuple[str, ...] = ()
    split: str = "held_out"
    model: str | None = None
    command: str = ""


def reproduce(request: Request, folder: Path, *, track: Track, say: Callable[[str], None]) -> str:
    """Train what is not trained yet; write NAME.json, NAME.md and NAME.png, which shows the claims or, for Figure 5,
    its curves (the claims are then in NAME-claims.png); return the Markdown."""
    known = [*EXPERIMENTS, *_MODEL_FIGURES]
    if request.experiment not in known:
        raise SettingError(
            f"there is no experiment {request.experiment!r}: {near(request.experiment, known)}"
        )
    if request.split not in ("held_out", "test"):
        raise SettingError(f"--split is held_out or test, not {request.split!r}")
    work = _reproduce_model_figure if request.experiment in _MODEL_FIGURES else _reproduce_experiment
    return work(request, folder, track=track, say=say)


def _reproduce_experiment(request: Request, folder: Path, *, track: Track, say: Callable[[str], None]) -> str:
    """A table or Figure 5: networks trained for it."""
    experiment = EXPERIMENTS[request.experiment]
    recipe = recipe_named(request.recipe, request.settings)
    workspace = make_workspace(request, recipe, folder, track)
    recipe = fit_to_data(recipe, workspace.rated)
    variants = _choose_variants(experiment.variants(recipe, tuple(workspace.weights)), request.only)
    for note in workspace.rated.notes:
        say(note)

    runs = run_all(variants, request.seeds, workspace, say=say)
    resampled = resample_runs(runs, workspace.human_N)
    rows = make_rows(experiment, variants, runs, resampled)
    judged = judge_claims(experiment.claims(list(runs)), runs, resampled)
    report = make_report(experiment, rows, judged, recipe, workspace, command=request.command)
    text = format_markdown(report, rows, judged)
    write_text(folder / f"{request.experiment}.json", json.dumps(report, indent=2) + "\n")
    write_text(folder / f"{request.experiment}.md", text + "\n")
    name = request.experiment
    if variants[0].curve:
        draw_curves(variants, rows, folder / f"{name}.png")
        name += "-claims"
    if judged:
        draw_claims(judged, folder / f"{name}.png")
    return text


def _reproduce_model_figure(
    request: Request, folder: Path, *, track: Track, say: Callable[[str], None]
) -> str:
    """Figure 2 or 6: of a trained model."""
    from rgnet.reproduce import model_figures

    recipe = recipe_named(request.recipe, request.settings)
    rated = datasets.load(
        request.data, request.photos, held_out=recipe.held_out, seed=recipe.seed, track=track
    )
    photos: Sequence[RatedPhoto] = rated.splits()[request.split]
    if count := request.count or _MODEL_FIGURES[request.experiment]:
        _, photos = hold_out(photos, count, seed=recipe.seed)
    conditions = {
        "data": rated.name,
        "split": request.split,
        "photos": len(photos),
        "list": list_hash(photos),
        "command": request.command,
        "date": date.today().isoformat(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    draw = {"figure2": model_figures.figure2, "figure6": model_figures.figure6}[request.experiment]
    return draw(request.model, photos, folder, track=track, conditions=conditions)


def make_workspace(request: Request, recipe: Recipe, folder: Path, track: Track) -> Workspace:
    rated = datasets.load(
        request.data, request.photos, held_out=recipe.held_out, seed=recipe.seed, track=track
    )
    weights, default = _parse_weights(request.weights)
    if request.experiment == "table2" and isinstance(default, Path):
        raise SettingError(
            f"table2 has several backbones: say whose weights these are, --weights BACKBONE={default}"
        )
    return Workspace(
        rated=draw_training_photos(rated, request.count, seed=recipe.seed),
        split=request.split,
        folder=folder,
        track=track,
        weights=weights,
        default_weights=default,
        fixed_backbone=request.fixed_backbone,
        models=folder / "models" if request.keep_models else None,
        command=request.command,
    )


def _parse_weights(words: Sequence[str]) -> tuple[dict[str, bool | Path], bool | Path]:
    """(weights by backbone, weights of all others) from "none", "FILE" and "BACKBONE=FILE"."""
    weights: dict[str, bool | Path] = {}
    for word in words:
        name, _, text = word.rpartition("=")
        weights[name] = False if text == "none" else Path(text)
    default = weights.pop("", True)
    return weights, default


def _choose_variants(variants: list[Variant], only: Sequence[str]) -> list[Variant]:
    names = [variant.name for variant in variants]
    for name in only:
        if name not in names:
            raise SettingError(f"--only {name!r} is not in this experiment: {near(name, names)}")
    return [variant for variant in variants if not only or variant.name in only]
