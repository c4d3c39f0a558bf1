"""No comparison where equal arms were found to differ."""

from __future__ import annotations

from phoenix_nb.evidence import require_equal_arms
from phoenix_nb.interfaces import (
    Context,
    Experiment,
    ExperimentFilter,
    ExperimentState,
    ExperimentStore,
)

__all__ = ["require_calibrated_source"]

_PAGE = 100


async def require_calibrated_source(ctx: Context, store: ExperimentStore, experiment: Experiment) -> None:
    """Refuse a comparison whose source and engine failed their last A/A run, unless a reason is recorded.

    An A/A run is a completed experiment with one pipeline on both sides; another one may always start, because that is
    how the repair is proven.

    Raises:
        ConflictError: the last A/A run calls equal arms different, and the experiment gives no reason.
    """
    if _is_aa(experiment):
        return
    last = await _last_aa(ctx, store, experiment)
    if last is not None and last.results is not None:
        require_equal_arms(last.results.verdict, override_reason=experiment.config.aa_override)


async def _last_aa(ctx: Context, store: ExperimentStore, experiment: Experiment) -> Experiment | None:
    token = ""
    while True:
        page = await store.list_experiments(
            ctx,
            ExperimentFilter(states=(ExperimentState.COMPLETED,), page_size=_PAGE, page_token=token),
        )
        for one in page.experiments:
            same = (
                one.config.source == experiment.config.source
                and one.config.engine == experiment.config.engine
            )
            if same and _is_aa(one):
                return one
        token = page.next_page_token
        if not token:
            return None


def _is_aa(experiment: Experiment) -> bool:
    return experiment.baseline_pipeline == experiment.candidate_pipeline
