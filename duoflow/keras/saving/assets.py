"""Assets of a `.keras` file: what layers write to a folder of their own, a vocabulary, under assets/ in the archive.

A layer with `save_assets(folder)` and `load_assets(folder)` gets an empty folder to write to, or one with its files.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["ROOT", "AssetsReader", "AssetsWriter"]

ROOT = "assets"


class AssetsWriter:
    """Puts what layers write into an archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def save(self, saveable: Any, path: str) -> None:
        """Let an object write its assets, if it has any."""
        if not hasattr(saveable, "save_assets"):
            return
        with tempfile.TemporaryDirectory() as folder:
            saveable.save_assets(folder)
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    inside = file.relative_to(folder).as_posix()
                    self._archive.write(file, "/".join(filter(None, (ROOT, path, inside))))


class AssetsReader:
    """Gives layers the files that they wrote.

    names: of the members of the archive. read: gives the content of one, refusing what is damaged or absurdly large
    """

    def __init__(self, names: list[str], read: Callable[[str], bytes]) -> None:
        self._names, self._read = names, read

    def load(self, saveable: Any, path: str) -> None:
        """Let an object read its assets, if it has any; no name in the archive leads out of its folder."""
        prefix = "/".join(filter(None, (ROOT, path))) + "/"
        names = [name for name in self._names if name.startswith(prefix) and not name.endswith("/")]
        if not names or not hasattr(saveable, "load_assets"):
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                inside = PurePosixPath(name.removeprefix(prefix))
                if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
                    raise ValueError(f"The archive has a member whose name leads out of its folder: {name!r}.")
                target = Path(folder, *inside.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._read(name))
            saveable.load_assets(folder)
