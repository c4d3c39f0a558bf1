"""What the settings of the count and sum connectors have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from phoenix_nb.collector.config import ANY, TEXT, Items, Settings, Struct, quote, setting
from phoenix_nb.collector.ottl import CONTEXTS, LATEST, Condition, OttlError, compile_condition, prefixed_text

__all__ = ["AttributeSettings", "SectionSettings", "SeriesSettings", "compile_any_path"]

_CONTEXTS: Final = {"metrics": "metric", "datapoints": "datapoint"}


@dataclass(frozen=True)
class AttributeSettings(Settings):
    """An attribute that series get."""

    go_type: ClassVar[str] = "countconnector.AttributeConfig"
    key: str = setting("", TEXT)
    """Its key."""
    default_value: object = setting(None, ANY)
    """Its value where there is none; ``None`` leaves such points out."""


@dataclass(frozen=True)
class SeriesSettings(Settings):
    """One metric that is made."""

    description: str = setting("", TEXT)
    """What it says it is."""
    conditions: tuple[str, ...] = setting((), Items(TEXT))
    """Conditions of which one must hold; none = everything is taken."""
    attributes: tuple[AttributeSettings, ...] = setting((), Items(Struct(AttributeSettings)))
    """What it is split by."""

    def own_problems(self, section: str) -> Iterator[str]:
        """What is wrong with settings that only one of the connectors has."""
        del section
        return iter(())


class SectionSettings(Settings):
    """Settings with a section of metrics for each kind of telemetry."""

    sections: ClassVar[tuple[str, ...]]
    """The names of the sections, in the order in which they are checked."""
    shown: ClassVar[Mapping[str, str]] = {}
    """Sections that messages about attributes call otherwise."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        first = next(self._problems(), None)
        if first is not None:
            yield first

    def _problems(self) -> Iterator[str]:
        for section in self.sections:
            series: Mapping[str, SeriesSettings] = getattr(self, section) or {}
            for name, one in series.items():
                if not name:
                    yield f"{section}: metric name missing"
                yield from one.own_problems(section)
                yield from self._common(section, f"metric {quote(name)}", one)

    def _common(self, section: str, metric: str, one: SeriesSettings) -> Iterator[str]:
        context = _CONTEXTS.get(section)
        try:
            for text in one.conditions:
                if context is not None:
                    compile_any_path(text, context)
        except OttlError as exc:
            yield f"{section} condition: {metric}: {exc}"
        if section == "metrics" and one.attributes:
            yield f"metrics attributes not supported: {metric}"
        if any(not attribute.key for attribute in one.attributes):
            yield f"{self.shown.get(section, section)} attributes: {metric}: attribute key missing"


def compile_any_path(text: str, context: str, version: tuple[int, int, int] = LATEST) -> Condition:
    """A condition whose paths may name their context or not.

    Raises:
        OttlError: the text is not a condition of that context.
    """
    known = CONTEXTS[context]
    try:
        named = prefixed_text(text, known, statement=False)
    except OttlError:
        named = text
    return compile_condition(named, known, prefixed=True, on_points=context == "metric", version=version)
