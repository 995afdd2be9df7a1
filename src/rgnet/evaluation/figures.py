"""An exam as one picture: scores against people, calibration, kinds of photos, and the worst misses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rgnet.evaluation.evaluate import Exam
from rgnet.evaluation.predictions import Answers
from rgnet.imaging.decode import decode

INK, GREY, PAPER, BLUE = "#1a1a1a", "#9a9a9a", "#ffffff", "#2f6f9f"
TITLE = {"loc": "left", "color": INK, "fontsize": 11, "fontweight": "bold"}
THUMBNAIL = 320
KIND_LENGTH = 26


def draw(exam: Exam, answers: Answers, target: Path) -> None:
    """Write the picture as PNG."""
    kinds = [part for part in exam.slices if part.srcc and part.photos < len(answers.photos)]
    tall = max(4.2, 0.23 * len(kinds) + 1)
    figure = Figure(figsize=(14, tall + 5.6), dpi=110, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subfigures(2, 1, height_ratios=(tall, 5.2))
    figure.suptitle(headline(exam), x=0.01, ha="left", fontsize=14, color=INK)

    scatter, tenths, slices = above.subplots(1, 3, width_ratios=(1, 1, 1))
    draw_scores(scatter, exam, answers)
    draw_calibration(tenths, exam)
    draw_slices(slices, exam, kinds)
    below.suptitle("the worst misses", x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    draw_misses(below, exam, answers)
    figure.savefig(target, format="png")


def headline(exam: Exam) -> str:
    of = f"{exam.photos - len(exam.failures):,} of " if exam.failures else ""
    return (
        f"{exam.model} on {of}{exam.photos:,} photos of {exam.data} ({exam.split})     "
        f"SRCC {exam.srcc.value:.3f}   PLCC {exam.plcc.value:.3f}   accuracy {100 * exam.accuracy.value:.1f} % "
        f"(base rate {100 * exam.base_rate:.1f} %)"
    )


def draw_scores(axes: Axes, exam: Exam, answers: Answers) -> None:
    size = float(np.clip(4000 / len(answers.photos), 2, 30))
    axes.scatter(answers.score_N, answers.human_N, s=size, color=BLUE, alpha=0.35, linewidths=0)
    span = square_on_scale(axes, exam, answers)
    for line in (axes.axhline, axes.axvline):
        line(exam.threshold, color=GREY, linewidth=0.8)
    axes.set_title("every photo", **TITLE)
    axes.text(
        span[1],
        exam.threshold,
        f"{exam.threshold:g} and more is high",
        ha="right",
        va="bottom",
        color=GREY,
        fontsize=8,
    )


def draw_calibration(axes: Axes, exam: Exam) -> None:
    score = [tenth.score for tenth in exam.calibration]
    human = np.array([tenth.human.value for tenth in exam.calibration])
    reach = [
        human - [tenth.human.low for tenth in exam.calibration],
        [tenth.human.high for tenth in exam.calibration] - human,
    ]
    axes.errorbar(
        score, human, yerr=np.maximum(reach, 0), fmt="o-", color=BLUE, markersize=4, linewidth=1, capsize=2
    )
    low = min(*score, *(tenth.human.low for tenth in exam.calibration))
    high = max(*score, *(tenth.human.high for tenth in exam.calibration))
    room = 0.05 * (high - low) or 0.1
    frame(axes, (low - room, high + room))
    axes.set_title("calibration, tenths of the scores", **TITLE)


def draw_slices(axes: Axes, exam: Exam, kinds: list) -> None:
    """SRCC of every kind with its interval, and the whole list's as a line."""
    axes.axvline(exam.srcc.value, color=GREY, linewidth=0.8)
    rows = range(len(kinds))
    value = np.array([part.srcc.value for part in kinds])
    reach = [value - [part.srcc.low for part in kinds], [part.srcc.high for part in kinds] - value]
    if kinds:
        axes.errorbar(value, rows, xerr=np.maximum(reach, 0), fmt="o", color=BLUE, markersize=4, capsize=2)
    axes.set_yticks(rows, [f"{part.kind} ({part.photos:,})" for part in kinds], fontsize=8)
    axes.invert_yaxis()
    axes.set_title("SRCC by kind of photo", **TITLE)
    bare(axes)


def draw_misses(figure, exam: Exam, answers: Answers) -> None:
    paths = {photo.key: photo.path for photo in answers.photos}
    grid = figure.subplots(2, 5).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, miss in zip(grid, exam.worst, strict=False):
        image = decode(paths[miss.photo], at_least=(THUMBNAIL, THUMBNAIL)).image
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        axes.imshow(image)
        name = miss.photo if len(miss.photo) <= KIND_LENGTH else f"…{miss.photo[1 - KIND_LENGTH :]}"
        axes.set_title(f"{miss.score:.2f}, people {miss.human:.2f}\n{name}", fontsize=8, color=INK)


def square_on_scale(axes: Axes, exam: Exam, answers: Answers) -> tuple[float, float]:
    low, high = exam.scale
    span = min(low, answers.score_N.min()), max(high, answers.score_N.max())
    frame(axes, span)
    return span


def frame(axes: Axes, span: tuple[float, float]) -> None:
    """Score across, people up, one scale for both, and the line on which they agree."""
    axes.plot(span, span, color=GREY, linewidth=0.8, linestyle="--", zorder=0)
    axes.set(xlim=span, ylim=span, aspect="equal", xlabel="score", ylabel="people's mean")
    bare(axes)


def bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
