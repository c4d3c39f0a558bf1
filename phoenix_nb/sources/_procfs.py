"""Reads processes from ``/proc`` as the collector's process scraper (gopsutil) does, without its cost.

Per process and scrape four small files are read (``stat``, ``statm``, ``io``, ``cmdline``). Their descriptors stay
open while the process lives, as far as the file limit allows: reading an open one costs a third of opening it again,
and an open one can never show another process that got the same pid.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from phoenix_nb.errors import SourceError
from phoenix_nb.sources._reader import Identity, KeepProcess, Row, Wanted

__all__ = ["ProcFsReader"]

_COMM_MAX = 15
"""The kernel cuts names to this many bytes."""
_READ = 4096


class _Kept:
    """What is known of a living process from earlier scrapes."""

    __slots__ = ("exec_marks", "fds", "identity", "owner", "seen", "start", "start_field")

    def __init__(self) -> None:
        self.fds: dict[str, int] = {}
        self.identity: Identity | None = None
        self.seen: tuple[object, ...] = ()
        self.exec_marks: tuple[object, ...] = ()
        self.owner: str | None = None
        self.start = 0
        self.start_field = b""


class ProcFsReader:
    """A reader of one ``/proc`` tree.

    Args:
        unix_nano: tells the time.
        root: the file system root whose ``proc`` is read; another one than ``/`` serves containers that mount the
            host's.
        max_open: descriptors kept open at most; 0 keeps none.

    Raises:
        SourceError: there is no readable ``/proc`` below the root.
    """

    wait = True

    def __init__(self, unix_nano: Callable[[], int], *, root: str = "/", max_open: int = 0) -> None:
        self._now = unix_nano
        self._root = root.rstrip("/") + "/proc"
        self._max_open = max_open
        self._open = 0
        self._kept: dict[int, _Kept] = {}
        self._users: dict[int, str | None] = {}
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self.denied: dict[str, int] = {}
        try:
            # Once: the kernel derives it from the wall clock, so later readings may differ by a second.
            self._boot = self._number("stat", b"btime")
        except (OSError, ValueError, IndexError) as exc:
            raise SourceError(
                f"{self._root} cannot be read: {exc}", hint="check root_path, and that /proc is mounted"
            ) from exc

    def total_memory(self) -> int:
        return self._number("meminfo", b"MemTotal:") * 1024

    def close(self) -> None:
        for pid in list(self._kept):
            self._forget(pid)

    def rows(self, wanted: Wanted, keep: KeepProcess) -> Iterator[Row]:
        self.denied = {}
        try:
            pids = sorted(int(name) for name in os.listdir(self._root) if name.isdigit())  # noqa: PTH208
        except OSError as exc:
            raise SourceError(
                f"the processes cannot be listed: {exc}", hint="check that /proc is mounted"
            ) from exc
        for gone in self._kept.keys() - set(pids):
            self._forget(gone)
        for pid in pids:
            row = self._row(pid, wanted, keep)
            if row is not None:
                yield row

    # -- one process ---------------------------------------------------------------------------------------------

    def _row(self, pid: int, wanted: Wanted, keep: KeepProcess) -> Row | None:
        kept = self._kept.get(pid)
        if kept is None:
            kept = self._kept[pid] = _Kept()
        stat = self._read(kept, pid, "stat")
        head, _, tail = (stat or b"").rpartition(b")")
        # Field N of proc(5) is at N - 3 from here; the name before may hold spaces and brackets. Every kernel since
        # 2.6 has 40 fields or more.
        fields = tail.split()
        if len(fields) < 37:
            self._forget(pid)
            return None
        start_field = fields[19]
        if kept.start_field and kept.start_field != start_field:
            # Another process took the pid between two scrapes.
            self._forget(pid)
            return self._row(pid, wanted, keep)
        kept.start_field = start_field
        cmdline = self._read(kept, pid, "cmdline")
        identity = self._identity(pid, kept, head[head.find(b"(") + 1 :], cmdline or b"", fields, wanted)
        if identity is None:
            self._forget(pid)
            return None
        if not keep(identity.name, kept.start):
            return None
        now = self._now()
        # ``stat`` has a resident size too, but recent kernels round it; gopsutil takes this one.
        pages = (self._read(kept, pid, "statm") or b"").split(None, 2)
        if len(pages) < 2:
            self._forget(pid)
            return None
        ticks = self._ticks
        row = Row(
            identity,
            kept.start,
            now,
            (
                int(fields[11]) / ticks,
                int(fields[12]) / ticks,
                # Block I/O delay stands for waiting, as in gopsutil; very old kernels lack the field.
                int(fields[39]) / ticks if len(fields) > 39 else 0.0,
            ),
            int(pages[1]) * self._page,
            int(pages[0]) * self._page,
            self._io(kept, pid) if wanted.io else None,
            (int(fields[9]), int(fields[7])),
            int(fields[17]),
        )
        if wanted.status:
            self._status(pid, row)
        if wanted.open_files:
            try:
                row.open_files = len(os.listdir(f"{self._root}/{pid}/fd"))  # noqa: PTH208 - a count only
            except OSError:
                self._deny("fd")
        return row

    def _identity(
        self, pid: int, kept: _Kept, comm: bytes, cmdline: bytes, fields: list[bytes], wanted: Wanted
    ) -> Identity | None:
        """Everything that can change within a lifetime is looked at again; text is made only when it did."""
        try:
            path = os.readlink(f"{self._root}/{pid}/exe")  # noqa: PTH115 - a hot loop
        except FileNotFoundError:
            path = ""
        except OSError:
            path = ""
            self._deny("exe")
        try:
            euid = os.stat(f"{self._root}/{pid}").st_uid  # noqa: PTH116 - a hot loop
        except OSError:
            return None
        # exec moves code, stack and arguments; with a change of user it is when the real user may be another one.
        marks = (euid, fields[23], fields[25], *fields[42:48])
        if marks != kept.exec_marks:
            kept.exec_marks = marks
            kept.owner = self._owner(pid, euid)
        cgroup = self._cgroup(pid) if wanted.cgroup else None
        seen = (comm, cmdline, path, fields[1], kept.owner, cgroup)
        if seen != kept.seen or kept.identity is None:
            kept.seen = seen
            kept.start = (self._boot * 1000 + int(kept.start_field) * 1000 // self._ticks) * 1_000_000
            kept.identity = _describe(pid, int(fields[1]), comm, cmdline, path, kept.owner, cgroup)
        return kept.identity

    def _io(self, kept: _Kept, pid: int) -> tuple[int, int, int, int] | None:
        # rchar: 1 wchar: 2 syscr: 3 syscw: 4 …; the collector reports characters, not the disk's blocks.
        words = (self._read(kept, pid, "io") or b"").split(None, 8)
        if len(words) < 8:
            self._deny("io")
            return None
        return int(words[1]), int(words[3]), int(words[5]), int(words[7])

    def _status(self, pid: int, row: Row) -> None:
        lines = self._lines(pid)
        voluntary, involuntary = (
            lines.get(b"voluntary_ctxt_switches"),
            lines.get(b"nonvoluntary_ctxt_switches"),
        )
        if voluntary is not None and involuntary is not None:
            row.switches = int(involuntary), int(voluntary)
        pending = lines.get(b"ShdPnd")
        if pending is not None:
            row.signals = int(pending, 16)

    def _lines(self, pid: int) -> dict[bytes, bytes]:
        found = {}
        for line in (self._read(None, pid, "status") or b"").splitlines():
            name, _, value = line.partition(b":")
            found[name] = value.strip()
        return found

    def _owner(self, pid: int, euid: int) -> str | None:
        real = self._lines(pid).get(b"Uid", b"").split()
        uid = int(real[0]) if real else euid
        if uid not in self._users:
            self._users[uid] = _user_name(uid)
        if self._users[uid] is None:
            self._deny("user")
        return self._users[uid]

    def _cgroup(self, pid: int) -> str:
        text = self._read(None, pid, "cgroup")
        if text is None:
            self._deny("cgroup")
        return (text or b"").decode("utf-8", "replace").removesuffix("\n")

    # -- files ---------------------------------------------------------------------------------------------------

    def _number(self, name: str, label: bytes) -> int:
        with open(f"{self._root}/{name}", "rb") as file:  # noqa: PTH123 - one style of reading in this module
            for line in file:
                if line.startswith(label):
                    return int(line.split()[1])
        message = f"{name} has no {label.decode()}"
        raise ValueError(message)

    def _read(self, kept: _Kept | None, pid: int, name: str) -> bytes | None:
        """A file of a process; ``None`` when it is gone or not ours to read. Stays open when ``kept`` has room."""
        try:
            if kept is not None and name in kept.fds:
                return _whole(kept.fds[name])
            fd = os.open(f"{self._root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            text = _whole(fd)
        except OSError:
            os.close(fd)
            return None
        if kept is not None and self._open < self._max_open:
            kept.fds[name] = fd
            self._open += 1
        else:
            os.close(fd)
        return text

    def _forget(self, pid: int) -> None:
        kept = self._kept.pop(pid, None)
        if kept is not None:
            for fd in kept.fds.values():
                os.close(fd)
            self._open -= len(kept.fds)

    def _deny(self, kind: str) -> None:
        self.denied[kind] = self.denied.get(kind, 0) + 1


def _whole(fd: int) -> bytes:
    text = os.pread(fd, _READ, 0)
    if len(text) < _READ:
        return text
    parts, size = [text], len(text)
    while part := os.pread(fd, 1 << 16, size):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _user_name(uid: int) -> str | None:
    # Only Unix has it; this module is imported elsewhere too.
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _describe(
    pid: int, ppid: int, comm: bytes, cmdline: bytes, path: str, owner: str | None, cgroup: str | None
) -> Identity:
    texts = [a.decode("utf-8", "replace") for a in cmdline.rstrip(b"\0").split(b"\0")] if cmdline else []
    name = comm.decode("utf-8", "replace")
    if len(comm) >= _COMM_MAX and texts:
        longer = _base(texts[0])
        if longer.startswith(name):
            name = longer
    path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Identity(pid, ppid, name, path, texts[0] if texts else "", " ".join(texts), owner, cgroup)


def _base(path: str) -> str:
    """Go's ``filepath.Base``: trailing slashes are dropped, an empty path is ``.``."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"
