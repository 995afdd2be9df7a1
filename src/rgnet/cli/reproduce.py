"""`rgnet reproduce`: the paper's tables and figures on a data set of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import explain_interrupt


@explain_interrupt("what is finished is kept in {output}; run the same command again to resume")
def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="table1, table2, table3, figure2, figure5, figure6, or graph.")
    ],
    data: Annotated[Path, typer.Option(help="Data set, as for rgnet train.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for finished runs, table and picture.")
    ],
    photos: options.PhotoFolder = None,
    recipe: Annotated[
        str, typer.Option(help="A recipe of rgnet train, such as para, ava_paper or aadb_paper.")
    ] = "para",
    overrides: options.Overrides = [],  # noqa: B006 - Typer copies it
    count: Annotated[
        int | None,
        typer.Option(
            help="Training photos, sampled by seed; for figure2 and figure6: photos shown to the model.",
            show_default="all training photos; all for figure2, 50 for figure6",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of training seeds per network.")] = 3,
    weights: Annotated[
        list[str],
        typer.Option(
            help="Backbone weights: FILE, BACKBONE=FILE or none; may be repeated.",
            show_default="downloaded ImageNet weights",
        ),
    ] = [],  # noqa: B006
    fixed_backbone: Annotated[
        bool,
        typer.Option(
            "--fixed-backbone",
            help="Keep the backbone's pretrained weights and train the rest on its features: faster, no augmentation.",
        ),
    ] = False,
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Also write each network as a model file, OUTPUT/models/RUN.safetensors."
        ),
    ] = False,
    only: Annotated[
        list[str], typer.Option(help="Train only this network of the table; may be repeated.")
    ] = [],  # noqa: B006
    split: options.Split = "held_out",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="For figure2 and figure6: model name or file.",
            show_default="the model that comes with rgnet",
        ),
    ] = None,
) -> None:
    """Run one of the paper's experiments on a data set; write its table next to the paper's values, or its picture.

    Run the same command again to resume: networks that are finished in the output folder are not trained again.
    figure2 shows a model's best and worst photos; figure6 shows which regions it considers similar; the others train
    networks and compare them.

    Examples:
    $ rgnet reproduce table1 --data PARA --photos PARA/imgs -o runs/table1
    $ rgnet reproduce figure6 --data PARA --photos PARA/imgs -o runs/figure6
    """
    from rgnet.cli.command_line import shareable_command
    from rgnet.cli.progress import track
    from rgnet.errors import need

    need("lightning", extra="train", purpose="training")
    from rgnet.reproduce.run import Request
    from rgnet.reproduce.run import reproduce as run

    request = Request(
        experiment=experiment,
        data=data,
        photos=photos,
        recipe=recipe,
        settings=tuple(overrides),
        count=count,
        seeds=seeds,
        weights=tuple(weights),
        fixed_backbone=fixed_backbone,
        keep_models=keep_models,
        only=tuple(only),
        split=split,
        model=model,
        command=shareable_command(),
    )
    table = run(request, output, track=track, say=lambda line: typer.echo(line, err=True))
    typer.echo(table)
