"""What a process holds, and whether it holds more and more: objects, memory, compiled code, threads, open files.

    record = Record()
    ...; record.note(); ...        again and again, at moments that are alike
    record.verdicts()              a Verdict for each vital

A vital climbs if, in the later half of the record, it rises from nearly each stretch to the next and by more than it
may wander. What fills up once (caches, free lists, the memory that an allocator keeps) levels off before that.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import sys
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .worker import peak_memory

__all__ = ["Record", "Verdict", "Vital", "vitals"]

#: Into how many stretches the later half of a record is cut, and how many of the steps between them go up in a climb.
_STRETCHES, _RISES = 6, 4


@dataclass(frozen=True)
class Vital:
    """Something to watch: how it is read, its unit, and by how much it may wander: a share of it, and so much more."""

    name: str
    unit: str
    read: Callable[[], float]
    share: float
    more: float

    def allowed(self, at: float) -> float:
        return self.share * at + self.more


@dataclass(frozen=True)
class Verdict:
    """What became of a vital: at first and last, its rise in the later half and from note to note there, and whether
    that is a climb."""

    vital: Vital
    first: float
    last: float
    rise: float
    each: float
    climbs: bool


class Record:
    """The vitals of this process over time."""

    def __init__(self, watched: Mapping[str, Vital] | None = None) -> None:
        self.watched = vitals() if watched is None else dict(watched)
        #: In arrays, whose numbers are no objects: the record is part of what it watches.
        self.values = {name: array("d") for name in self.watched}

    def __len__(self) -> int:
        return min(map(len, self.values.values()))

    def note(self) -> None:
        """Note all of them, after what is garbage has gone."""
        gc.collect()
        for name, vital in self.watched.items():
            self.values[name].append(vital.read())

    def latest(self) -> str:
        """The latest values in a line."""
        return ", ".join(f"{self.values[n][-1]:.{_digits(v)}f} {v.unit}" for n, v in self.watched.items())

    def verdicts(self) -> list[Verdict]:
        """What became of each."""
        return [_judge(vital, self.values[name]) for name, vital in self.watched.items()]


def _judge(vital: Vital, values: Sequence[float]) -> Verdict:
    later = values[len(values) // 2 :]
    levels = [float(np.median(part)) for part in np.array_split(later, min(_STRETCHES, len(later)))]
    rise = levels[-1] - levels[0]
    each = rise / (len(later) * (1 - 1 / len(levels)))
    rises = sum(b > a for a, b in itertools.pairwise(levels))
    return Verdict(vital, values[0], values[-1], rise, each, rises >= _RISES and rise > vital.allowed(levels[0]))


def _digits(vital: Vital) -> int:
    return 1 if vital.unit == "MiB" else 0


def vitals() -> dict[str, Vital]:
    """Those that this system tells."""
    found = [
        Vital("Python objects", "objects", lambda: len(gc.get_objects()), 0.001, 50),
        Vital("Python blocks", "blocks", sys.getallocatedblocks, 0.001, 100),
        Vital("native heap", "MiB heap", heap_mib, 0.0, 0.25),
        Vital("compiled code", "KiB code", code_kib, 0.02, 16),
        Vital("resident memory", "MiB", resident_mib, 0.02, 2),
        Vital("Python threads", "threads", threading.active_count, 0.0, 0.5),
        Vital("system threads", "system threads", lambda: _entries("task"), 0.0, 0.5),
        Vital("open files", "files", lambda: _entries("fd"), 0.0, 0.5),
    ]
    return {vital.name: vital for vital in found if vital.read() >= 0}


#: What a vital reads where the system does not tell.
_UNKNOWN = -1.0
_PROCESS = Path("/proc/self")


def resident_mib() -> float:
    """The resident memory of this process but for what is of files, whose pages come as they are first used; the peak
    where the system tells no more."""
    status = _PROCESS / "statm"
    if status.exists():
        resident, of_files = map(int, status.read_text().split()[1:3])
        return (resident - of_files) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return peak_memory() or _UNKNOWN


def code_kib() -> float:
    """The memory that holds compiled code: executable and of no file."""
    maps = _PROCESS / "maps"
    if not maps.exists():
        return _UNKNOWN
    rows = [line.split() for line in maps.read_text().splitlines()]
    spans = [row[0].split("-") for row in rows if "x" in row[1] and len(row) == 5]
    return sum(int(end, 16) - int(start, 16) for start, end in spans) / 1024


def _entries(folder: str) -> float:
    path = _PROCESS / folder
    return len(os.listdir(path)) if path.exists() else _UNKNOWN


class _MallocInfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def heap_mib() -> float:
    """What the C library's allocator has handed out, to NumPy and LLVM above all; not what it keeps for later."""
    read = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    if read is None:
        return _UNKNOWN
    read.restype = _MallocInfo
    found = read()
    return float(found.uordblks + found.hblkhd) / 2**20
