"""``phoenix optimize``: a configuration that saves what is asked, learned from a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from phoenix_nb.cli._options import Critical, JsonFlag, split_globs
from phoenix_nb.cli._output import note, print_json, table
from phoenix_nb.errors import InvalidRequestError, JsonValue

if TYPE_CHECKING:
    from phoenix_nb.interfaces import OptimizedConfig, RuleKind

__all__ = ["register"]

# Written out, because asking the interfaces for them would make every command start later.
_KINDS: Final = (
    *("drop_metric", "drop_metric_of_others", "drop_points", "add_up", "drop_processes"),
    *("delay", "top_k", "drop_attributes", "scrape_less"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("optimize")(optimize)


def optimize(
    recording: Annotated[
        Path, typer.Option("--recording", metavar="FILE", help="The recording to learn from.")
    ],
    critical: Critical = "",
    target: Annotated[
        float, typer.Option("--target", metavar="X", help="Saving in distinct series, a fraction.")
    ] = 0.6,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the configuration here.", dir_okay=False),
    ] = None,
    strategy: Annotated[
        Literal["balanced", "aggressive", "minimal", "custom"],
        typer.Option("--strategy", help="How far it goes."),
    ] = "balanced",
    rules: Annotated[
        str,
        typer.Option("--rules", metavar="KIND,…", help=f"With custom: {', '.join(_KINDS)}."),
    ] = "",
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="PIPELINE", help="What rules are added to: catalogue name or YAML file."
        ),
    ] = "process-baseline-v1",
    required: Annotated[
        str,
        typer.Option("--required", metavar="METRIC,…", help="Metrics that critical processes must keep."),
    ] = "process.cpu.time,process.memory.usage",
    group_rest: Annotated[
        bool,
        typer.Option(
            "--group-rest", help="Add up dropped processes into one group per host, so totals stay right."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Search a stock collector configuration that saves series and keeps every critical process visible."""
    from phoenix_nb.interfaces import OptimizationRequest, OptimizationStrategy
    from phoenix_nb.lab import MEMORY, Lab, pipeline_text, require_other_file, write_text

    if not 0.0 < target < 1.0:
        raise InvalidRequestError(
            f"a target of {target:g} cannot be used", hint="a fraction between 0 and 1, such as 0.6"
        )
    if out is not None:
        require_other_file(out, [recording])
    request = OptimizationRequest(
        recording=str(recording),
        critical=tuple(split_globs(critical)),
        required_metrics=tuple(split_globs(required)),
        target=target,
        strategy=OptimizationStrategy(strategy),
        rules=_kinds(rules),
        group_rest=group_rest,
        base=pipeline_text(base),
    )
    with Lab.open(MEMORY) as lab:
        found = lab.call(lab.services.configs.optimize_config, request)
    if out is not None:
        write_text(out, found.yaml)
    if as_json:
        print_json(_json(found, out))
    else:
        _show(found, out)
    for warning in found.warnings:
        note(f"warning: {warning}")


def _kinds(text: str) -> tuple[RuleKind, ...]:
    from phoenix_nb.interfaces import RuleKind

    try:
        return tuple(RuleKind(one) for one in split_globs(text))
    except ValueError as error:
        raise InvalidRequestError(str(error), hint=f"known: {', '.join(RuleKind)}") from error


def _json(found: OptimizedConfig, out: Path | None) -> dict[str, JsonValue]:
    from phoenix_nb.lab import coverage_json

    pair = found.window
    return {
        "target": found.target,
        "saving": found.saving,
        "fit_saving": found.fit_saving,
        "unseen_saving": found.unseen_saving,
        "fidelity": found.fidelity,
        "unaltered": found.unaltered,
        "window": pair.model_dump(mode="json"),
        "coverage": coverage_json(found.coverage),
        "rules": [one.model_dump(mode="json") for one in found.rules],
        "pareto": [one.model_dump(mode="json") for one in found.pareto],
        "out": None if out is None else str(out),
        "yaml": found.yaml,
        "warnings": [*found.warnings],
    }


def _show(found: OptimizedConfig, out: Path | None) -> None:
    from phoenix_nb.reporting import formats as fmt

    typer.echo(
        f"{fmt.percent(found.saving)} fewer distinct series over the recording (asked: {fmt.percent(found.target)});"
        f" {fmt.percent(found.unseen_saving)} over its second half, which the rules were not chosen on."
    )
    equal = (
        ""
        if found.unaltered is None
        else f"; {fmt.percent(found.unaltered)} of the points equal the source's"
    )
    typer.echo(f"{fmt.percent(found.fidelity)} of what the metrics add up to is still shown{equal}.")
    coverage = found.coverage
    if coverage.critical_units:
        typer.echo(
            f"Critical process lifetimes covered: {coverage.covered:,} of {coverage.critical_units:,}."
        )
    table(
        "Rules, in the order in which they were chosen",
        ("rule", "series saved", "no longer shown", "of"),
        [
            (one.text, fmt.number(one.saves_series), fmt.percent(one.loses, 2), ", ".join(one.names[:4]))
            for one in found.rules
        ],
        numeric=(1, 2),
    )
    table(
        "What else could be had",
        ("series saved", "still shown", "series by series", "with"),
        [
            (fmt.percent(one.saving), fmt.percent(one.fidelity), fmt.percent(one.unaltered), one.added)
            for one in found.pareto
        ],
        numeric=(0, 1, 2),
    )
    if out is None:
        typer.echo(found.yaml.rstrip("\n"))
    else:
        typer.echo(f"Written to {out}.")
