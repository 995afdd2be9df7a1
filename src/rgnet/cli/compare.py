"""`rgnet compare`: two models on the same photos."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.evaluate import print_failures


def compare(
    a: Annotated[str, typer.Argument(help="Name or file of the one model.")],
    b: Annotated[str, typer.Argument(help="Name or file of the other.")],
    data: Annotated[Path, typer.Argument(help="The labels of a data set; what they hold tells which.")],
    photos: options.PhotoFolder = None,
    split: Annotated[
        str,
        typer.Option(
            help="test: the data set's own test photos; held_out: those that A's training set aside."
        ),
    ] = "held_out",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the figures as JSON.")
    ] = None,
) -> None:
    """Say whether two models differ on the same photos by more than chance (paired bootstrap).

    Example:  rgnet compare mine.safetensors rgnet-compact PARA --photos PARA/imgs --split test
    """
    import rgnet
    from rgnet.atomic import check_writable, replacing
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import rated_as_taught
    from rgnet.evaluation import compare as comparing
    from rgnet.evaluation.metrics import scipy_stats
    from rgnet.evaluation.predictions import answer, photos_of
    from rgnet.evaluation.report import write_json
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    scipy_stats()
    files = [find_model(model) for model in (a, b)]
    taught = [rated_as_taught(read_card(file), data, photos, track=track) for file in files]
    rated = taught[0]
    listed = photos_of(rated, split)
    if output is not None:
        check_writable(output)

    sheets, candidates = [], []
    for letter, file, own in zip("AB", files, taught, strict=True):
        scorer = rgnet.load(file, engine=engine, precision=precision)
        watch = partial(track, total=len(listed), description=f"scoring with {letter}")
        sheets.append(answer(scorer, rated, listed, track=watch))
        candidates.append(comparing.candidate(scorer, own, listed))
    found = comparing.compare(rated, split, a=sheets[0], b=sheets[1], candidates=tuple(candidates))

    typer.echo(str(found))
    print_failures(found.failures)
    if output is not None:
        with replacing(output) as path:
            write_json(path, found.to_dict())
    if found.failures:
        raise typer.Exit(3)
