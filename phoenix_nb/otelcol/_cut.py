"""Taking sections out of a YAML text without touching any other byte of it."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from phoenix_nb.collector.config import Node, YamlError, load_yaml

__all__ = ["cut_sections"]

Path = tuple[str, ...]


def cut_sections(text: str, paths: Sequence[Path]) -> str:
    """The text without the keys at some paths.

    The rest stays byte for byte, with its comments, references and spellings, so that the collector reads from it what
    it would have read before. Where that is not possible (flow style at the top, anchors that are used elsewhere) the
    text comes back as it is.

    Args:
        text: YAML that can be read.
        paths: keys from the top, for example ``("service", "telemetry")``.
    """
    lines = text.splitlines(keepends=True)
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    spans = [span for path in paths if (span := _span(root, path, len(lines))) is not None]
    kept = [
        line for number, line in enumerate(lines) if not any(start <= number < stop for start, stop in spans)
    ]
    made = "".join(kept)
    try:
        same = load_yaml(made) == _without(load_yaml(text), paths)
    except YamlError:
        return text
    return made if same else text


def _span(node: yaml.Node | None, path: Path, end: int) -> tuple[int, int] | None:
    """The lines of a key and its value."""
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return None
    keys = [key for key, _ in node.value]
    for number, (key, value) in enumerate(node.value):
        following = keys[number + 1].start_mark.line if number + 1 < len(keys) else end
        if key.value == path[0]:
            if len(path) > 1:
                return _span(value, path[1:], min(following, value.end_mark.line or following))
            return key.start_mark.line, following
    return None


def _without(node: Node, paths: Sequence[Path]) -> Node:
    if not isinstance(node, dict):
        return node
    made: dict[str, Node] = {}
    for key, value in node.items():
        deeper = [path[1:] for path in paths if path[0] == key]
        if () not in deeper:
            made[key] = _without(value, deeper) if deeper else value
    return made
