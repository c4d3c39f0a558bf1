"""The host is scraped once for all receivers: each finds in it exactly what it would have collected by itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.collector import parse_config
from phoenix_nb.collector.receiving import Narrower, ReceiverGroup, receiver_asks
from phoenix_nb.errors import ConfigError
from phoenix_nb.otlp import Dictionaries, encode_json
from phoenix_nb.sources import HostScraper, HostScraperSettings, tap_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the /proc reader needs Linux")

TEXT = """
receivers:
  hostmetrics:
    root_path: {root}
    scrapers:
      {scraper}: {settings}
exporters: {{nop: }}
service: {{pipelines: {{metrics: {{receivers: [hostmetrics], exporters: [nop]}}}}}}
"""
FILES = ("stat", "statm", "status", "io", "cmdline", "comm", "cgroup")
VERSION = "0.159.0"


def asks_of(settings: str = "{}", *, root: str = "/", scraper: str = "process") -> Any:
    return receiver_asks(parse_config(TEXT.format(settings=settings, root=root, scraper=scraper)))


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Path]:
    """A root whose ``/proc`` stands still: copies of three real processes' files."""
    program = shutil.which("sleep")
    assert program is not None
    running = []
    for name in ("alpha", "beta", "gamma"):
        shutil.copy(Path(program).resolve(), tmp_path / name)
        running.append(subprocess.Popen([str(tmp_path / name), "300"]))
    try:
        time.sleep(0.05)
        root = tmp_path / "root"
        for process in running:
            folder = root / "proc" / str(process.pid)
            (folder / "fd").mkdir(parents=True)
            for file in FILES:
                (folder / file).write_bytes(Path(f"/proc/{process.pid}/{file}").read_bytes())
            (folder / "exe").symlink_to(Path(f"/proc/{process.pid}/exe").readlink())
        for file in ("stat", "meminfo"):
            (root / "proc" / file).write_bytes(Path(f"/proc/{file}").read_bytes())
        yield root
    finally:
        for process in running:
            process.kill()
            process.wait()


def scraped(known: Dictionaries, settings: HostScraperSettings, now: int) -> Any:
    scraper = HostScraper(known, settings, lambda: now)
    try:
        return scraper.scrape()
    finally:
        scraper.close()


ARMS = [
    ("{exclude: {names: [beta], match_type: strict}}", "{}"),
    (
        "{include: {names: ['^(al|ga)'], match_type: regexp}}",
        "{include: {names: ['^(al|ga)'], match_type: regexp}, exclude: {names: [gamma], match_type: strict}}",
    ),
    (
        "{metrics: {process.threads: {enabled: true}, process.disk.io: {enabled: false}}}",
        "{metrics: {process.context_switches: {enabled: true}, process.memory.virtual: {enabled: false}}}",
    ),
    (
        "{resource_attributes: {process.cgroup: {enabled: true}, process.owner: {enabled: false}}}",
        "{resource_attributes: {process.command_line: {enabled: false}, process.owner: {enabled: false}}}",
    ),
    ("{scrape_process_delay: 1h}", "{scrape_process_delay: 1s}"),
]


@pytest.mark.parametrize(("first", "second"), ARMS)
def test_each_receiver_finds_in_the_tap_what_it_would_have_scraped(
    still: Path, first: str, second: str
) -> None:
    asks = {name: asks_of(text, root=str(still)) for name, text in (("first", first), ("second", second))}
    group = ReceiverGroup(asks)
    # A minute on, so that the short delay keeps everything and the long one nothing.
    now = time.time_ns() + 60 * 10**9
    known = Dictionaries()
    tap = scraped(known, tap_settings(group, collector_version=VERSION), now)
    found = {}
    for name, one in asks.items():
        alone = tap_settings(ReceiverGroup({name: one}), collector_version=VERSION)
        made, _ = Narrower(group.narrowing(name), known).apply(tap)
        found[name] = encode_json(made)
        assert found[name] == encode_json(scraped(known, alone, now))
    assert found["first"] != found["second"]


def test_the_tap_takes_what_any_receiver_needs_and_no_more() -> None:
    both = tap_settings(
        ReceiverGroup(
            {
                "a": asks_of(
                    """{metrics: {process.threads: {enabled: true}, process.disk.io: {enabled: false}},
                    include: {names: [a], match_type: strict}, exclude: {names: [b], match_type: strict},
                    scrape_process_delay: 5s, mute_process_io_error: true, mute_process_exe_error: true}"""
                ),
                "b": asks_of(
                    """{metrics: {process.disk.io: {enabled: false}}, include: {names: [c], match_type: strict},
                    exclude: {names: [b], match_type: strict}, scrape_process_delay: 2s,
                    mute_process_io_error: true}"""
                ),
            }
        ),
        collector_version=VERSION,
    )
    assert both.metrics == {
        "process.cpu.time",
        "process.memory.usage",
        "process.memory.virtual",
        "process.threads",
    }
    assert both.include is None
    assert both.exclude is not None
    assert both.exclude.names == ("b",)
    assert both.scrape_process_delay == 2.0
    assert (both.mute_process_io_error, both.mute_process_exe_error) == (True, False)


def test_a_configuration_without_hostmetrics_needs_the_defaults_and_every_process() -> None:
    narrow = asks_of(
        "{metrics: {process.disk.io: {enabled: false}}, include: {names: [a], match_type: strict}, "
        "resource_attributes: {process.pid: {enabled: false}}, scrape_process_delay: 5s}"
    )
    made = tap_settings(ReceiverGroup({"a": narrow, "b": None}), collector_version=VERSION)
    assert made == HostScraperSettings(collector_version=VERSION)
    assert tap_settings(ReceiverGroup({"a": None}), collector_version=VERSION) == made


def test_what_one_scrape_of_the_host_cannot_give_is_refused() -> None:
    with pytest.raises(ConfigError, match="no process scraper") as caught:
        tap_settings(ReceiverGroup({"a": asks_of(scraper="load")}), collector_version=VERSION)
    assert caught.value.details["path"] == "receivers::hostmetrics::scrapers"
    roots = ReceiverGroup({"a": asks_of(root="/"), "b": asks_of(root="/host")})
    with pytest.raises(ConfigError, match="receivers::hostmetrics::root_path"):
        tap_settings(roots, collector_version=VERSION)


def test_refused_reads_are_told_for_those_who_do_not_mute_them() -> None:
    group = ReceiverGroup({"loud": asks_of(), "quiet": asks_of("{mute_process_exe_error: true}")})
    (told,) = group.refused_reads({"exe": 3})
    assert "3 processes" in told
    assert "loud" in told
    assert "quiet" not in told
    assert ReceiverGroup({"q": asks_of("{mute_process_all_errors: true}")}).refused_reads({"io": 1}) == ()
