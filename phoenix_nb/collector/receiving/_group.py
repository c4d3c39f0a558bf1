"""The receivers of configurations that are fed from one tap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from phoenix_nb.collector.components import BuildError, ProcessMatch, name_matcher
from phoenix_nb.collector.config import format_duration
from phoenix_nb.collector.receiving._asked import (
    DEFAULT_PROCESS_METRICS,
    PROCESS_ATTRIBUTES,
    ReceiverAsks,
)
from phoenix_nb.collector.receiving._holdings import SourceHoldings
from phoenix_nb.collector.receiving._narrowing import Narrowing
from phoenix_nb.errors import ConfigError

__all__ = ["ReceiverGroup"]

_MOST_NAMES: Final = 6
_LONGEST: Final = 4
"""Periods of the slowest receiver that an interval of analysis may take, to hold whole scrapes of all of them."""


class ReceiverGroup:
    """What each of some receivers leaves out of payloads that hold what all of them together need.

    A metric or attribute that no configuration names is a matter of the source: it stays as it is, for everybody. As
    soon as one of them names it, each receiver does with it what its own settings (and defaults) say. The shortest
    collection interval is the source's period; a longer one leaves out scrapes in proportion.

    Args:
        asks: per name, such as ``baseline``, what its receiver asks for; ``None`` where there is no such receiver.

    Raises:
        ConfigError: a rule for names that the collector refuses.
    """

    def __init__(self, asks: Mapping[str, ReceiverAsks | None]) -> None:
        self.asks = dict(asks)
        """Per name what its receiver asks for."""
        for one in self._all:
            for role, match in (("include", one.include), ("exclude", one.exclude)):
                try:
                    name_matcher(role, match)
                except BuildError as exc:
                    path = f"{one.path}::scrapers::process::{role}"
                    raise ConfigError(
                        f"{path}: {exc}",
                        hint="match_type is strict or regexp; patterns are RE2 expressions",
                        details={"path": path},
                    ) from exc

    @property
    def _all(self) -> Sequence[ReceiverAsks]:
        return [one for one in self.asks.values() if one is not None]

    # -- what is left out ------------------------------------------------------------------------------------

    def narrowing(self, name: str) -> Narrowing:
        """What the receiver of this name leaves out."""
        own = self.asks[name]
        if own is None:
            return Narrowing()
        scrapers = frozenset(scraper for one in self._all for scraper in one.scrapers) - own.scrapers
        said = {metric for one in self._all for metric in one.metrics}
        if "process" in scrapers:
            said |= DEFAULT_PROCESS_METRICS
        return Narrowing(
            metrics=frozenset(metric for metric in said if not own.metric_on(metric)),
            scrapers=scrapers,
            attributes=frozenset(
                key for one in self._all for key in one.attributes if not own.attribute_on(key)
            ),
            include=own.include,
            exclude=own.exclude,
            delay=own.delay,
            ratio=self._ratio(own),
        )

    def _ratio(self, own: ReceiverAsks) -> Fraction:
        return Fraction(own.interval, min(one.interval for one in self._all))

    @property
    def span(self) -> int:
        """Scrapes of the source in one interval of analysis: every receiver has the same number of its own in each."""
        ratios = [self._ratio(one) for one in self._all]
        if not ratios:
            return 1
        slowest = math.ceil(max(ratios))
        whole = math.lcm(*(ratio.numerator for ratio in ratios))
        return whole if whole <= _LONGEST * slowest else slowest

    # -- what people are told --------------------------------------------------------------------------------

    def applied(self) -> tuple[str, ...]:
        """What is left out of the source's payloads, one sentence per receiver and kind of rule."""
        return tuple(text for name in self.asks for text in self._applied(name))

    def _applied(self, name: str) -> list[str]:
        own, rules = self.asks[name], self.narrowing(name)
        if own is None or rules.keeps_all:
            return []
        who = _capital(f"{_whose(name)} {own.receiver} receiver")
        made = []
        if rules.metrics:
            made.append(f"{who} does not collect {_listed(rules.metrics)}.")
        if rules.scrapers:
            made.append(f"{who} does not have the scrapers {_listed(rules.scrapers)}.")
        if rules.attributes:
            made.append(f"{who} does not set {_listed(rules.attributes)}.")
        if rules.include.names:
            made.append(f"{who} collects only processes {_named(rules.include)}.")
        if rules.exclude.names:
            made.append(f"{who} leaves out processes {_named(rules.exclude)}.")
        if rules.delay:
            made.append(f"{who} leaves out processes younger than {format_duration(rules.delay)}.")
        if rules.ratio > 1:
            fastest = min(one.interval for one in self._all)
            made.append(
                f"{who} scrapes every {format_duration(own.interval)} where the faster one scrapes every"
                f" {format_duration(fastest)}: it gets {rules.ratio.denominator} of {rules.ratio.numerator} payloads,"
                f" and an interval of analysis spans {self.span} of them."
            )
        return made

    def warnings(self, holdings: SourceHoldings) -> tuple[str, ...]:
        """What receivers ask for and the source does not have: it is measured for nobody, so it is no saving.

        Args:
            holdings: what the source has given so far.
        """
        said = {metric for one in self._all for metric in one.metrics}
        wanted = {metric: self._who(metric) for metric in sorted(said - holdings.metrics)}
        made = [
            f"The source has no {metric}, which {who} for: it is measured for nobody and is no part of any saving."
            for metric, who in wanted.items()
            if who
        ]
        keys = {key for one in self._all for key in one.attributes}
        for key in sorted(keys - holdings.attributes):
            askers = [name for name, one in self.asks.items() if one is not None and one.attribute_on(key)]
            if askers and key in PROCESS_ATTRIBUTES:
                made.append(
                    f"The source has no resource attribute {key}, which {_askers(askers)} for: bytes and series are"
                    " those without it."
                )
        others = {scraper for one in self._all for scraper in one.scrapers} - {"process"} - holdings.scrapers
        for scraper in sorted(others):
            askers = [name for name, one in self.asks.items() if one is not None and scraper in one.scrapers]
            made.append(
                f"The source has no metrics of the {scraper} scraper, which {_askers(askers)} for: they are measured"
                " for nobody and are no part of any saving."
            )
        for name, one in self.asks.items():
            if one is None:
                continue
            who = _whose(name)
            if (one.include.names or one.exclude.names) and holdings.nameless:
                made.append(
                    f"{holdings.nameless:,} processes of the source have no executable name: {who} include and"
                    " exclude rules cannot be applied to them, so they are kept."
                )
            if one.delay and holdings.timeless:
                made.append(
                    f"Points of the source have no start time: {who} scrape_process_delay cannot be applied to them,"
                    " so they are kept."
                )
        return tuple(made)

    def overstated(self, holdings: SourceHoldings, baseline: str, candidate: str) -> tuple[str, ...]:
        """What only the candidate asks for and the source does not have: without it the saving looks larger than it is.

        Args:
            holdings: what the source has given so far.
            baseline: name of the one receiver.
            candidate: name of the other.
        """
        first, second = self.asks[baseline], self.asks[candidate]
        if first is None or second is None:
            return ()
        metrics = {
            metric
            for metric in {*first.metrics, *second.metrics} - holdings.metrics
            if second.metric_on(metric) and not first.metric_on(metric)
        }
        scrapers = second.scrapers - first.scrapers - holdings.scrapers
        return (*sorted(metrics), *(f"the {scraper} scraper" for scraper in sorted(scrapers)))

    def refused_reads(self, denied: Mapping[str, int]) -> tuple[str, ...]:
        """What the collectors would log at every scrape about reads that the host refused, muted kinds left out.

        Args:
            denied: per kind (``exe``, ``io``, ``name``, ``user``, ``cgroup``) how many processes refused it.
        """
        made = []
        for kind, count in sorted(denied.items()):
            names = [name for name, one in self.asks.items() if one is not None and not one.is_muted(kind)]
            if count and names:
                whose = " and ".join(map(_whose, names))
                made.append(
                    f"{count:,} processes refused to tell their {kind}: {whose} collector would log it at every"
                    f" scrape, unless mute_process_{kind}_error is set."
                )
        return tuple(made)

    def _who(self, metric: str) -> str:
        askers = [name for name, one in self.asks.items() if one is not None and one.metric_on(metric)]
        return _askers(askers) if askers else ""


def _askers(names: Sequence[str]) -> str:
    return f"{' and '.join(map(_the, names))} {'asks' if len(names) == 1 else 'ask'}"


def _the(name: str) -> str:
    """A name in a sentence: ``the baseline``, but ``A``; ``the receiver`` where there is only one."""
    if not name:
        return "the receiver"
    return f"the {name}" if name.islower() else name


def _whose(name: str) -> str:
    return f"{_the(name)}'s" if name else "the"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _named(match: ProcessMatch) -> str:
    names = ", ".join(match.names[:_MOST_NAMES])
    more = f" and {len(match.names) - _MOST_NAMES:,} more" if len(match.names) > _MOST_NAMES else ""
    verb = "whose name matches" if match.match_type == "regexp" else "named"
    return f"{verb} {names}{more}"
