"""`rgnet compare`: two models on the same photos."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.evaluate import print_failures
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt
from rgnet.cli.tables import print_json


@explain_interrupt(NOTHING_KEPT)
def compare(
    a: Annotated[str, typer.Argument(help="Name or file of one model.")],
    b: Annotated[str, typer.Argument(help="Name or file of the other model.")],
    data: options.Labels,
    photos: options.PhotoFolder = None,
    split: options.Split = "held_out",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the metrics to a .json file.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Test whether two models differ on the same photos by more than chance (paired bootstrap).

    With --split held_out, the photos are those that A's training set aside.

    Examples:
    $ rgnet compare mine.safetensors rgnet-compact PARA --photos PARA/imgs
    """
    import rgnet
    from rgnet.atomic import check_writable, replacing
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import load_as_trained
    from rgnet.evaluation import compare as comparing
    from rgnet.evaluation.metrics import require_scipy_stats
    from rgnet.evaluation.predictions import photos_of_split, predict
    from rgnet.evaluation.report import write_json
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    require_scipy_stats()
    files = [find_model(model) for model in (a, b)]
    rated, other = (load_as_trained(read_card(file), data, photos, track=track) for file in files)
    chosen = photos_of_split(rated, split)
    if output is not None:
        check_writable(output)

    predictions, candidates = [], []
    for letter, file, own in zip("AB", files, (rated, other), strict=True):
        scorer = rgnet.load(file, engine=engine, precision=precision)
        watch = partial(track, total=len(chosen), description=f"scoring with {letter}")
        predictions.append(predict(scorer, rated, chosen, track=watch))
        candidates.append(comparing.describe_candidate(scorer, own, chosen))
    found = comparing.compare(
        rated, split, a=predictions[0], b=predictions[1], candidates=(candidates[0], candidates[1])
    )

    print_json(found.to_dict()) if as_json else typer.echo(str(found))
    if output is not None:
        with replacing(output) as path:
            write_json(path, found.to_dict())
    print_failures(found.failures)
    exit_if_failed(found.failures)
