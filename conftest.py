"""What tests and doctests may rely on: `tf` and `np`, fixed seeds, graphs checked between passes, no aliases left."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

import duoflow
from duoflow.core.switches import switches
from duoflow.tools import alias

switches.check_graphs = True


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace: dict[str, object]) -> None:
    """The names that examples in docstrings use without importing them."""
    doctest_namespace.update(tf=duoflow, np=np)


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random state and leaves no aliased `tensorflow` behind."""
    random.seed(0)
    np.random.seed(0)
    duoflow.random.set_seed(0)
    yield
    alias.uninstall()


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The variables of a subprocess that imports this checkout, installed or not, and prints plainly."""
    checkout = str(Path(duoflow.__file__).resolve().parent.parent)
    return {**os.environ, "PYTHONPATH": checkout, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


@pytest.fixture
def cache_dir(tmp_path, monkeypatch):
    """An empty cache directory for this test, for subprocesses too."""
    monkeypatch.setenv("DUOFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
