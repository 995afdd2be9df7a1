"""`rgnet reproduce`: the paper's tables and figures on a data set of yours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.train import public


def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="table1, table2, table3, figure2, figure5, figure6, or graph.")
    ],
    data: Annotated[Path, typer.Option(help="The labels, as for rgnet train.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for finished runs, table and picture.")
    ],
    photos: options.PhotoFolder = None,
    recipe: Annotated[str, typer.Option(help="para or ava_paper.")] = "para",
    settings: options.Settings = [],  # noqa: B006 - Typer copies it
    count: Annotated[
        int | None,
        typer.Option(help="Training photos, drawn by seed; of figure2 and figure6: photos looked at."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Networks trained of each kind.")] = 3,
    weights: Annotated[
        list[str],
        typer.Option(help="Backbone weights: FILE, BACKBONE=FILE or none; left out: downloaded ImageNet's."),
    ] = [],  # noqa: B006
    only: Annotated[list[str], typer.Option(help="Only this network of the table; may be repeated.")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Photos examined: held_out or test.")] = "held_out",
    model: Annotated[
        str | None, typer.Option(help="Of figure2 and figure6: name or file; left out: the default model.")
    ] = None,
) -> None:
    """Run one of the paper's experiments on a data set and write its table, beside the paper's values, or picture.

    Goes on where it stopped: networks that are finished in the output folder are not trained again. figure2 shows
    a model's best and worst photos; figure6 what it sees as one; the others train networks and compare them.

    Example:  rgnet reproduce table1 --data PARA --photos PARA/imgs -o runs/paper --count 5000 --seeds 3
    """
    from rgnet.errors import need

    need("lightning", extra="train", purpose="training")
    from rgnet.cli.progress import track
    from rgnet.reproduce.run import Order, carry_out

    order = Order(
        experiment=experiment,
        data=data,
        photos=photos,
        recipe=recipe,
        settings=tuple(settings),
        count=count,
        seeds=seeds,
        weights=tuple(weights),
        only=tuple(only),
        split=split,
        model=model,
        command=" ".join(["rgnet", *(public(word) for word in sys.argv[1:])]),
    )
    table = carry_out(order, output, track=track, say=lambda line: typer.echo(line, err=True))
    typer.echo(table)
