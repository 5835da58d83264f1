"""Whole TensorFlow programs, unmodified, print what they print under TensorFlow, number by number.

Each program of tests/programs runs as `duoflow run` runs it; tests/golden/record_programs.py recorded the real output.
"""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from duoflow.compat.v1 import leave_graph_mode
from duoflow.tools.alias import install_as_tensorflow

PROGRAMS = Path(__file__).parent / "programs"
RECORDED = json.loads((Path(__file__).parent / "golden" / "programs.json").read_text(encoding="utf-8"))
NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")


def parts(text: str) -> tuple[list[str], list[float]]:
    """The words of a text and its numbers: NumPy aligns columns by the last digits, which may differ."""
    return NUMBER.sub(" # ", text).split(), [float(n) for n in NUMBER.findall(text)]


@pytest.mark.parametrize("name", sorted(p.stem for p in PROGRAMS.glob("*.py")))
def test_program_prints_what_tensorflow_prints(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    install_as_tensorflow()
    try:
        runpy.run_path(str(PROGRAMS / f"{name}.py"), run_name="__main__")
    finally:
        leave_graph_mode()
    got, wanted = parts(capfd.readouterr().out), parts("\n".join(RECORDED[name]))
    assert got[0] == wanted[0]
    np.testing.assert_allclose(got[1], wanted[1], rtol=2e-4, atol=2e-6)
