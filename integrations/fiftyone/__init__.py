"""An operator for FiftyOne's App: scores the photos of a dataset, of the view or of the selection."""

import fiftyone.operators as foo
import fiftyone.operators.types as types
import rgnet
from rgnet.integrations.fiftyone import unscored

FIELD = "rgnet"


class ScorePhotos(foo.Operator):
    @property
    def config(self):
        return foo.OperatorConfig(
            name="score_photos",
            label="rgnet: score photos",
            description="How beautiful each photo is, into a field; labels that are there are kept",
            dynamic=True,
            allow_delegated_execution=True,
        )

    def resolve_input(self, ctx):
        """Says how many photos would be scored before anything is written."""
        inputs = types.Object()
        inputs.str("field", label="Field", default=FIELD)
        inputs.bool("regions", label="Also a map of the regions' votes", default=False)
        inputs.bool("overwrite", label="Score photos again that have a score", default=False)
        found = choose_samples(ctx)
        field = ctx.params.get("field") or FIELD
        waiting = found if ctx.params.get("overwrite") else unscored(found, field)
        notice = types.Notice(label=f"{len(waiting)} of {len(found)} photos will be scored")
        inputs.view("notice", notice)
        return types.Property(inputs, view=types.View(label="Score photos with rgnet"))

    def execute(self, ctx):
        summary = rgnet.to_fiftyone(
            choose_samples(ctx),
            ctx.params.get("field") or FIELD,
            regions=ctx.params.get("regions", False),
            overwrite=ctx.params.get("overwrite", False),
            progress=lambda done, total: ctx.set_progress(done / total, label=f"{done} of {total} photos"),
        )
        ctx.trigger("reload_dataset")
        return summary._asdict()

    def resolve_output(self, ctx):
        outputs = types.Object()
        outputs.int("scored", label="Scored")
        outputs.int("failed", label="Could not be scored: see the field of errors")
        outputs.int("kept", label="Had a score already")
        return types.Property(outputs)


def choose_samples(ctx):
    """The samples that are selected, else those of the view."""
    return ctx.view.select(ctx.selected) if ctx.selected else ctx.view


def register(plugin):
    plugin.register(ScorePhotos)
