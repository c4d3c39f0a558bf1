"""A configuration with every variable filled in."""

from __future__ import annotations

from typing import Any

import yaml

from phoenix_nb.collector import CollectorConfig
from phoenix_nb.collector.config import Node, YamlTime, expand, load_yaml, plain

__all__ = ["resolved_config"]


def resolved_config(config: CollectorConfig) -> str:
    """The YAML that the collector sees after expansion; dollars are doubled, so that it can be run again."""
    return yaml.safe_dump(
        _tree(plain(expand(load_yaml(config.text), config.environment))),
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )


def _tree(node: Node) -> Any:
    if isinstance(node, dict):
        return {key: _tree(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_tree(value) for value in node]
    if isinstance(node, YamlTime):
        return node.text
    return node.replace("$", "$$") if isinstance(node, str) else node
