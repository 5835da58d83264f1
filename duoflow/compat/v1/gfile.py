"""`tf.gfile`: files and folders under TensorFlow 1's names.

TensorFlow: tf.compat.v1.gfile.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from duoflow.core.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, OpError

__all__ = [
    "Copy", "DeleteRecursively", "Exists", "FastGFile", "GFile", "Glob", "IsDirectory", "ListDirectory", "MakeDirs",
    "MkDir", "Open", "Remove", "Rename", "Stat", "Walk",
]  # fmt: skip


def _path(name: Any) -> str:
    return os.fsdecode(os.fspath(name))


def _translated(error: OSError, name: Any) -> OpError:
    kind = NotFoundError if isinstance(error, (FileNotFoundError, NotADirectoryError)) else InvalidArgumentError
    return kind(None, None, f"{_path(name)}; {error.strerror}")


class GFile:
    """A file that is opened when it is first used. TensorFlow: tf.io.gfile.GFile.

    Modes are "r", "w", "a" and "r+", with "b" for bytes. Errors are TensorFlow's.
    """

    def __init__(self, name: Any, mode: str = "r", encoding: str = "utf-8") -> None:
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise InvalidArgumentError(None, None, f"mode {mode!r} is not a file's.")
        self._name, self._mode, self._encoding, self._file = name, mode, encoding, None

    @property
    def name(self) -> Any:
        """The file's name."""
        return self._name

    @property
    def mode(self) -> str:
        """How it is opened."""
        return self._mode

    def _opened(self) -> Any:
        if self._file is None:
            try:
                text = None if "b" in self._mode else self._encoding
                self._file: Any = open(_path(self._name), self._mode, encoding=text)  # noqa: SIM115 - closed by close
            except OSError as error:
                raise _translated(error, self._name) from None
        return self._file

    def size(self) -> int:
        """The number of bytes."""
        self.flush()
        return os.path.getsize(_path(self._name))

    def read(self, n: int = -1) -> Any:
        """So many characters or bytes, or all that is left."""
        return self._opened().read(n)

    def readline(self) -> Any:
        """A line."""
        return self._opened().readline()

    def readlines(self) -> list[Any]:
        """The lines that are left."""
        return list(self._opened())

    def write(self, file_content: Any) -> None:
        """Write text or bytes."""
        self._opened().write(file_content)

    def seek(self, offset: int = 0, whence: int = 0) -> None:
        """Go to a place."""
        self._opened().seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return int(self._opened().tell())

    def seekable(self) -> bool:
        """Whether places can be gone to: always."""
        return True

    def flush(self) -> None:
        """Put what was written on disk."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._opened())

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


FastGFile = Open = GFile


def Exists(filename: Any) -> bool:
    """Whether a path exists. TensorFlow: tf.compat.v1.gfile.Exists."""
    return os.path.exists(_path(filename))


def IsDirectory(dirname: Any) -> bool:
    """Whether a path is a folder. TensorFlow: tf.compat.v1.gfile.IsDirectory."""
    return os.path.isdir(_path(dirname))


def Glob(filename: Any) -> list[str]:
    """The paths that match patterns, in order. TensorFlow: tf.compat.v1.gfile.Glob."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    return sorted(found for p in patterns for found in glob.glob(_path(p)))


def ListDirectory(dirname: Any) -> list[str]:
    """The names in a folder. TensorFlow: tf.compat.v1.gfile.ListDirectory."""
    if not IsDirectory(dirname):
        raise NotFoundError(None, None, f"Could not find directory {_path(dirname)}")
    return os.listdir(_path(dirname))


def MakeDirs(dirname: Any) -> None:
    """Make a folder and those above it; none is an error that exists. TensorFlow: tf.compat.v1.gfile.MakeDirs."""
    os.makedirs(_path(dirname), exist_ok=True)


def MkDir(dirname: Any) -> None:
    """Make a folder. TensorFlow: tf.compat.v1.gfile.MkDir."""
    try:
        os.mkdir(_path(dirname))
    except FileExistsError:
        raise AlreadyExistsError(None, None, f"{_path(dirname)}; File exists") from None
    except OSError as error:
        raise _translated(error, dirname) from None


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. TensorFlow: tf.compat.v1.gfile.Copy."""
    _free(newpath, overwrite)
    try:
        shutil.copyfile(_path(oldpath), _path(newpath))
    except OSError as error:
        raise _translated(error, oldpath) from None


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename a file or folder. TensorFlow: tf.compat.v1.gfile.Rename."""
    _free(newname, overwrite)
    try:
        os.replace(_path(oldname), _path(newname))
    except OSError as error:
        raise _translated(error, oldname) from None


def _free(name: Any, overwrite: bool) -> None:
    if not overwrite and Exists(name):
        raise AlreadyExistsError(None, None, f"file already exists: {_path(name)}")


def Remove(filename: Any) -> None:
    """Delete a file. TensorFlow: tf.compat.v1.gfile.Remove."""
    try:
        os.remove(_path(filename))
    except OSError as error:
        raise _translated(error, filename) from None


def DeleteRecursively(dirname: Any) -> None:
    """Delete a folder and all in it. TensorFlow: tf.compat.v1.gfile.DeleteRecursively."""
    try:
        shutil.rmtree(_path(dirname))
    except OSError as error:
        raise _translated(error, dirname) from None


def Stat(filename: Any) -> Any:
    """The length, the time of the last change and whether it is a folder. TensorFlow: tf.compat.v1.gfile.Stat."""
    try:
        found = os.stat(_path(filename))
    except OSError as error:
        raise _translated(error, filename) from None
    return SimpleNamespace(length=found.st_size, mtime_nsec=found.st_mtime_ns, is_directory=IsDirectory(filename))


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, folders in it, files in it) for all folders below one. TensorFlow: tf.compat.v1.gfile.Walk."""
    return os.walk(_path(top), topdown=in_order)
