"""Whole TensorFlow programs, unmodified, print what they print under TensorFlow, number by number.

Each program of tests/programs runs as `duoflow run` runs it; tests/golden/record_programs.py recorded the real output.
"""

import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from duoflow.compat.v1 import leave_graph_mode
from duoflow.compat.v1.summary import FileWriterCache
from duoflow.tools.alias import install_as_tensorflow, uninstall
from duoflow.tools.run import main as run

PROGRAMS = Path(__file__).parent / "programs"
GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "programs.json").read_text(encoding="utf-8"))
TF1_RECORDED = json.loads((GOLDEN / "tf1_programs.json").read_text(encoding="utf-8"))
#: What those print that TensorFlow 2.21 cannot run any more: they check themselves.
TF1_CHECKS = {
    "crf_tagger": [
        "not yet: True", "[[0, 9, 9]] 12", "learned: True", "accurate: True padding: True", "the same: True True",
    ],
    "dcgan": ["(32, 8, 8, 1) True True", "discriminator learned: True"],
    "perceptron_estimator": [
        "step 80 accurate: True ['accuracy', 'global_step', 'loss']",
        "resumed at 100",
        "20 ['class', 'p'] True",
        "True True",
    ],
    "perceptron_layers": ["14 1 model/logits/BiasAdd:0", "learned: True True", "shared: True"],
    "recurrent_networks": ["learned: True", "learned: True", "learned: True"],
    "translation_attention": ["learned: True True", "right: True", "4 3 True", "translated: True"],
    "wide_and_deep": [
        "step 100 better than chance: True", "good: True True", "same: True",
        "linear/linear_model/age_bucketized/weights",
        "['age', 'education', 'hours', 'job'] (1,) <dtype: 'string'>", "baseline: True True",
    ],
}  # fmt: skip
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
    assert_prints(capfd.readouterr().out, RECORDED[name])


def assert_prints(out: str, recorded: list[str]) -> None:
    got, wanted = parts(out), parts("\n".join(recorded))
    assert got[0] == wanted[0]
    np.testing.assert_allclose(got[1], wanted[1], rtol=2e-4, atol=2e-6)


@pytest.fixture
def as_a_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What running a program changes in the process is put back."""
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield
    FileWriterCache.clear()
    leave_graph_mode()
    uninstall()


@pytest.mark.parametrize("name", sorted(p.stem for p in (PROGRAMS / "tf1").glob("*.py")))
def test_program_of_tensorflow_1(name: str, capfd: pytest.CaptureFixture[str], as_a_script: None) -> None:
    status = run(["--tf1", "--seed", "1", str(PROGRAMS / "tf1" / f"{name}.py")])
    printed = capfd.readouterr()
    assert not status, printed.err
    if name in TF1_RECORDED:
        assert_prints(printed.out, TF1_RECORDED[name])
    else:
        lines = printed.out.splitlines()
        assert [line for line in lines if line in TF1_CHECKS[name]] == TF1_CHECKS[name], printed.out
