"""Every optimizer and schedule over several steps: variables, slots, their order and the config, as under Keras."""

import json

import pytest

import duoflow as tf
from tests.golden.keras_training import optimizer_cases

from ..recorded import assert_close, recorded

RECORDED = recorded("optimizers")


@pytest.mark.parametrize("expression", optimizer_cases.OPTIMIZERS)
def test_trajectory(expression):
    ours = json.loads(json.dumps(optimizer_cases.trajectory(tf, expression)))
    assert_close(ours, RECORDED["dense"][expression], rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("expression", optimizer_cases.SPARSE)
def test_gradients_of_rows(expression):
    assert_close(
        optimizer_cases.sparse_trajectory(tf, expression), RECORDED["sparse"][expression], rtol=3e-6, atol=1e-6
    )


@pytest.mark.parametrize("expression", optimizer_cases.SCHEDULES)
def test_schedule(expression):
    ours = json.loads(json.dumps(optimizer_cases.rates(tf, expression)))
    assert_close(ours, RECORDED["schedules"][expression], rtol=2e-6)
