"""`rgnet cluster`: very many photos, on many machines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.score import FAILURES_SHOWN
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.cluster.worker import Outcome


def cluster(
    source: Annotated[
        str,
        typer.Argument(
            help="A list of paths or URLs by lines, a .parquet or .csv of them, a folder, or a bucket."
        ),
    ],
    dest: Annotated[str, typer.Argument(help="The folder or bucket for the rows, in parts of Parquet.")],
    column: Annotated[str, typer.Option(help="Of a table: the column of the paths.")] = "path",
    model: options.Model = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster; left out: $RAY_ADDRESS, or this machine alone.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Left out: as many as there is room for.")
    ] = None,
    cpus_per_worker: Annotated[int, typer.Option(min=1, help="Processor cores of a worker.")] = 1,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="Cards of a worker, such as 1 or 0.5.")] = 0,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Photos the network sees at once; usually 8.")
    ] = None,
    part_size: Annotated[
        int | None,
        typer.Option(min=1, help="Photos in a part, a multiple of --batch; at most 4000 if left out."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Let Ray say what it does.")] = False,
) -> None:
    """Score very many photos on many machines, with Ray: the rows of `rgnet score`, in parts of Parquet.

    Ctrl-C stops, and the same command goes on with the parts that are missing. docs/cluster.md says how to run it on
    a Ray cluster and on Kubernetes.

    Example:  rgnet cluster photos.txt scores --workers 4
    """
    from rgnet.cli.progress import counter
    from rgnet.cluster import run
    from rgnet.cluster.plan import Asked, finished, planned
    from rgnet.cluster.store import Store
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    store, file = Store(dest), find_model(model)
    wanted = {"engine": engine, "precision": precision, "batch": batch, "part_size": part_size}
    plan = planned(store, Asked(source=source, column=column, **wanted), read_card(file), file)
    there = finished(store, plan)
    before = sum(map(plan.size, there))
    counts, left = Counter(failed=run.failed_before(store, there)), []
    counts["scored"] = before - counts["failed"]
    chosen = {"workers": workers, "cpus": cpus_per_worker, "gpus": gpus_per_worker}
    pool = run.Pool(**chosen, address=address, verbose=verbose)
    missing = [part for part in range(plan.parts) if part not in there]
    try:
        with counter(lambda: plan.photos - before, "scoring") as advance:
            for outcome in run.run(store, plan, missing, pool):
                advance(plan.size(outcome.part))
                tell(outcome, counts, left)
    except KeyboardInterrupt:
        typer.echo(f"stopped: {summary(counts, plan.photos)}; the same command goes on", err=True)
        raise typer.Exit(130) from None
    if (more := counts["failed"] - counts["told"]) > 0:
        typer.echo(f"not scored: {more} more; the rows name each", err=True)
    typer.echo(f"{summary(counts, plan.photos)}; rows in {dest}/part-*.parquet", err=True)
    if left:
        typer.echo(
            f"{len(left)} parts are left, the first for {printable(left[0])}; the same command goes on",
            err=True,
        )
        raise typer.Exit(2)
    if counts["failed"]:
        raise typer.Exit(3)


def tell(outcome: Outcome, counts: Counter, left: list[str]) -> None:
    """Count what came of a part, and name the first failures of all."""
    counts["scored"] += outcome.scored
    counts["failed"] += outcome.failed
    left += [outcome.left] if outcome.left else []
    for error in outcome.errors[: max(0, FAILURES_SHOWN - counts["told"])]:
        counts["told"] += 1
        typer.echo(f"not scored: {printable(error)}", err=True)


def summary(counts: Counter, photos: int) -> str:
    """As `rgnet score` says it."""
    words = [f"{counts['scored']} scored", f"{counts['failed']} failed"]
    if missing := photos - counts["scored"] - counts["failed"]:
        words.append(f"{missing} not reached")
    return f"{', '.join(words)} of {photos}"
