"""``phoenix experiment``: what this workspace holds, and the decisions on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import print_json, say, table
from phoenix_nb.cli._session import chosen, opened
from phoenix_nb.cli._verdict import show_comparison
from phoenix_nb.errors import NotFoundError

if TYPE_CHECKING:
    from phoenix_nb.interfaces import Experiment

app = typer.Typer(
    name="experiment", help="What this workspace holds, and the decisions on it.", no_args_is_help=True
)

Chosen = Annotated[str, typer.Argument(metavar="ID", help="An experiment id, or latest.")]


@app.command("list")
def list_experiments(as_json: JsonFlag = False) -> None:
    """List the experiments, newest first."""
    with opened() as lab:
        found = lab.experiments()
    if as_json:
        print_json([_line(one) for one in found])
        return
    if not found:
        say("This workspace holds no experiment yet: start one with phoenix compare")
        return
    from phoenix_nb.interfaces import ExperimentState
    from phoenix_nb.reporting import formats as fmt

    rows = []
    for one in found:
        results = one.results
        outcome = [] if results is None else [results.verdict.state.value]
        if results is None or one.state is not ExperimentState.COMPLETED:
            outcome.insert(0, one.state.value)
        if one.promoted:
            outcome.append("promoted")
        rows.append(
            (
                f"{one.name}\n{one.id}",
                "\n".join(outcome),
                fmt.MISSING if results is None else fmt.percent(results.window.points.reduction),
                one.created_at.strftime("%Y-%m-%d %H:%M"),
            )
        )
    # The id has a line of its own, so that it is whole in a terminal of 80 columns and can be copied.
    table(
        "Experiments, newest first; saved: data points in the measured window",
        ("name and id", "outcome", "saved", "created (UTC)"),
        rows,
        numeric=(2,),
        unbroken=(1, 3),
    )


def _line(one: Experiment) -> dict[str, object]:
    results = one.results
    return {
        "experiment_id": one.id,
        "name": one.name,
        "state": one.state.value,
        "state_reason": one.state_reason,
        "failure": None if one.failure is None else one.failure.model_dump(mode="json"),
        "source": one.config.source,
        "verdict": None if results is None else results.verdict.state.value,
        "decided_by": None if results is None else results.verdict.decided_by,
        "intervals": 0 if results is None else results.intervals,
        "promoted": one.promoted,
        "created_at": one.created_at.isoformat(),
    }


@app.command("show")
def show_experiment(experiment: Chosen, as_json: JsonFlag = False) -> None:
    """Show one experiment: its state, and what it measured."""
    with opened() as lab:
        one = chosen(lab, experiment)
        if as_json:
            measured = lab.experiment(one.id).to_json() if one.results is not None else None
            print_json({**_line(one), "results": measured})
            return
        names = [
            lab.call(lab.services.pipelines.get_pipeline, pipeline).name
            for pipeline in (one.baseline_pipeline, one.candidate_pipeline)
        ]
    say(f"{one.name} ({one.id})")
    say(f"{names[0]} against {names[1]} over {one.config.source}")
    promoted = " and promoted" if one.promoted else ""
    # A run that came to its end says its verdict as its reason, and that follows below.
    told = one.results is not None and one.state_reason == str(one.results.verdict)
    say(f"State: {one.state.value}{promoted}" + ("" if told else f"; {one.state_reason}"))
    if one.results is None:
        say("Nothing was measured.")
        return
    say()
    show_comparison(one, one.results, None)


@app.command("intervals")
def show_intervals(
    experiment: Chosen,
    as_json: JsonFlag = False,
) -> None:
    """Print one line per interval: CSV, or JSON with --json."""
    with opened() as lab:
        frame = lab.experiment(chosen(lab, experiment).id).intervals
    if as_json:
        import orjson

        # Fifteen digits are the most that pandas writes; ten are its default.
        records = frame.reset_index().to_json(orient="records", date_format="iso", double_precision=15)
        print_json(orjson.loads(records))
    else:
        frame.to_csv(sys.stdout)


@app.command("promote")
def promote_experiment(
    experiment: Chosen,
    override: Annotated[
        str,
        typer.Option("--override", metavar="REASON", help="Promote against the verdict; the reason is kept."),
    ] = "",
) -> None:
    """Record the candidate as what is deployed; what was deployed before is kept for a rollback."""
    with opened() as lab:
        one = chosen(lab, experiment)
        lab.experiment(one.id).promote(override=override)
        pipeline = lab.call(lab.services.pipelines.get_pipeline, one.candidate_pipeline)
    say(f"{pipeline.name} is now what is deployed on {', '.join(one.target_nodes)}.")


@app.command("rollback")
def roll_back_experiment(
    experiment: Chosen,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")
    ] = "asked for at the terminal",
) -> None:
    """Put back what was deployed before the promotion."""
    with opened() as lab:
        one = chosen(lab, experiment)
        lab.experiment(one.id).rollback(reason)
    say(f"What was deployed on {', '.join(one.target_nodes)} before {one.id} is back.")


@app.command("delete")
def delete_experiment(
    experiment: Annotated[str, typer.Argument(metavar="ID", help="An experiment id.")],
) -> None:
    """Forget an experiment and everything it measured."""
    if experiment == "latest":
        raise NotFoundError("delete takes an id, not latest", hint="phoenix experiment list shows the ids")
    with opened() as lab:
        lab.experiment(experiment).delete()
    say(f"{experiment} is gone.")
