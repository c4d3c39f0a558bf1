"""What a hostmetrics receiver asks of the host source."""

from __future__ import annotations

import pytest

from phoenix_nb.collector import parse_config
from phoenix_nb.errors import ConfigError, InvalidRequestError
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.sources import HostScraper, receiver_plan

CONFIG = """
receivers:
  hostmetrics:
    collection_interval: 15s
    initial_delay: 250ms
    scrapers:
      cpu:
      process:
        include: {names: ["^py"], match_type: regexp}
        exclude: {names: [nothing], match_type: strict}
        scrape_process_delay: 1500ms
        mute_process_io_error: true
        metrics:
          process.threads: {enabled: true}
          process.disk.io: {enabled: false}
        resource_attributes:
          process.command_line: {enabled: false}
          process.cgroup: {enabled: true}
exporters: {nop: }
service: {pipelines: {metrics: {receivers: [hostmetrics], exporters: [nop]}}}
"""


def test_every_setting_of_the_scraper_is_taken_over() -> None:
    plan = receiver_plan(parse_config(CONFIG))
    assert (plan.receiver, plan.every, plan.initial_delay, plan.left_out) == (
        "hostmetrics",
        15.0,
        0.25,
        ("cpu",),
    )
    made = plan.settings
    assert made.metrics == {
        "process.cpu.time",
        "process.memory.usage",
        "process.memory.virtual",
        "process.threads",
    }
    assert made.include is not None
    assert made.include.matcher()("python3")
    assert made.exclude is not None
    assert made.scrape_process_delay == 1.5
    assert made.mute_process_io_error
    assert not made.mute_process_all_errors
    assert made.cgroup
    assert made.without_attributes == {"process.command_line"}


def test_a_scrape_shows_what_was_asked_for() -> None:
    plan = receiver_plan(parse_config(CONFIG.replace("1500ms", "0s")))
    dictionaries = Dictionaries()
    scraper = HostScraper(dictionaries, plan.settings, lambda: 2_000_000_000 * 10**9)
    try:
        frames = scraper.scrape()
    finally:
        scraper.close()
    names = {dictionaries.headers[number].name for number in frames.m_header.tolist()}
    # This very process is one of those whose name begins with py.
    assert "process.threads" in names
    assert "process.disk.io" not in names
    for number in frames.rm_resource.tolist():
        attributes = dictionaries.resources[number].attributes
        assert "process.command_line" not in attributes
        assert str(attributes["process.executable.name"]).startswith("py")


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("      process:\n", "      memory:\n", ConfigError, "no process scraper"),
        (
            "process.threads: {enabled: true}",
            "process.cpu.time: {attributes: []}",
            ConfigError,
            "cannot aggregate",
        ),
    ],
)
def test_what_the_host_source_cannot_do_is_refused(
    old: str, new: str, error: type[Exception], words: str
) -> None:
    text = CONFIG.replace(old, new)
    if "memory:" in new:
        text = text.split("        include")[0] + text[text.index("exporters:") :]
    config = parse_config(text)
    with pytest.raises(error, match=words):
        receiver_plan(config)


def test_a_receiver_must_exist_and_be_named() -> None:
    config = parse_config(CONFIG)
    with pytest.raises(InvalidRequestError, match="no hostmetrics receiver"):
        receiver_plan(config, "hostmetrics/other")
