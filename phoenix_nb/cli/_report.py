"""``phoenix report``: reports of stored experiments, from a shell or any cron."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import print_json, say, shown_path, table
from phoenix_nb.cli._session import chosen, opened

app = typer.Typer(name="report", help="Reports of stored experiments.", no_args_is_help=True)


@app.command("run")
def run_report(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The report: comparison.")],
    experiment: Annotated[
        str, typer.Option("--experiment", metavar="ID", help="Of which experiment: an id, or latest.")
    ] = "latest",
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the report; made when missing.", file_okay=False
        ),
    ] = Path("phoenix-reports"),
    title: Annotated[
        str,
        typer.Option("--title", metavar="TEXT", help="Title of the page; the experiment's name otherwise."),
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a report again: one offline HTML file, its notebook and its data."""
    from phoenix_nb.interfaces import ReportRequest
    from phoenix_nb.lab import require_folder

    require_folder(out)
    with opened() as lab:
        request = ReportRequest(
            experiment_id=chosen(lab, experiment).id, folder=out.absolute(), notebook=name, title=title
        )
        made = lab.call(lab.services.reports.generate, request)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        say(str(made.html))


@app.command("list")
def list_reports(
    experiment: Annotated[
        str, typer.Option("--experiment", metavar="ID", help="Only those of this experiment.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """List the reports that were written, newest first."""
    with opened() as lab:
        wanted = chosen(lab, experiment).id if experiment else ""
        found = lab.call(lab.services.reports.list_reports, experiment_id=wanted)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        say("No report was written yet: phoenix report run comparison --experiment ID")
        return
    from phoenix_nb.reporting import formats as fmt

    table(
        "Reports",
        ("written", "experiment", "page", ""),
        [
            (
                fmt.timestamp(one.created_at),
                one.experiment_id,
                shown_path(one.html),
                "" if one.html.is_file() else "no longer there",
            )
            for one in found
        ],
        unbroken=(1,),
    )
