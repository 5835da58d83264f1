"""Files from elsewhere: downloaded once, checked, kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import warnings
import zipfile
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

__all__ = ["cache_folder", "get_file"]


def cache_folder() -> Path:
    """Where Keras keeps files: $KERAS_HOME, or ~/.keras."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def get_file(
    fname: Any = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None,
    file_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto", extract: bool = False,
    archive_format: Any = "auto", cache_dir: Any = None, force_download: bool = False,
) -> str:  # fmt: skip
    """The local path of a file, downloaded from `origin` if the cache does not have it.

    Args:
      fname: its name in the cache; by default the last part of `origin`. An absolute path stands for itself.
      file_hash: SHA-256 or MD5 of the file, checked before it is used.
      extract: unpack a zip or tar archive beside it and return that folder; no member may leave the folder.

    Keras: keras.utils.get_file. Raises `ValueError` for a wrong hash and `Exception` if the download fails.
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    name = os.fspath(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(
            f"Can't parse the file name from the origin provided: '{origin}'. Please specify the `fname` argument."
        )
    folder = Path(cache_dir or cache_folder()) / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    if force_download or not target.exists() or not _intact(target, file_hash, hash_algorithm):
        _download(origin, target, file_hash, hash_algorithm)
    if untar or extract:
        unpacked = target.with_name(f"{target.name}_extracted") if extract else target.with_suffix("")
        if force_download or not unpacked.exists():
            _unpack(target, unpacked)
        return str(unpacked)
    return str(target)


def _intact(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if file_hash is None or _hash(path, file_hash, algorithm) == file_hash:
        return True
    warnings.warn(
        f"A local file was found, but it seems to be incomplete or outdated, because its hash does not match: {path}",
        stacklevel=3,
    )
    return False


def _hash(path: Path, expected: str, algorithm: str) -> str:
    kind = "sha256" if algorithm in ("sha256", "auto") and len(expected) == 64 else "md5"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    """Fetch to a temporary name, check, rename: the cache never holds half a file."""
    print(f"Downloading data from {origin}")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with os.fdopen(handle, "wb") as out:
            _fetch(origin, out)
        if file_hash is not None and _hash(Path(temporary), file_hash, algorithm) != file_hash:
            raise ValueError(
                f"Incomplete or corrupted file detected. The {algorithm} file hash does not match the provided value "
                f"of {file_hash}."
            )
        os.replace(temporary, target)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise Exception(f"URL fetch failure on {origin}: {error}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def _fetch(origin: str, out: Any) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with urllib.request.urlopen(origin, timeout=30) as response, Progress(*columns, transient=True) as progress:
        size = int(response.headers.get("Content-Length") or 0)
        task = progress.add_task(os.path.basename(origin), total=size or None)
        while chunk := response.read(1 << 16):
            out.write(chunk)
            progress.advance(task, len(chunk))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file; `ValueError` for members that would leave the folder, or a file of another kind."""
    temporary = Path(tempfile.mkdtemp(dir=archive.parent))
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                for member in file.namelist():
                    _check_inside(temporary, member)
                file.extractall(temporary)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as file:
                for member in file.getmembers():
                    _check_inside(temporary, member.name)
                file.extractall(temporary, filter="data")
        else:
            raise ValueError(f"{archive} is not a zip or tar archive.")
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_inside(folder: Path, member: str) -> None:
    if not (folder / member).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"The archive has a member that would be written outside its folder: {member!r}")
