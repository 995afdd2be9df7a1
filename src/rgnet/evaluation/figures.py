"""An evaluation as one picture: scores against people, calibration, kinds of photos, and the worst cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from rgnet.evaluation.evaluate import Evaluation
from rgnet.evaluation.predictions import SCORED, Predictions
from rgnet.evaluation.slices import Slice
from rgnet.imaging.decode import decode

INK, GREY, PAPER, BLUE = "#1a1a1a", "#9a9a9a", "#ffffff", "#2f6f9f"
THUMBNAIL = 320
KIND_LENGTH = 26


def draw_evaluation(evaluation: Evaluation, predictions: Predictions, target: Path) -> None:
    """Write the picture as PNG."""
    kinds = [part for part in evaluation.slices if part.srcc and part.photos < len(predictions.photos)]
    tall = max(4.2, 0.23 * len(kinds) + 1)
    figure = Figure(figsize=(14, tall + 5.6), dpi=110, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(tall, 5.2))))
    figure.suptitle(_headline(evaluation), x=0.01, ha="left", fontsize=14, color=INK)

    scatter, calibration, slices = above.subplots(1, 3, width_ratios=(1, 1, 1))
    _draw_scores(scatter, evaluation, predictions)
    _draw_calibration(calibration, evaluation)
    _draw_slices(slices, evaluation, kinds)
    below.suptitle("the worst cases", x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    _draw_worst(below, evaluation, predictions)
    figure.savefig(target, format="png")


def _headline(evaluation: Evaluation) -> str:
    of = f"{evaluation.photos - len(evaluation.failures):,} of " if evaluation.failures else ""
    return (
        f"{evaluation.model} on {of}{evaluation.photos:,} photos of {evaluation.data} ({evaluation.split})     "
        f"SRCC {evaluation.srcc.value:.3f}   PLCC {evaluation.plcc.value:.3f}   "
        f"accuracy {100 * evaluation.accuracy.value:.1f} % (base rate {100 * evaluation.base_rate:.1f} %)"
    )


def _draw_scores(axes: Axes, evaluation: Evaluation, predictions: Predictions) -> None:
    size = float(np.clip(4000 / len(predictions.photos), 2, 30))
    axes.scatter(predictions.score_N, predictions.human_N, s=size, color=BLUE, alpha=0.35, linewidths=0)
    span = _frame_scale(axes, evaluation, predictions)
    for line in (axes.axhline, axes.axvline):
        line(evaluation.threshold, color=GREY, linewidth=0.8)
    axes.set_title("every photo", loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.text(
        span[1],
        evaluation.threshold,
        f"{evaluation.threshold:g} and more is high",
        ha="right",
        va="bottom",
        color=GREY,
        fontsize=8,
    )


def _draw_calibration(axes: Axes, evaluation: Evaluation) -> None:
    score = [part.score for part in evaluation.calibration]
    human = np.array([part.human.value for part in evaluation.calibration])
    reach = [
        human - [part.human.low for part in evaluation.calibration],
        [part.human.high for part in evaluation.calibration] - human,
    ]
    axes.errorbar(
        score, human, yerr=np.maximum(reach, 0), fmt="o-", color=BLUE, markersize=4, linewidth=1, capsize=2
    )
    low = min(*score, *(part.human.low for part in evaluation.calibration))
    high = max(*score, *(part.human.high for part in evaluation.calibration))
    room = 0.05 * (high - low) or 0.1
    _frame(axes, (low - room, high + room))
    axes.set_title("calibration, tenths of the scores", loc="left", color=INK, fontsize=11, fontweight="bold")


def _draw_slices(axes: Axes, evaluation: Evaluation, kinds: Sequence[Slice]) -> None:
    """SRCC of every kind with its interval, and the whole list's as a line."""
    axes.axvline(evaluation.srcc.value, color=GREY, linewidth=0.8)
    rows = range(len(kinds))
    estimates = [part.srcc for part in kinds if part.srcc]
    value = np.array([each.value for each in estimates])
    reach = [value - [each.low for each in estimates], [each.high for each in estimates] - value]
    if kinds:
        axes.errorbar(value, rows, xerr=np.maximum(reach, 0), fmt="o", color=BLUE, markersize=4, capsize=2)
    axes.set_yticks(rows, [f"{part.kind} ({part.photos:,})" for part in kinds], fontsize=8)
    axes.invert_yaxis()
    axes.set_title("SRCC by kind of photo", loc="left", color=INK, fontsize=11, fontweight="bold")
    _bare(axes)


def _draw_worst(figure: SubFigure, evaluation: Evaluation, predictions: Predictions) -> None:
    paths = {photo.key: photo.path for photo in predictions.photos}
    grid = figure.subplots(2, 5).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, case in zip(grid, evaluation.worst, strict=False):
        image = decode(paths[case.photo], at_least=(THUMBNAIL, THUMBNAIL), policy=SCORED).image
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        axes.imshow(image)
        name = case.photo if len(case.photo) <= KIND_LENGTH else f"…{case.photo[1 - KIND_LENGTH :]}"
        axes.set_title(f"{case.score:.2f}, people {case.human:.2f}\n{name}", fontsize=8, color=INK)


def _frame_scale(axes: Axes, evaluation: Evaluation, predictions: Predictions) -> tuple[float, float]:
    low, high = evaluation.scale
    span = min(low, predictions.score_N.min()), max(high, predictions.score_N.max())
    _frame(axes, span)
    return span


def _frame(axes: Axes, span: tuple[float, float]) -> None:
    """Score across, people up, one scale for both, and the line on which they agree."""
    axes.plot(span, span, color=GREY, linewidth=0.8, linestyle="--", zorder=0)
    axes.set(xlim=span, ylim=span, aspect="equal", xlabel="score", ylabel="people's mean")
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
