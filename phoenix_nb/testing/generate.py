"""Write what is generated from the code: ``docs/interfaces.md``, ``docs/components.md`` and the JSON Schemas.

``python -m phoenix_nb.testing.generate`` writes, ``--check`` only tells what is out of date, ``--release`` also
writes the released signatures.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
import sys
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic.json_schema import models_json_schema
from pydantic_core import PydanticUndefined

import phoenix_nb.interfaces as interfaces
from phoenix_nb import errors
from phoenix_nb.interfaces import Event, Value, events
from phoenix_nb.otlp import contracts as frame_contracts
from phoenix_nb.runtime import write_atomically
from phoenix_nb.testing.components_page import components_page
from phoenix_nb.testing.signatures import shape, type_text, write_shape

__all__ = ["COMMAND", "generated_files", "interfaces_page", "main", "schemas"]

COMMAND = "python -m phoenix_nb.testing.generate"
"""What brings generated files up to date."""
_ROOT = Path(interfaces.__file__).parents[2]
_DOMAINS = (
    "experiment",
    "evidence",
    "plan",
    "pipeline",
    "optimization",
    "monitoring",
    "cost",
    "simulation",
    "events",
    "registry",
    "reporting",
    "stores",
)


def _modules() -> dict[str, ModuleType]:
    return {name: importlib.import_module(f"phoenix_nb.interfaces.{name}") for name in _DOMAINS}


def _exported(module: ModuleType) -> list[type[Any]]:
    found = [getattr(module, name) for name in module.__all__]
    return [one for one in found if isinstance(one, type)]


def _protocols(module: ModuleType) -> list[type[Any]]:
    return [one for one in _exported(module) if getattr(one, "_is_protocol", False)]


def _values(module: ModuleType) -> list[type[Value]]:
    return [one for one in _exported(module) if issubclass(one, Value)]


def schemas() -> dict[str, str]:
    """File name to text of one JSON Schema per domain, with all its values under ``$defs``."""
    files = {}
    for name, module in _modules().items():
        models = _values(module)
        if not models:
            continue
        _, tree = models_json_schema([(model, "validation") for model in models])
        tree = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"phoenix_nb.interfaces.{name}",
            "description": _summary(module),
            **tree,
        }
        files[f"{name}.json"] = json.dumps(tree, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return files


def interfaces_page() -> str:
    """The text of ``docs/interfaces.md``."""
    modules = _modules()
    parts = [_page("introduction"), _contents(modules), _page("calling"), _errors()]
    for name, module in (*modules.items(), ("frames", frame_contracts)):
        parts.append(f"## {name.capitalize()}\n\n{_summary(module)}\n")
        parts += [_protocol(one) for one in _protocols(module)]
        if name == "events":
            parts.append(_events())
        parts += [_value(one) for one in _values(module) if not issubclass(one, events._Data)]  # noqa: SLF001
        parts += [_choices(one) for one in _exported(module) if issubclass(one, StrEnum)]
    parts += [_page("evolution"), _page("dropped")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _page(name: str) -> str:
    """A part that people write."""
    return resources.files("phoenix_nb.testing").joinpath("pages", f"{name}.md").read_text(encoding="utf-8")


def _summary(item: Any) -> str:
    return (inspect.getdoc(item) or "").partition("\n\n")[0].replace("\n", " ")


def _contents(modules: dict[str, ModuleType]) -> str:
    lines = ["| interface | what it is for | methods |", "|---|---|---|"]
    for module in (*modules.values(), frame_contracts):
        for one in _protocols(module):
            names = ", ".join(f"`{name}`" for name, _ in _methods(one))
            lines.append(
                f"| [`{one.__name__}`](#{one.__name__.lower()}) | {_cell(_summary(one))} | {names} |"
            )
    return "\n".join([*lines, ""])


def _methods(protocol: type[Any]) -> list[tuple[str, Any]]:
    """In the order of the source, which tells a story."""
    return [
        (name, member)
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]


def _errors() -> str:
    lines = ["## Errors", "", "| error | code | also a | when |", "|---|---|---|---|"]
    for name in errors.__all__:
        kind = getattr(errors, name)
        if not (isinstance(kind, type) and issubclass(kind, errors.PhoenixError)):
            continue
        parents = ", ".join(f"`{base.__name__}`" for base in kind.__bases__ if base is not Exception)
        lines.append(f"| `{name}` | `{kind.code}` | {parents} | {_cell(_summary(kind))} |")
    return "\n".join([*lines, ""])


def _protocol(protocol: type[Any]) -> str:
    parts = [f"### {protocol.__name__}", "", _prose(inspect.getdoc(protocol) or ""), ""]
    for name, member in _methods(protocol):
        star = "async " if inspect.iscoroutinefunction(member) else ""
        signature = (
            str(inspect.signature(member)).replace("(self, ", "(").replace("(self)", "()").replace("'", "")
        )
        parts += [f"#### `{star}{name}{signature}`", "", _prose(inspect.getdoc(member) or ""), ""]
    return "\n".join(parts)


def _value(model: type[Value]) -> str:
    lines = [f"### {model.__name__}", "", _prose(inspect.getdoc(model) or ""), ""]
    if model.model_fields:
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        lines.append(
            f"| `{name}` | `{_cell(type_text(field.annotation))}` | {_default(field)} "
            f"| {_cell(field.description or '')} |"
        )
    return "\n".join([*lines, ""])


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or isinstance(field.default, Value) or field.default == ():
        return "empty" if not isinstance(field.default, Value) else f"`{type(field.default).__name__}()`"
    if field.default is PydanticUndefined:
        return ""
    if isinstance(field.default, tuple):
        return ", ".join(
            f"`{type(one).__name__}`" if isinstance(one, Value) else f"`{one}`" for one in field.default
        )
    return f"`{json.dumps(field.default)}`" if isinstance(field.default, str) else f"`{field.default}`"


def _choices(kind: type[StrEnum]) -> str:
    values = ", ".join(f"`{member.value}`" for member in kind)
    return f"### {kind.__name__}\n\n{_summary(kind)}\n\nOne of {values}.\n"


def _events() -> str:
    lines = [
        "### Event types",
        "",
        f"The `data` of an [`{Event.__name__}`](#event), told apart by `type`; all carry `schema_version`.",
        "",
        "| type | payload | fields | when |",
        "|---|---|---|---|",
    ]
    for model in _values(events):
        if not issubclass(model, events._Data):  # noqa: SLF001
            continue
        fields = ", ".join(
            f"`{name}`" for name in model.model_fields if name not in {"type", "schema_version"}
        )
        kind = model.model_fields["type"].default
        lines.append(f"| `{kind}` | `{model.__name__}` | {fields} | {_cell(_summary(model))} |")
    return "\n".join([*lines, ""])


def _prose(text: str) -> str:
    """Docstring to markdown: roles become code, the Raises section becomes a list."""
    text = re.sub(r":(?:class|meth|func|data|attr):`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    head, mark, tail = text.partition("Raises:\n")
    if not mark:
        return text
    raised = re.sub(r"\n\s{8,}", " ", tail)
    items = [re.sub(r"^\s*(\w+): ", r"- `\1`: ", line) for line in raised.splitlines() if line.strip()]
    return f"{head.rstrip()}\n\nRaises:\n\n" + "\n".join(items)


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|").replace("\n", " ")


def generated_files() -> dict[Path, str]:
    """Path to text of everything that is generated."""
    folder = _ROOT / "phoenix_nb" / "interfaces" / "schemas"
    files = {folder / name: text for name, text in schemas().items()}
    files[_ROOT / "docs" / "interfaces.md"] = interfaces_page()
    files[_ROOT / "docs" / "components.md"] = components_page()
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or tell which ones are out of date; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Write docs/interfaces.md, docs/components.md and the JSON Schemas."
    )
    parser.add_argument("--check", action="store_true", help="only tell what is out of date")
    parser.add_argument("--release", action="store_true", help="also write the released signatures")
    options = parser.parse_args(arguments)
    files = generated_files()
    if options.release:
        path = _ROOT / "phoenix_nb" / "interfaces" / "signatures.json"
        files[path] = write_shape(shape(interfaces, frame_contracts))
    stale = [
        path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        sys.stdout.write(f"{'out of date' if options.check else 'written'}: {path.relative_to(_ROOT)}\n")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, files[path])
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
