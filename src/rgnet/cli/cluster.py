"""`rgnet cluster`: very many photos, on many machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import USAGE, exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.score import counts_line
from rgnet.cli.signals import explain_interrupt, interrupted
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.cluster.worker import PartResult


@explain_interrupt("finished parts are kept in {dest}; run the same command again to resume")
def cluster(
    source: Annotated[
        str,
        typer.Argument(
            help="A list of paths or URLs (one a line), a .parquet or .csv file, a folder, or a bucket."
        ),
    ],
    dest: Annotated[str, typer.Argument(help="Folder or bucket for the rows, in parts of Parquet.")],
    column: Annotated[str, typer.Option(help="Column of the paths in a .parquet or .csv file.")] = "path",
    model: options.Model = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster.", show_default="$RAY_ADDRESS, or this machine alone"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of workers.", show_default="as many as the cluster has room for"),
    ] = None,
    cpus_per_worker: Annotated[int, typer.Option(min=1, help="CPU cores per worker.")] = 1,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="GPUs per worker, such as 1 or 0.5.")] = 0,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Photos per batch of the network.", show_default="usually 8")
    ] = None,
    part_size: Annotated[
        int | None,
        typer.Option(min=1, help="Photos per part, a multiple of --batch.", show_default="at most 4000"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Ray's own log.")] = False,
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
) -> None:
    """Score very many photos on many machines, with Ray: the rows of rgnet score, in parts of Parquet.

    Ctrl-C stops; run the same command again to do the parts that are missing. docs/cluster.md shows how to run it on a
    Ray cluster and on Kubernetes.

    Examples:
    $ rgnet cluster photos.txt scores --workers 4
    $ rgnet cluster s3://bucket/photos s3://bucket/scores --address auto
    """
    from rgnet.cli.progress import counter
    from rgnet.cli.skipping import Skipping
    from rgnet.cluster import run
    from rgnet.cluster.plan import PlanRequest, finished_parts, load_or_create
    from rgnet.cluster.store import Store
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    store, file, skipping = Store(dest), find_model(model), Skipping(exclude, include)
    request = PlanRequest(
        source=source,
        column=column,
        engine=engine,
        precision=precision,
        batch=batch,
        part_size=part_size,
        selection=skipping.selection,
    )
    plan = load_or_create(store, request, read_card(file), file)
    skipping.print()
    there = finished_parts(store, plan)
    before = sum(map(plan.size, there))
    progress = _Progress(plan.photos)
    progress.failed = run.count_failed(store, there)
    progress.scored = before - progress.failed
    pool = run.WorkerPool(
        workers=workers, cpus=cpus_per_worker, gpus=gpus_per_worker, address=address, verbose=verbose
    )
    missing = [part for part in range(plan.parts) if part not in there]
    try:
        with counter(lambda: plan.photos - before, "scoring") as advance:
            for result in run.run_parts(store, plan, missing, pool):
                advance(plan.size(result.part))
                progress.add(result)
    except KeyboardInterrupt:
        raise interrupted(f"{progress.summary()}; run the same command again to resume") from None
    progress.failures.count = progress.failed
    progress.failures.print("the rows name each")
    typer.echo(f"{progress.summary()}; rows in {dest}/part-*.parquet", err=True)
    if progress.skipped:
        typer.echo(
            f"{len(progress.skipped)} parts could not be done, the first because of {printable(progress.skipped[0])}; "
            "run the same command again to resume",
            err=True,
        )
        raise typer.Exit(USAGE)
    exit_if_failed(progress.failed)


@dataclass(slots=True)
class _Progress:
    """skipped: why each part that was not written was skipped."""

    photos: int
    scored: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    failures: FailureLog = field(default_factory=FailureLog)

    def add(self, result: PartResult) -> None:
        self.scored += result.scored
        self.failed += result.failed
        self.skipped += [result.skipped] if result.skipped else []
        for line in result.errors:
            self.failures.add_line(line)

    def summary(self) -> str:
        return counts_line(self.scored, self.failed, self.photos)
