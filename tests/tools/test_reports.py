"""`duoflow ops` and `duoflow doctor`."""

import numpy as np
import pytest

from duoflow.core.record import OPS, Kind
from duoflow.tools import doctor, ops


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_every_op_is_listed_once(capsys):
    assert ops.main([]) == 0
    head, *rows, total = lines(capsys)
    assert head.split()[0] == "op"
    assert sorted(row.split()[0] for row in rows) == sorted(OPS)
    assert total.startswith(f"{len(OPS)} ops: ")


@pytest.mark.parametrize(
    ("name", "where"),
    {
        **dict.fromkeys(["AddV2", "Exp", "SelectV2", "MatMul", "Sum", "Transpose"], "native"),
        "Softmax": "its parts",
        "ReadVariableOp": "passes",
        "Where": "host",
        "Const": "-",
    }.items(),
)
def test_what_runs_an_op(name, where):
    assert ops.runs_on(OPS[name]) == where


def test_a_body_the_native_engine_cannot_write_runs_on_the_host(monkeypatch):
    monkeypatch.delattr(ops.LLVMBuilder, "sqrt")
    assert not ops.writes_body(OPS["Sqrt"], ops.float32)
    assert ops.writes_body(OPS["Exp"], ops.float32)


@pytest.mark.parametrize("kind", ["host", "view"])
def test_a_kind_can_be_chosen(kind, capsys):
    ops.main(["--kind", kind])
    _, *rows, _ = lines(capsys)
    assert {row.split()[0] for row in rows} == {op.name for op in OPS.values() if op.kind is Kind(kind)}


def test_what_is_missing_is_what_runs_on_the_host(capsys):
    ops.main(["--missing", "native"])
    _, *rows, _ = lines(capsys)
    assert {row.split()[0] for row in rows} == {op.name for op in OPS.values() if ops.runs_on(op) == "host"}


def test_the_doctor_finds_this_installation_well(capsys):
    assert doctor.main([]) == 0
    printed = lines(capsys)
    assert {"versions", "processor", "files", "self-test"} <= set(printed)
    verdicts = printed[printed.index("self-test") + 1 :]
    assert len(verdicts) == len(doctor.CHECKS)
    assert all(verdict.endswith(" ok") for verdict in verdicts)


def test_the_doctor_sees_wrong_results(monkeypatch, capsys):
    monkeypatch.setitem(doctor.CHECKS, "eager", lambda: doctor.compare([np.float32(1), np.ones((48, 20))]))
    assert doctor.main([]) == 1
    assert "off by" in capsys.readouterr().out


def test_the_doctor_reports_what_fails(monkeypatch, capsys):
    monkeypatch.setitem(doctor.CHECKS, "eager", lambda: 1 / 0)
    assert doctor.main([]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
