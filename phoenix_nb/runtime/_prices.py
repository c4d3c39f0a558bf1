"""Price files: the dated one that is shipped, and what a user lays over it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from phoenix_nb.errors import JsonValue, SettingsError
from phoenix_nb.interfaces.cost import PriceBook

__all__ = ["default_prices", "load_prices"]


@functools.cache
def default_prices() -> PriceBook:
    """The price book that is shipped."""
    return _book(_shipped(), "the shipped price file")


def load_prices(path: str | Path | None = None) -> PriceBook:
    """The shipped prices with a user's file laid over them; without a path the shipped ones alone.

    In the file, a price model of a known name changes the given fields only; a new name needs all fields of
    its kind; ``null`` leaves a row out.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or does not describe prices; the details name the
            fields.
    """
    if path is None:
        return default_prices()
    where = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(
            f"the price file {where} cannot be read: {exc}", hint="check the path", details={"path": where}
        ) from exc
    own = _mapping(text, where)
    return _book(_merge(_shipped(), own, where), where)


def _shipped() -> dict[str, JsonValue]:
    text = resources.files("phoenix_nb.runtime").joinpath("prices.yaml").read_text(encoding="utf-8")
    return _mapping(text, "the shipped price file")


def _mapping(text: str, where: str) -> dict[str, JsonValue]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark is not None else ""
        raise SettingsError(
            f"the price file {where} is not YAML{at}", hint="check the indentation", details={"path": where}
        ) from exc
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(
            f"the price file {where} must hold a mapping",
            hint="start with 'models:'",
            details={"path": where},
        )
    return cast("dict[str, JsonValue]", value)


def _merge(base: dict[str, JsonValue], own: dict[str, JsonValue], where: str) -> dict[str, JsonValue]:
    merged: dict[str, JsonValue] = {**base, **own}
    models = dict(cast("dict[str, JsonValue]", base["models"]))
    changes = own.get("models") or {}
    if not isinstance(changes, dict):
        raise SettingsError(
            f"models in {where} must map a name to its fields",
            hint="write for example 'models: {new_relic: {price_per_gb: 0.35}}'",
            details={"path": where},
        )
    for name, fields in changes.items():
        old = models.get(name)
        if fields is None:
            models.pop(name, None)
        elif (
            isinstance(fields, dict)
            and isinstance(old, dict)
            and fields.get("kind", old["kind"]) == old["kind"]
        ):
            models[name] = {**old, **fields}
        else:
            models[name] = fields
    merged["models"] = models
    if isinstance(own.get("overhead"), dict):
        merged["overhead"] = {
            **cast("dict[str, JsonValue]", base["overhead"]),
            **cast("dict[str, JsonValue]", own["overhead"]),
        }
    return merged


def _book(tree: Mapping[str, JsonValue], where: str) -> PriceBook:
    models = tree.get("models") or {}
    rows = (
        [{"name": name, **fields} if isinstance(fields, dict) else fields for name, fields in models.items()]
        if isinstance(models, dict)
        else models
    )
    try:
        return PriceBook.model_validate({**tree, "models": rows})
    except ValidationError as exc:
        names = list(models) if isinstance(models, dict) else []
        problems = [f"{_place(error['loc'], names)}: {error['msg']}" for error in exc.errors()]
        raise SettingsError(
            f"the price file {where} cannot be used: {problems[0]}",
            hint="docs/interfaces.md lists the fields of every kind of price",
            details={"path": where, "problems": cast("list[JsonValue]", problems)},
        ) from exc


def _place(loc: tuple[int | str, ...], names: list[str]) -> str:
    """``models::new_relic::price_per_gb`` instead of positions and discriminators."""
    parts = [str(part) for part in loc]
    if len(loc) > 1 and loc[0] == "models" and isinstance(loc[1], int) and loc[1] < len(names):
        parts = ["models", names[loc[1]], *parts[3:]]
    return "::".join(parts)
