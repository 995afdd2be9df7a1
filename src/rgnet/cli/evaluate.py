"""`rgnet evaluate`: a model's exam."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or file of the model.")],
    data: Annotated[Path, typer.Argument(help="Folder with the labels of PARA.")],
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos; left out: the folder of the labels.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="test: the official 3,000; held_out: photos set aside for choosing.")
    ] = "held_out",
    engine: Annotated[str, typer.Option(help="auto, openvino or torch.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, f32 or bf16.")] = "auto",
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the model file's card.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the exam as JSON.")
    ] = None,
) -> None:
    """Score rated photos and say how well the scores agree with people.

    Example:  rgnet evaluate rgnet-compact PARA --photos PARA/imgs --split test
    """
    import rgnet
    from rgnet import datasets, modelfile
    from rgnet.cli.progress import track
    from rgnet.errors import SettingError
    from rgnet.evaluation.exam import examine

    if split not in ("test", "held_out"):
        raise SettingError(f"--split is test or held_out, not {split!r}")
    rated = datasets.load(data, photos)
    listed = getattr(rated, split)
    scorer = rgnet.load(model, engine=engine, precision=precision)
    exam = examine(
        scorer,
        listed,
        data=f"{rated.name} {split}",
        threshold=rated.threshold,
        track=lambda records: track(records, total=len(listed), description="scoring"),
    )
    typer.echo(str(exam))
    for failure in exam.failures:
        typer.echo(failure, err=True)
    if output is not None:
        output.write_text(json.dumps(exam.to_dict(), indent=2) + "\n")
    if record:
        figures = {name: round(getattr(exam, name).value, 4) for name in ("srcc", "plcc", "accuracy")}
        modelfile.record(modelfile.find(model), {f"{split}_{name}": value for name, value in figures.items()})
