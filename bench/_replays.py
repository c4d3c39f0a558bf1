"""What people do with the engine: five candidates over a recording, live scrapes, a replay of ten million points."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench._chains import CANDIDATES, CHAINS
from bench._engines import Embedded, Laps, Payloads, RealProcessors, fresh, payloads_of, simulated
from bench._measure import Row, compare, peak_mebibytes
from phoenix_nb.analysis import combined_output
from phoenix_nb.collector import EmbeddedEngine, compile_config, parse_config
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_protobuf, measure

__all__ = ["candidates", "live", "peak_memory", "recordings"]

_UNIT = "CPU s per million points"
_ROOT = Path(__file__).resolve().parent.parent


# -- several candidates -----------------------------------------------------------------------------------------------


def _counted(engine: EmbeddedEngine, frames: Frames) -> None:
    sent = combined_output(engine.process(frames))
    if sent is not None:
        measure(sent)


def _decode_once(payloads: Payloads) -> float:
    dictionaries = fresh()
    lap = Laps(payloads.points)
    frames = Decoder(dictionaries).protobuf(payloads.protobuf)
    for name in CANDIDATES:
        _counted(compile_config(parse_config(CHAINS[name].config), dictionaries), frames)
    return lap.next()


def _run_each(payloads: Payloads) -> float:
    return sum(RealProcessors(payloads, CHAINS[name].config).phase("all") for name in CANDIDATES)


def candidates(payloads: Payloads, repeats: int) -> Row:
    """Decoding once, then evaluating and counting five configurations, against five runs of the collector's."""
    return compare(
        f"decode once and count five candidates, {payloads.label}",
        partial(_decode_once, payloads),
        partial(_run_each, payloads),
        peer_name="five runs of the real processors",
        unit=_UNIT,
        repeats=repeats,
        most=0.25,
    )


# -- live -------------------------------------------------------------------------------------------------------------


def _milliseconds(payloads: Payloads, text: str) -> float:
    """Median time that passes from a request's bytes to the counts of its output."""
    dictionaries = fresh()
    engine = compile_config(parse_config(text), dictionaries)
    decoder = Decoder(dictionaries)
    taken = []
    for number, wire in enumerate(payloads.protobuf):
        begin = time.perf_counter()
        _counted(engine, decoder.protobuf([wire], first=number))
        taken.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(taken)


def _their_milliseconds(theirs: RealProcessors, payloads: Payloads) -> float:
    return theirs.phase("all") * payloads.points / len(payloads.protobuf) / 1e3


def live(repeats: int) -> Iterator[Row]:
    """One payload at a time, as scrapes come."""
    payloads = simulated(200, 60)
    for name in ("three OTTL conditions", "strip, group, aggregate", "cumulativetodelta"):
        text = CHAINS[name].config
        yield compare(
            f"one live scrape of 200 processes: decode, evaluate, count; {name}",
            partial(_milliseconds, payloads, text),
            partial(_their_milliseconds, RealProcessors(payloads, text), payloads),
            peer_name="CPU time of the real processors, encode included",
            unit="ms",
            repeats=repeats,
            limit=5.0,
        )


# -- memory -----------------------------------------------------------------------------------------------------------

_IMPORTS = "import bench._replays\n"
_REPLAY = "import bench._replays, sys\nbench._replays.replay(sys.argv[1])\n"
_CHUNK = 60
_REPEATED = 20
_POINTS = 10_000_000


def _stored(folder: Path) -> Iterator[tuple[bytes, ...]]:
    """Payloads of a folder, a chunk at a time."""
    for file in sorted(folder.iterdir()):
        packed, at, wires = file.read_bytes(), 0, []
        while at < len(packed):
            size = int.from_bytes(packed[at : at + 4], "little")
            wires.append(packed[at + 4 : at + 4 + size])
            at += 4 + size
        yield tuple(wires)


def replay(folder: str) -> None:
    """Evaluate and count every chunk of a folder with two arms, over and over until there were ten million points.

    Every time all processes are others: they have another command line.
    """
    dictionaries = Dictionaries()
    decoder = Decoder(dictionaries)
    arms = [
        compile_config(parse_config(CHAINS[name].config), dictionaries)
        for name in ("cumulativetodelta", "strip, group, aggregate")
    ]
    points = turn = 0
    while points < _POINTS:
        turn += 1
        for wires in _stored(Path(folder)):
            frames = decoder.protobuf([wire.replace(b"/etc/", b"/e%02d/" % turn) for wire in wires])
            points += frames.n_points
            for arm in arms:
                _counted(arm, frames)


def peak_memory() -> Row:
    """Peak memory of a replay, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="phx-bench-") as folder:
        wires = simulated(200, _CHUNK * _REPEATED // 2).protobuf
        for start in range(0, len(wires), _CHUNK):
            packed = b"".join(
                len(wire).to_bytes(4, "little") + wire for wire in wires[start : start + _CHUNK]
            )
            (Path(folder) / f"{start:06}").write_bytes(packed)
        return compare(
            "peak memory of a replay of 10 million points with two arms, 200 processes",
            partial(peak_mebibytes, _REPLAY, folder),
            partial(peak_mebibytes, _IMPORTS),
            peer_name="the imports alone",
            unit="MiB",
            repeats=1,
            limit=1536.0,
            warm=False,
        )


# -- recordings -------------------------------------------------------------------------------------------------------


def _recorded(file: Path) -> Payloads:
    import zstandard

    with file.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        lines = stream.read().splitlines()
    frames = Decoder(Dictionaries()).json(lines)
    wires = tuple(encode_protobuf(frames))
    return payloads_of(f"recording {file.name.partition('.')[0]}", wires)


def recordings(repeats: int) -> Iterator[Row]:
    """Five candidates and each chain over recordings of real hosts; nothing where there are none."""
    given = os.environ.get("PHOENIX_SHARED_DIR")
    folder = (Path(given) if given else _ROOT.parent / "shared") / "recordings"
    files = sorted(folder.glob("*.jsonl.zst"))
    if not files:
        sys.stderr.write(f"no recordings in {folder}: their rows are left out; set PHOENIX_SHARED_DIR\n")
    for file in files:
        payloads = _recorded(file)
        yield candidates(payloads, repeats)
        for name in CANDIDATES:
            yield evaluation(payloads, name, repeats)


def evaluation(payloads: Payloads, name: str, repeats: int, *, processes: int = 0) -> Row:
    """Evaluation alone, with the output in hand."""
    text = CHAINS[name].config
    ours, theirs = Embedded(payloads, text), RealProcessors(payloads, text)
    return compare(
        f"{name}, {payloads.label}: evaluate",
        partial(ours.phase, "chain"),
        partial(theirs.phase, "chain"),
        peer_name="the real processors",
        unit=_UNIT,
        repeats=repeats,
        most=CHAINS[name].goal(processes),
    )
