"""`rgnet evaluate`: how well a model agrees with people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt
from rgnet.cli.tables import print_json

if TYPE_CHECKING:
    from rgnet.evaluation.predictions import Failure
    from rgnet.scorer import Scorer


@explain_interrupt(NOTHING_KEPT)
def evaluate(
    model: options.ModelArgument,
    data: options.Labels,
    photos: options.PhotoFolder = None,
    split: options.Split = "held_out",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    stability: Annotated[
        bool,
        typer.Option("--stability", help="Also measure how much harmless changes of a photo move its score."),
    ] = False,
    inside: Annotated[
        bool,
        typer.Option(
            "--inside",
            help="Also measure whether maps judge regions, the graph is used and composition counts.",
        ),
    ] = False,
    groups: Annotated[
        bool,
        typer.Option(
            "--groups",
            help="LABELS is a table with a column group: measure the order within groups of look-alikes.",
        ),
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(help="Number of photos for --stability and --inside.", min=3, show_default="200"),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the metrics into the model file's card.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the report: evaluation.json, .md, .png and .csv."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Score rated photos and measure how well the scores agree with people.

    Examples:
    $ rgnet evaluate rgnet-compact PARA --photos PARA/imgs --split test -o report
    $ rgnet evaluate rgnet-compact --groups bursts.csv --photos bursts
    """
    import rgnet
    from rgnet.atomic import check_writable
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import load_as_trained
    from rgnet.errors import SettingError
    from rgnet.evaluation.evaluate import evaluate_predictions
    from rgnet.evaluation.inside import look_inside
    from rgnet.evaluation.metrics import require_scipy_stats
    from rgnet.evaluation.predictions import SAMPLE, photos_of_split, predict
    from rgnet.evaluation.report import check_report, write_report
    from rgnet.evaluation.stability import measure_stability
    from rgnet.weights.file import read_card, read_model, record_metrics
    from rgnet.weights.registry import find_model

    # Whatever can be refused is refused before the first photo is scored
    require_scipy_stats()
    if sample is not None and not (stability or inside):
        raise SettingError("--sample is the number of photos for --stability and --inside: add one of them")
    file = find_model(model)
    if groups:
        if stability or inside or record or output is not None:
            raise SettingError("--groups prints its own figures: use it without the options of other reports")
        _evaluate_groups(rgnet.load(file, engine=engine, precision=precision), data, photos, as_json=as_json)
        return
    rated = load_as_trained(read_card(file), data, photos, track=track)
    chosen = photos_of_split(rated, split)
    if output is not None:
        check_report(output)
    if record:
        check_writable(file)
    scorer = rgnet.load(file, engine=engine, precision=precision)

    def watch(description: str, total: int) -> partial[Any]:
        return partial(track, total=total, description=description)

    predictions = predict(scorer, rated, chosen, track=watch("scoring", len(chosen)))
    count = min(sample or SAMPLE, len(predictions.photos))
    found = evaluate_predictions(
        scorer,
        rated,
        split,
        predictions,
        stability=measure_stability(scorer, predictions, sample=count, track=watch("stability", count))
        if stability
        else (),
        inside=look_inside(scorer, read_model(file), predictions, sample=count, track=watch("inside", count))
        if inside
        else None,
    )

    print_json(found.to_dict()) if as_json else typer.echo(str(found))
    if output is not None:
        write_report(output, found, predictions)
        typer.echo(f"wrote the report to {output}", err=True)
    if record:
        record_metrics(file, found.card_metrics())
    print_failures(found.failures)
    exit_if_failed(found.failures)


def _evaluate_groups(scorer: Scorer, table: Path, photos: Path | None, *, as_json: bool) -> None:
    from rgnet.cli.progress import track
    from rgnet.datasets.custom import load_groups
    from rgnet.evaluation.groups import evaluate_groups

    rated = load_groups(table, photos or table.parent)
    total = sum(map(len, rated))
    watch = partial(track, total=total, description="scoring")
    found = evaluate_groups(scorer, table.name, rated, track=watch)
    print_json(found.to_dict()) if as_json else typer.echo(str(found))
    print_failures(found.failures)
    exit_if_failed(found.failures)


def print_failures(failures: Sequence[Failure]) -> None:
    log = FailureLog()
    for failure in failures:
        log.add(failure.photo, failure.error)
    log.print("the report of --output names each")
