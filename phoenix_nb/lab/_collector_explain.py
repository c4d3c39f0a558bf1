"""What each step of a configuration removes from a recording."""

from __future__ import annotations

from pathlib import Path

from phoenix_nb.analysis.explain import Explanation, Fate, explain, fate_of_process, resolved_config
from phoenix_nb.errors import NotFoundError
from phoenix_nb.lab._collector_engines import parsed_config
from phoenix_nb.lab._collector_run import received
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import read_recording

__all__ = ["explain_config"]


def explain_config(
    text: str, *, source: Path, process: str | None = None, collector_version: str | None = None
) -> tuple[Explanation, Fate | None, str]:
    """Every step of a configuration, the fate of one process, and the configuration with its variables filled in.

    Args:
        text: collector YAML.
        source: the recording.
        process: executable name of a process to follow; may use ``*`` and ``?``.
        collector_version: release whose rules apply; the setting's when ``None``.

    Raises:
        ConfigError: the configuration is refused.
        NotFoundError: the recording holds no such process.
        PayloadDecodeError: a line is not an OTLP request.
        SourceError: the recording cannot be read.
    """
    config = parsed_config(text, collector_version=collector_version)
    dictionaries = Dictionaries()
    payloads = [received(frames) for frames in read_recording(source, dictionaries)]
    explanation = explain(config, dictionaries, payloads)
    fate = None
    if process is not None:
        fate = fate_of_process(config, dictionaries, payloads, process)
        if not fate.processes:
            names = sorted(
                {
                    name
                    for resource in dictionaries.resources
                    if isinstance(name := resource.attributes.get("process.executable.name"), str)
                }
            )
            shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
            raise NotFoundError(
                f"{source} holds no process {process!r}", hint=f"it has {shown}" if names else ""
            )
    return explanation, fate, resolved_config(config)
