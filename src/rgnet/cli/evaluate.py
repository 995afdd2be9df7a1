"""`rgnet evaluate`: a model's exam."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.score import FAILURES_SHOWN

if TYPE_CHECKING:
    from rgnet.evaluation.predictions import Failure


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or file of the model.")],
    data: Annotated[Path, typer.Argument(help="The labels of a data set; what they hold tells which.")],
    photos: options.PhotoFolder = None,
    split: Annotated[
        str,
        typer.Option(help="test: the data set's own test photos; held_out: those set aside for choosing."),
    ] = "held_out",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    stability: Annotated[
        bool,
        typer.Option("--stability", help="Also measure how far harmless changes of a photo move its score."),
    ] = False,
    sample: Annotated[
        int | None, typer.Option(help="Photos of the stability exam; left out: 200.", min=3)
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the model file's card.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the report: exam.json, exam.md, exam.png, exam.csv."),
    ] = None,
) -> None:
    """Score rated photos and say how well the scores agree with people.

    Example:  rgnet evaluate rgnet-compact PARA --photos PARA/imgs --split test --output exam
    """
    import rgnet
    from rgnet.atomic import check_writable
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import rated_as_taught
    from rgnet.errors import SettingError
    from rgnet.evaluation import stability as moves
    from rgnet.evaluation.evaluate import mark
    from rgnet.evaluation.metrics import scipy_stats
    from rgnet.evaluation.predictions import answer, photos_of
    from rgnet.evaluation.report import check_report, write_report
    from rgnet.weights.file import read_card, record_metrics
    from rgnet.weights.registry import find_model

    # Whatever can be refused is refused before the first photo is scored
    scipy_stats()
    if sample is not None and not stability:
        raise SettingError("--sample is how many photos the stability exam takes: add --stability")
    file = find_model(model)
    rated = rated_as_taught(read_card(file), data, photos, track=track)
    listed = photos_of(rated, split)
    if output is not None:
        check_report(output)
    if record:
        check_writable(file)
    scorer = rgnet.load(file, engine=engine, precision=precision)

    answers = answer(scorer, rated, listed, track=partial(track, total=len(listed), description="scoring"))
    shifts = ()
    if stability:
        count = min(sample or moves.SAMPLE, len(answers.photos))
        shifts = moves.stability(
            scorer,
            answers,
            sample=count,
            track=partial(track, total=count, description="stability"),
        )
    exam = mark(scorer, rated, split, answers, stability=shifts)

    typer.echo(str(exam))
    print_failures(exam.failures)
    if output is not None:
        write_report(output, exam, answers)
        typer.echo(f"report in {output}")
    if record:
        figures = {name: round(getattr(exam, name).value, 4) for name in ("srcc", "plcc", "accuracy")}
        record_metrics(file, {f"{split}_{name}": value for name, value in figures.items()})
    if exam.failures:
        raise typer.Exit(3)


def print_failures(failures: Sequence[Failure]) -> None:
    for failure in failures[:FAILURES_SHOWN]:
        typer.echo(f"not scored: {failure.error}", err=True)
    if (more := len(failures) - FAILURES_SHOWN) > 0:
        typer.echo(f"not scored: {more} more; the report of --output names each", err=True)
