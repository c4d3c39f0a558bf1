"""What runs in the report's own process: papermill, then the HTML export.

A report gets a process of its own because papermill inside a running kernel blocks that kernel's loop, keeps
its working directory in process-global state, and because a notebook that hangs can then be ended without
ending anything else.

Called as ``python -m phoenix_nb.reporting._child JOB.json``. It writes its outcome to the file that the job
names and always exits with 0 when it could write it; the parent decides what an outcome means.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["main"]

_LONGEST_SOCKET = 90
"""Bytes that the name of a socket may have, its number left out; systems take 104 to 108 in all."""


def _skip_iri_grammar() -> None:
    """Keep jsonschema from building a grammar that no notebook needs.

    jsonschema imports ``rfc3987_syntax`` when it is installed, and that builds an Earley grammar for about
    one second at import: more than everything else a report does before its kernel starts. jsonschema treats
    the module as optional and suppresses the ImportError that a ``None`` entry causes; only the formats "iri"
    and "iri-reference", which the notebook schema does not use, go unchecked in this process.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _write(path: Path, text: str) -> None:
    """Write a whole file or none of it."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _failure(exc: BaseException) -> dict[str, Any]:
    """What the failing cell said, in the form the parent turns into a ReportError."""
    if type(exc).__name__ == "PapermillExecutionError":
        return {
            "kind": "cell",
            "cell": getattr(exc, "exec_count", None),
            "source": getattr(exc, "source", ""),
            "error": getattr(exc, "ename", ""),
            "message": getattr(exc, "evalue", ""),
        }
    if type(exc).__name__ == "CellTimeoutError":
        return {"kind": "timeout", "error": "CellTimeoutError", "message": str(exc).splitlines()[0]}
    return {"kind": "other", "error": type(exc).__name__, "message": str(exc)}


def _export(job: dict[str, Any]) -> None:
    import nbformat
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        config=Config(
            {
                "HTMLExporter": {
                    "template_name": "phoenix",
                    "exclude_input": True,
                    "exclude_input_prompt": True,
                    "exclude_output_prompt": True,
                    "embed_images": True,
                },
                "TagRemovePreprocessor": {
                    "enabled": True,
                    "remove_cell_tags": ["remove-cell", "parameters", "injected-parameters"],
                },
            }
        ),
        extra_template_basedirs=[job["template_root"]],
    )
    notebook = nbformat.read(job["output_notebook"], as_version=4)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(
        notebook,
        resources={"phoenix": {"title": job["title"], "lang": job["lang"], "stylesheet": job["stylesheet"]}},
    )
    _write(Path(job["output_html"]), body)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    _skip_iri_grammar()
    # nbconvert is needed only after the kernel is done; importing it meanwhile costs no wall time.
    warm = threading.Thread(target=__import__, args=("nbconvert.exporters",), daemon=True)
    import papermill
    from traitlets.config import Config

    warm.start()
    engine_options: dict[str, Any] = {"shutdown_kernel": "immediate", "store_widget_state": False}
    sockets = str(Path(job["outcome"]).with_name("k"))
    if os.name == "posix" and len(sockets.encode()) < _LONGEST_SOCKET:
        # Sockets in our own folder: no port to steal, no warning about unencrypted TCP. Without a name of their own
        # they would lie in the working directory, which is the report's folder.
        engine_options["config"] = Config({"KernelManager": {"transport": "ipc", "ip": sockets}})
    papermill.execute_notebook(
        job["notebook"],
        job["output_notebook"],
        parameters=job["parameters"],
        kernel_name=job["kernel_name"],
        cwd=job["cwd"],
        progress_bar=False,
        log_output=False,
        start_timeout=job["start_timeout"],
        execution_timeout=job["cell_timeout"],
        **engine_options,
    )
    warm.join()
    _export(job)
    return {"ok": True}


def main(arguments: list[str]) -> int:
    """Run one job file; returns the exit code."""
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        outcome = _run(job)
    except BaseException as exc:  # noqa: BLE001 - this is the border of the process: everything becomes an outcome.
        outcome = {"ok": False, **_failure(exc)}
    _write(Path(job["outcome"]), json.dumps(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
