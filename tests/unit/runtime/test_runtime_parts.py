"""Clocks, ids, files, settings, times, log lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from phoenix_nb.errors import InvalidRequestError, SettingsError, StorageError
from phoenix_nb.interfaces import Clock, Context, IdFactory
from phoenix_nb.runtime import (
    Settings,
    SystemClock,
    UlidFactory,
    VirtualClock,
    configure_logging,
    from_unix_nano,
    get_logger,
    load_settings,
    to_unix_nano,
    to_utc,
    write_atomically,
)


class TestClocks:
    def test_both_are_clocks(self) -> None:
        assert isinstance(SystemClock(), Clock)
        assert isinstance(VirtualClock(), Clock)

    def test_the_system_clock_tells_one_time(self) -> None:
        clock = SystemClock()
        assert clock.now().tzinfo is UTC
        assert abs(clock.unix_nano() / 1e9 - clock.now().timestamp()) < 5

    async def test_sleepers_wake_in_the_order_of_their_times(self) -> None:
        clock = VirtualClock()
        woken: list[tuple[str, float]] = []

        async def sleep(name: str, *naps: float) -> None:
            for nap in naps:
                await clock.sleep(nap)
                woken.append((name, clock.monotonic()))

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(sleep("slow", 10))
            group.create_task(sleep("fast", 3, 3, 3, 3))
        assert woken == [("fast", 3), ("fast", 6), ("fast", 9), ("slow", 10), ("fast", 12)]

    async def test_without_auto_it_moves_when_it_is_told_to(self) -> None:
        clock = VirtualClock(auto=False)
        task = asyncio.create_task(clock.sleep(10))
        await asyncio.sleep(0)
        clock.advance(9)
        await asyncio.sleep(0)
        assert not task.done()
        clock.advance(1)
        await task
        assert clock.now() == datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)

    async def test_a_cancelled_sleeper_does_not_hold_the_others(self) -> None:
        clock = VirtualClock()
        early = asyncio.create_task(clock.sleep(1))
        late = asyncio.create_task(clock.sleep(2))
        await asyncio.sleep(0)
        early.cancel()
        async with asyncio.timeout(5):
            await late
        assert clock.monotonic() == 2


class TestIds:
    def test_ids_are_prefixed_sorted_and_unique(self) -> None:
        factory = UlidFactory(SystemClock())
        assert isinstance(factory, IdFactory)
        ids = [factory.new("exp") for _ in range(2000)]
        assert ids == sorted(set(ids))
        assert all(len(name) == 30 and name.startswith("exp_") for name in ids)

    def test_the_same_seed_and_clock_give_the_same_ids(self) -> None:
        one, two = (UlidFactory(VirtualClock(), seed=4) for _ in range(2))
        assert [one.new("exp") for _ in range(5)] == [two.new("exp") for _ in range(5)]

    def test_they_stay_sorted_when_the_clock_jumps_back(self) -> None:
        class Jumping(VirtualClock):
            times = iter([5_000_000, 9_000_000, 1_000_000, 9_000_000])

            def unix_nano(self) -> int:
                return next(self.times)

        factory = UlidFactory(Jumping(), seed=1)
        ids = [factory.new("exp") for _ in range(4)]
        assert ids == sorted(set(ids))


class TestFiles:
    def test_content_appears_whole_with_usual_permissions(self, tmp_path: Path) -> None:
        mask = os.umask(0o022)
        try:
            path = write_atomically(tmp_path / "a.txt", "grüße")
            token = write_atomically(tmp_path / "token", b"secret", private=True)
        finally:
            os.umask(mask)
        assert path.read_text(encoding="utf-8") == "grüße"
        assert path.stat().st_mode & 0o777 == 0o644
        assert token.stat().st_mode & 0o777 == 0o600
        assert write_atomically(path, "new").read_text(encoding="utf-8") == "new"
        assert {entry.name for entry in tmp_path.iterdir()} == {"a.txt", "token"}

    def test_a_missing_folder_is_a_storage_error_with_a_hint(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="cannot be written") as caught:
            write_atomically(tmp_path / "no" / "a.txt", "x")
        assert "create it first" in caught.value.hint

    def test_a_failed_write_leaves_the_former_content_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_atomically(tmp_path / "a.txt", "old")

        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left") as caught:
            write_atomically(path, "new")
        assert "disk is full" in caught.value.hint
        assert path.read_text(encoding="utf-8") == "old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


class TestSettings:
    def test_defaults(self, tmp_path: Path) -> None:
        assert load_settings(tmp_path, {}) == Settings()

    def test_variables_beat_the_file_which_beats_defaults(self, tmp_path: Path) -> None:
        (tmp_path / "phoenix.toml").write_text('database_threads = 8\nlog_level = "info"\n')
        settings = load_settings(
            tmp_path, {"PHOENIX_DATABASE_THREADS": "4", "PHOENIX_LOG_JSON": "1", "PHOENIX_PRICES": ""}
        )
        assert (settings.database_threads, settings.log_level, settings.log_json) == (4, "info", True)
        assert settings.prices is None

    def test_variables_of_others_are_ignored(self, tmp_path: Path) -> None:
        environment = {"PHOENIX_REQUIRE_SERVERS": "1", "PHOENIX_SHARED_DIR": "x", "HOME": "y"}
        assert load_settings(tmp_path, environment) == Settings()

    def test_constructing_settings_does_not_read_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PHOENIX_DATABASE_THREADS", "9")
        monkeypatch.setenv("DATABASE_THREADS", "9")
        assert Settings().database_threads == 2

    def test_the_process_environment_is_the_default(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PHOENIX_DATABASE_THREADS", "9")
        assert load_settings(tmp_path).database_threads == 9

    @pytest.mark.parametrize(
        ("text", "environment", "says"),
        [
            ("database_threads = 0\n", {}, "database_threads"),
            ("nonsense = 1\n", {}, "nonsense"),
            ("database_threads = \n", {}, "cannot be read"),
            ("", {"PHOENIX_DEBUG_CALLBACKS": "perhaps"}, "debug_callbacks"),
            ("", {"PHOENIX_COLLECTOR_VERSION": "latest"}, "collector_version"),
        ],
    )
    def test_bad_settings_say_which(
        self, tmp_path: Path, text: str, environment: dict[str, str], says: str
    ) -> None:
        (tmp_path / "phoenix.toml").write_text(text)
        with pytest.raises(SettingsError, match=says) as caught:
            load_settings(tmp_path, environment)
        assert caught.value.hint

    def test_a_file_that_is_not_utf8_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "phoenix.toml").write_bytes(b'workspace = "\xff"\n')
        with pytest.raises(SettingsError, match="cannot be read"):
            load_settings(tmp_path, {})

    def test_settings_are_frozen(self) -> None:
        with pytest.raises(ValidationError):
            Settings().database_threads = 3  # type: ignore[misc]


class TestTimes:
    @given(st.integers(min_value=-(10**18), max_value=4 * 10**18))
    def test_nanoseconds_survive_to_the_microsecond(self, nanoseconds: int) -> None:
        assert to_unix_nano(from_unix_nano(nanoseconds)) == nanoseconds // 1000 * 1000

    def test_zones_are_converted_and_asked_for(self) -> None:
        moment = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
        assert to_utc(moment) == moment
        assert to_utc(moment).tzinfo is UTC
        with pytest.raises(InvalidRequestError, match="no time zone"):
            to_utc(datetime(2026, 1, 1))  # noqa: DTZ001
        with pytest.raises(InvalidRequestError, match="no date"):
            from_unix_nano(2**80)


class TestLogging:
    @pytest.fixture(autouse=True)
    def _restore(self) -> Iterator[None]:
        logger = logging.getLogger("phoenix_nb")
        before = (logger.handlers[:], logger.level, logger.propagate)
        yield
        logger.handlers, logger.level, logger.propagate = before

    def test_json_lines_carry_who_asked_and_no_local_variables(self) -> None:
        stream = io.StringIO()
        configure_logging("info", json=True, stream=stream)
        configure_logging("info", json=True, stream=stream)
        log = get_logger("experiments", Context(request_id="r1", principal="ann"))
        log.info("started", experiment_id="exp_1")
        log.debug("not shown")
        secret = "hunter2"
        try:
            raise ValueError
        except ValueError:
            log.exception("failed", known=len(secret))
        first, second = (json.loads(line) for line in stream.getvalue().splitlines())
        assert first["event"] == "started"
        assert first["logger"] == "phoenix_nb.experiments"
        assert (first["request_id"], first["principal"], first["experiment_id"]) == ("r1", "ann", "exp_1")
        assert second["level"] == "error"
        assert "hunter2" not in stream.getvalue()

    def test_text_lines_are_for_people(self) -> None:
        stream = io.StringIO()
        configure_logging("debug", stream=stream)
        get_logger("phoenix_nb.bus").warning("slow viewer", dropped=3)
        logging.getLogger("phoenix_nb.runtime").info("plain %d", 5)
        lines = stream.getvalue().splitlines()
        assert "slow viewer" in lines[0]
        assert "dropped=3" in lines[0]
        assert "plain 5" in lines[1]

    def test_without_set_up_lines_are_ordinary_records(self, caplog: pytest.LogCaptureFixture) -> None:
        logging.getLogger("phoenix_nb").propagate = True
        with caplog.at_level(logging.INFO, logger="phoenix_nb"):
            get_logger("bus").info("hello", dropped=3)
        assert caplog.records[-1].getMessage() == "hello"
        assert caplog.records[-1].__dict__["dropped"] == 3
