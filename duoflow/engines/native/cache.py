"""What is kept on disk from one start of a program to the next: object files, and programs as `images` has them.

One folder, an entry for each; its name is the hash of all that it was made from. Entries are put there by an atomic
rename and begin with a check of what follows, so that processes may read and write at once, and one that is damaged is
as good as none. A folder that cannot be written is no error. What was used longest ago goes when there is too much.

Environment: DUOFLOW_CACHE names the folder ("off": nothing is kept).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from duoflow.core.engine import IMPORTED

__all__ = ["cache_directory", "key_of", "read", "sources", "write"]

_BYTES = 512 << 20
_CHECK_BYTES = 8
#: The folders of duoflow that decide what becomes of a traced graph.
_SOURCES = ("core", "engines", "ops", "passes")


def cache_directory() -> Path | None:
    """Where compiled code is kept, or None if caching is off."""
    chosen = os.environ.get("DUOFLOW_CACHE")
    if chosen is not None:
        return None if chosen.lower() in ("", "off", "0") else Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "duoflow" / "native"


def key_of(*parts: bytes) -> str:
    """The name of what is made from these."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=20).hexdigest()


@functools.cache
def sources() -> bytes | None:
    """What tells this state of duoflow's own code from every other; None if it cannot be told.

    As Python does for its bytecode, it goes by the size and the time of change of every file. Where one is younger than
    this process, what runs may be older than what is on disk.
    """
    root = Path(__file__).parents[2]
    digest, folders = hashlib.blake2b(digest_size=20), [os.fspath(root / name) for name in _SOURCES]
    count = 0
    try:
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda e: e.name):
                    if entry.is_dir():
                        folders += [entry.path] if entry.name != "__pycache__" else []
                    else:
                        found, count = entry.stat(), count + 1
                        if found.st_mtime_ns > IMPORTED:
                            return None
                        digest.update(f"{entry.path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    except OSError:
        return None
    return digest.digest() if count else None


def read(name: str) -> bytes | None:
    """An entry, if it is there and sound."""
    directory = cache_directory()
    if directory is None:
        return None
    path = directory / name
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    check, content = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
    return content if check == _check_of(content) else None


def write(name: str, content: bytes) -> None:
    """Keep an entry."""
    directory = cache_directory()
    if directory is None:
        return
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_check_of(content) + content)
            os.replace(temporary, directory / name)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if int(name[:2], 16) < 8:
            _trim(directory)


def _check_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK_BYTES).digest()


def _trim(directory: Path) -> None:
    """Delete the entries used longest ago until the folder is within its bound (looked at after one write in 32)."""
    entries = sorted(((e.stat().st_mtime, e.stat().st_size, e) for e in directory.iterdir()), key=lambda e: e[0])
    excess = sum(size for _, size, _ in entries) - _BYTES
    for _, size, entry in entries:
        if excess <= 0:
            break
        entry.unlink(missing_ok=True)
        excess -= size
