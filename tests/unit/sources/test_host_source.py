"""The host source against psutil and against what the real scraper is known to send."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import pytest

from phoenix_nb.errors import CallCancelledError, InvalidRequestError, SourceError
from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Dictionaries, Frames, MetricHeader, MetricType, PointKind, Temporality
from phoenix_nb.simulation import ALL_PROCESS_METRICS
from phoenix_nb.sources import HostScraper, HostScraperSettings, HostSource, NameFilter
from phoenix_nb.sources._procfs import ProcFsReader, _base
from phoenix_nb.sources._reader import Wanted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the /proc reader needs Linux")

KEYS = (
    "process.pid",
    "process.parent_pid",
    "process.executable.name",
    "process.executable.path",
    "process.command",
    "process.command_line",
    "process.owner",
)


class StepClock:
    """Time that only sleeps and ``work`` move."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix_nano() / 1e9, UTC)

    def unix_nano(self) -> int:
        return 1_800_000_000_000_000_000 + int(self.at * 1e9)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.at += max(seconds, 0.0)


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes with a short, an exactly cut and a rewritten name."""
    program = shutil.which("sleep")
    assert program is not None
    names = ["napper", "a-very-long-process-name", "exactly-15-char"]
    started = []
    for name in names:
        path = tmp_path / name
        shutil.copy(Path(program).resolve(), path)
        started.append(subprocess.Popen([str(path), "300", "0.5"]))
    started.append(subprocess.Popen(["renamed by argv", "300"], executable=program))
    try:
        time.sleep(0.05)
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def scraper(**settings: object) -> HostScraper:
    return HostScraper(Dictionaries(), HostScraperSettings.model_validate(settings), time.time_ns)


def by_pid(frames: Frames) -> dict[int, int]:
    """Resource block by pid."""
    values = frames.dictionaries.resources.values
    return {int(values[r].attributes["process.pid"]): at for at, r in enumerate(frames.rm_resource)}


def points_of(frames: Frames, block: int) -> dict[tuple[str, str], tuple[float, int, int]]:
    """Value, start and time by metric name and attribute value."""
    found = {}
    blocks = frames.sm_rm[frames.m_sm[frames.p_metric]]
    for at in np.flatnonzero(blocks == block):
        header = frames.dictionaries.headers[int(frames.p_header[at])]
        attributes = frames.dictionaries.attribute_sets[int(frames.p_attributes[at])]
        value = frames.p_int[at] if frames.p_kind[at] == PointKind.INT else frames.p_double[at]
        key = (header.name, str(next(iter(attributes.values()), "")))
        found[key] = (float(value), int(frames.p_start[at]), int(frames.p_time[at]))
    return found


def own_headers(frames: Frames) -> list[MetricHeader]:
    """The metrics of this very process, whose files are all readable."""
    rows = np.flatnonzero(frames.sm_rm[frames.m_sm] == by_pid(frames)[os.getpid()])
    return [frames.dictionaries.headers[int(h)] for h in frames.m_header[rows]]


def test_fixed_processes_look_as_psutil_sees_them(sleepers: list[subprocess.Popen[bytes]]) -> None:
    one = scraper()
    before = time.time_ns()
    frames = one.scrape()
    after = time.time_ns()
    blocks = by_pid(frames)
    for child in sleepers:
        seen = frames.dictionaries.resources[int(frames.rm_resource[blocks[child.pid]])].attributes
        peer = psutil.Process(child.pid)
        assert seen.keys() == KEYS
        assert seen["process.pid"] == child.pid
        assert seen["process.parent_pid"] == os.getpid()
        assert seen["process.executable.name"] == peer.name()
        assert seen["process.executable.path"] == peer.exe()
        assert seen["process.command"] == peer.cmdline()[0]
        assert seen["process.command_line"] == " ".join(peer.cmdline())
        assert seen["process.owner"] == peer.username()
        points = points_of(frames, blocks[child.pid])
        assert len(points) == 7
        assert points["process.memory.usage", ""][0] == peer.memory_info().rss
        assert points["process.memory.virtual", ""][0] == peer.memory_info().vms
        counters = peer.io_counters()
        assert points["process.disk.io", "read"][0] == counters.read_chars
        assert points["process.disk.io", "write"][0] == counters.write_chars
        assert points["process.cpu.time", "user"][0] == pytest.approx(peer.cpu_times().user)
        assert points["process.cpu.time", "system"][0] == pytest.approx(peer.cpu_times().system)
        for _, start, moment in points.values():
            assert start / 1e9 == pytest.approx(peer.create_time(), abs=1.0)
            assert start % 10_000_000 == 0
            assert before <= moment <= after
        assert len({moment for _, _, moment in points.values()}) == 1
    one.close()


def test_long_names_are_completed_from_the_first_argument(sleepers: list[subprocess.Popen[bytes]]) -> None:
    one = scraper()
    frames = one.scrape()
    blocks = by_pid(frames)
    names = [
        frames.dictionaries.resources[int(frames.rm_resource[blocks[p.pid]])].attributes[
            "process.executable.name"
        ]
        for p in sleepers
    ]
    assert names == ["napper", "a-very-long-process-name", "exactly-15-char", "sleep"]
    one.close()


def test_payload_has_the_scrapers_shape() -> None:
    one = scraper()
    frames = one.scrape()
    assert frames.n_payloads == 1
    scope = frames.dictionaries.scopes[int(frames.sm_scope[0])]
    assert scope.name.endswith("/hostmetricsreceiver/internal/scraper/processscraper")
    assert scope.version == "0.159.0"
    assert set(frames.rm_schema) == {
        frames.dictionaries.schema_urls.intern("https://opentelemetry.io/schemas/1.9.0")
    }
    first = own_headers(frames)
    assert [h.name for h in first] == [
        "process.cpu.time",
        "process.disk.io",
        "process.memory.usage",
        "process.memory.virtual",
    ]
    assert [h.monotonic for h in first] == [True, True, False, False]
    assert {h.type for h in first} == {MetricType.SUM}
    assert {h.temporality for h in first} == {Temporality.CUMULATIVE}
    pids = list(by_pid(frames))
    assert pids == sorted(pids)
    one.close()


def test_matches_the_recorded_real_scraper(shared_dir: Path) -> None:
    """Headers, scope name, schema URL and attribute keys are those of a payload the real collector sent."""
    import json

    import zstandard

    with (shared_dir / "recordings" / "shop_host.jsonl.zst").open("rb") as file:
        raw = zstandard.ZstdDecompressor().stream_reader(file).read(3_000_000)
    tree = json.loads(raw.split(b"\n", 1)[0])
    block = tree["resourceMetrics"][0]
    mine = scraper().scrape()
    headers = own_headers(mine)
    theirs = block["scopeMetrics"][0]["metrics"]
    assert [(h.name, h.description, h.unit) for h in headers] == [
        (m["name"], m["description"], m["unit"]) for m in theirs
    ]
    assert [h.monotonic for h in headers] == [m["sum"].get("isMonotonic", False) for m in theirs]
    assert mine.dictionaries.scopes[int(mine.sm_scope[0])].name == block["scopeMetrics"][0]["scope"]["name"]
    assert mine.dictionaries.schema_urls[int(mine.rm_schema[0])] == block["schemaUrl"]
    assert list(KEYS) == [a["key"] for a in block["resource"]["attributes"]]
    states = [p["attributes"][0]["value"]["stringValue"] for p in theirs[0]["sum"]["dataPoints"]]
    assert states == ["user", "system", "wait"]


def test_all_metrics_make_twenty_one_series_from_the_second_scrape(
    sleepers: list[subprocess.Popen[bytes]],
) -> None:
    one = scraper(metrics=ALL_PROCESS_METRICS)
    pid = sleepers[0].pid
    first, second = one.scrape(), one.scrape()
    early, late = points_of(first, by_pid(first)[pid]), points_of(second, by_pid(second)[pid])
    assert len(early) == 18
    assert set(late) - set(early) == {("process.cpu.utilization", s) for s in ("user", "system", "wait")}
    peer = psutil.Process(pid)
    assert late["process.threads", ""][0] == 1
    assert late["process.open_file_descriptors", ""][0] == peer.num_fds()
    assert late["process.context_switches", "voluntary"][0] == peer.num_ctx_switches().voluntary
    assert late["process.disk.operations", "read"][0] == peer.io_counters().read_count
    assert 0 < late["process.memory.utilization", ""][0] < 100
    assert 0 < late["process.uptime", ""][0] < 60
    one.close()


def test_include_exclude_and_delay(sleepers: list[subprocess.Popen[bytes]]) -> None:
    pids = {p.pid for p in sleepers}
    strict = scraper(include=NameFilter(names=("napper", "sleep"), match_type="strict")).scrape()
    assert set(by_pid(strict)) & pids == {sleepers[0].pid, sleepers[3].pid}
    pattern = scraper(include=NameFilter(names=("^a-very", "15-char$"), match_type="regexp")).scrape()
    assert set(by_pid(pattern)) == {sleepers[1].pid, sleepers[2].pid}
    both = scraper(
        include=NameFilter(names=("e",), match_type="regexp"),
        exclude=NameFilter(names=("napper",), match_type="strict"),
    ).scrape()
    assert sleepers[0].pid not in by_pid(both)
    assert not set(by_pid(scraper(scrape_process_delay=3600.0).scrape())) & pids


def test_bad_patterns_and_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="RE2"):
        NameFilter(names=("(",), match_type="regexp")
    with pytest.raises(ValueError, match="unknown metric"):
        HostScraperSettings(metrics=frozenset({"process.cpu.tim"}))


def test_series_keep_their_resource_and_new_pids_get_new_ones(
    sleepers: list[subprocess.Popen[bytes]],
) -> None:
    one = scraper()
    first = one.scrape()
    gone = sleepers[0]
    gone.kill()
    gone.wait()
    second = one.scrape()
    assert gone.pid not in by_pid(second)
    for child in sleepers[1:]:
        assert first.rm_resource[by_pid(first)[child.pid]] == second.rm_resource[by_pid(second)[child.pid]]
    one.close()


def test_a_process_that_executes_another_program_is_described_anew(tmp_path: Path) -> None:
    flag = tmp_path / "go"
    child = subprocess.Popen(["sh", "-c", f"while [ ! -e {flag} ]; do sleep 0.01; done; exec sleep 300"])
    one = scraper()
    try:
        frames = one.scrape()
        assert frames.n_resources
        flag.touch()
        for _ in range(200):
            if psutil.Process(child.pid).name() == "sleep":
                break
            time.sleep(0.01)
        frames = one.scrape()
        seen = frames.dictionaries.resources[int(frames.rm_resource[by_pid(frames)[child.pid]])].attributes
        assert seen["process.executable.name"] == "sleep"
        assert seen["process.command_line"] == "sleep 300"
    finally:
        child.kill()
        child.wait()
        one.close()


def fake_proc(
    root: Path, pid: int, *, name: str = "bash", cmdline: bytes = b"/bin/bash\0", io: bool = True
) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    tail = " ".join(
        ["S", "7", *["0"] * 9, "150", "25", *["0"] * 6, "1386", "4153344", "808", *["0"] * 17, "3", "0", "0"]
    )
    (folder / "stat").write_text(f"{pid} ({name}) {tail}\n")
    (folder / "statm").write_text("1014 808 0 0 0 0 0\n")
    (folder / "cmdline").write_bytes(cmdline)
    (folder / "status").write_text("Name:\tx\nUid:\t4294967\t0\t0\t0\nShdPnd:\t0000000000000005\n")
    (folder / "cgroup").write_text("0::/user.slice\n")
    if io:
        (folder / "io").write_text("rchar: 11\nwchar: 22\nsyscr: 3\nsyscw: 4\nread_bytes: 0\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "stat").write_text("cpu 0\nbtime 1693963648\n")
    return tmp_path


def test_kernel_threads_have_empty_texts_and_denied_io_leaves_five_series(tree: Path) -> None:
    fake_proc(tree, 2, name="kworker/0:1 (x)", cmdline=b"")
    fake_proc(tree, 9, io=False)
    one = scraper(root_path=str(tree), reader="procfs")
    frames = one.scrape()
    blocks = by_pid(frames)
    kernel = frames.dictionaries.resources[int(frames.rm_resource[blocks[2]])].attributes
    assert kernel["process.executable.name"] == "kworker/0:1 (x)"
    assert [kernel[k] for k in KEYS[3:6]] == ["", "", ""]
    assert "process.owner" not in kernel, "an owner nobody knows is absent, not empty"
    assert len(points_of(frames, blocks[9])) == 5
    points = points_of(frames, blocks[2])
    assert points["process.disk.io", "read"][0] == 11
    assert points["process.cpu.time", "user"][:2] == (1.5, (1693963648 * 1000 + 13860) * 1_000_000)
    assert points["process.cpu.time", "wait"][0] == 0.03
    assert points["process.memory.virtual", ""][0] == 1014 * os.sysconf("SC_PAGE_SIZE")
    assert any("io" in problem for problem in one.problems)
    muted = scraper(root_path=str(tree), mute_process_io_error=True, mute_process_user_error=True)
    muted.scrape()
    assert muted.problems == ()


def test_cgroup_sits_between_path_and_command(tree: Path) -> None:
    fake_proc(tree, 9)
    frames = scraper(root_path=str(tree), cgroup=True).scrape()
    attributes = frames.dictionaries.resources[int(frames.rm_resource[0])].attributes
    assert attributes.keys()[3:6] == ("process.executable.path", "process.cgroup", "process.command")
    assert attributes["process.cgroup"] == "0::/user.slice"


def test_pending_signals_are_the_bit_mask(tree: Path) -> None:
    fake_proc(tree, 9)
    frames = scraper(root_path=str(tree), metrics={"process.signals_pending"}).scrape()
    assert frames.p_int.tolist() == [5]


def test_half_written_and_missing_trees(tree: Path, tmp_path: Path) -> None:
    fake_proc(tree, 9)
    (tree / "proc" / "9" / "stat").write_text("9 (ba")
    assert scraper(root_path=str(tree)).scrape().n_resources == 0
    with pytest.raises(SourceError, match="cannot be read"):
        scraper(root_path=str(tmp_path / "nowhere"))


def test_a_pid_that_was_given_to_another_process_is_noticed(tree: Path) -> None:
    fake_proc(tree, 9, name="first", cmdline=b"first\0")
    reader = ProcFsReader(lambda: 1, root=str(tree), max_open=100)
    every = list(reader.rows(Wanted(), lambda name, start: True))
    shutil.rmtree(tree / "proc" / "9")
    fake_proc(tree, 9, name="second", cmdline=b"second\0")
    text = (tree / "proc" / "9" / "stat").read_text()
    (tree / "proc" / "9" / "stat").write_text(text.replace(" 1386 ", " 9999 "))
    reader._forget(9)  # what the kernel does for us: reads of an old descriptor fail
    again = list(reader.rows(Wanted(), lambda name, start: True))
    assert [row.identity.name for row in every + again] == ["first", "second"]
    assert every[0].start != again[0].start
    reader.close()
    assert reader._open == 0


def test_base_is_gos_filepath_base() -> None:
    assert [_base(p) for p in ("/usr/bin/x", "x", "", "/", "a/b/")] == ["x", "x", ".", "/", "b"]


def test_psutil_reader_agrees_on_the_essentials(sleepers: list[subprocess.Popen[bytes]]) -> None:
    fast, slow = scraper(), scraper(reader="psutil")
    a, b = fast.scrape(), slow.scrape()
    for child in sleepers[:3]:
        left = a.dictionaries.resources[int(a.rm_resource[by_pid(a)[child.pid]])]
        right = b.dictionaries.resources[int(b.rm_resource[by_pid(b)[child.pid]])]
        assert left == right
        x, y = points_of(a, by_pid(a)[child.pid]), points_of(b, by_pid(b)[child.pid])
        assert x.keys() == y.keys()
        assert x["process.disk.io", "read"][0] == y["process.disk.io", "read"][0]
    fast.close()


def test_reads_without_open_files_give_the_same(sleepers: list[subprocess.Popen[bytes]]) -> None:
    kept, plain = scraper(), scraper(keep_files_open=False)
    for _ in range(2):
        a, b = kept.scrape(), plain.scrape()
        for child in sleepers:
            left = a.dictionaries.resources[int(a.rm_resource[by_pid(a)[child.pid]])]
            assert left == b.dictionaries.resources[int(b.rm_resource[by_pid(b)[child.pid]])]
    before = psutil.Process().num_fds()
    kept.close()
    assert psutil.Process().num_fds() < before


async def test_one_payload_per_tick_without_drift() -> None:
    clock = StepClock()
    source = HostSource(Dictionaries(), clock, every=2.0, scrapes=4)
    info = await source.open(Context.background())
    assert (info.kind, info.live, info.period_seconds, info.payloads) == ("host", True, 2.0, 4)
    seen = []
    async for frames in source.payloads(Context.background()):
        assert frames.n_payloads == 1
        assert frames.n_resources > 1
        seen.append(clock.at)
        clock.at += 0.3
    assert seen == pytest.approx([0.0, 2.0, 4.0, 6.0])
    assert source.gaps == 0
    await source.aclose()
    await source.aclose()


async def test_a_slow_consumer_makes_a_gap_and_no_duplicate() -> None:
    clock = StepClock()
    source = HostSource(Dictionaries(), clock, every=1.0, scrapes=4)
    await source.open(Context.background())
    seen = []
    async for _ in source.payloads(Context.background()):
        seen.append(clock.at)
        clock.at += 3.5 if len(seen) == 1 else 0.0
    assert seen == pytest.approx([0.0, 3.5, 4.0, 5.0])
    assert source.gaps == 2
    await source.aclose()


async def test_cancel_and_close_end_the_wait() -> None:
    from phoenix_nb.interfaces import Clock

    class Slow(StepClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(3600 if seconds > 0 else 0)

    clock: Clock = Slow()
    ctx, token = Context.background().with_cancel()
    source = HostSource(Dictionaries(), clock, every=5.0)
    await source.open(ctx)
    stream = source.payloads(ctx)
    await anext(stream)
    asyncio.get_running_loop().call_later(0.02, token.cancel, "enough")
    with pytest.raises(CallCancelledError, match="enough"):
        await anext(stream)
    again = HostSource(Dictionaries(), clock, every=5.0)
    await again.open(Context.background())
    stream = again.payloads(Context.background())
    await anext(stream)
    asyncio.get_running_loop().call_later(0.02, lambda: again._waiter.close())
    assert [f async for f in stream] == []
    await source.aclose()
    await again.aclose()


async def test_misuse_is_told_clearly() -> None:
    with pytest.raises(InvalidRequestError, match="period"):
        HostSource(Dictionaries(), StepClock(), every=0)
    with pytest.raises(InvalidRequestError, match="at least 1"):
        HostSource(Dictionaries(), StepClock(), scrapes=0)
    source = HostSource(Dictionaries(), StepClock())
    with pytest.raises(SourceError, match="not open"):
        await anext(source.payloads(Context.background()))
