"""Reading the members of a zip archive that may be damaged, or made to do harm. None is unpacked to disk."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

from .limits import check_expansion

__all__ = ["open_archive", "read_member"]

#: What Python's zip files raise for archives that are damaged, encrypted, or of a kind they do not know.
_DAMAGES = (
    *(zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError),
    *(zlib.error, lzma.LZMAError),
)


def open_archive(filepath: Any) -> zipfile.ZipFile:
    """An archive, open for reading; `ValueError` for a file that is missing, damaged or something else."""
    if not zipfile.is_zipfile(filepath):
        raise ValueError(
            f"File not found: filepath={filepath}. Please ensure the file is an accessible `.keras` zip file."
            if not Path(filepath).exists()
            else f"The file {filepath} is not a `.keras` zip file, or it is damaged or cut off."
        )
    try:
        return zipfile.ZipFile(filepath)
    except _DAMAGES as error:
        raise ValueError(f"The file {filepath} is damaged or cut off: {error}") from None


def read_member(archive: zipfile.ZipFile, name: str, filepath: Any) -> bytes:
    """The content of a member; `ValueError` if it is missing, damaged or would unfold to far more than its size."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"The archive {filepath} has no member {name}; it has {sorted(archive.namelist())}.") from None
    check_expansion(f"{name} in {filepath}", info.file_size, info.compress_size)
    try:
        return archive.read(info)
    except _DAMAGES as error:
        raise ValueError(f"{name} in {filepath} is damaged: {error}") from None
