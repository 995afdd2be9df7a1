"""`rgnet evaluate`: a model's exam."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or file of the model.")],
    labels: Annotated[Path, typer.Option(help="Folder with PARA's labels.csv and exact_duplicates.txt.")],
    photos: Annotated[Path, typer.Option(help="Folder below which labels.csv finds its photos.")],
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

    Example:  rgnet evaluate rgnet-compact --labels para --photos para --split test
    """
    import rgnet
    from rgnet import modelfile
    from rgnet.cli.progress import track
    from rgnet.datasets import para
    from rgnet.errors import SettingError
    from rgnet.evaluation.exam import examine

    if split not in ("test", "held_out"):
        raise SettingError(f"--split is test or held_out, not {split!r}")
    rated = para.load(labels, photos)
    listed = getattr(rated, split)
    scorer = rgnet.load(model, engine=engine, precision=precision)
    exam = examine(
        scorer,
        listed,
        data=f"PARA {split}",
        threshold=3.0,
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
