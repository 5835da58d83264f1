"""A hundred steps of training give TensorFlow's losses, on the native engine and on the reference."""

import json

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import engine
from tests.golden.training_curves import NETWORKS, RECORDED, losses

CURVES = json.loads(RECORDED.read_text())


@pytest.fixture(params=["native", pytest.param("reference", marks=pytest.mark.slow)])
def installed(request):
    before = engine.current()
    engine.install(f"duoflow.engines.{'native.engine' if request.param == 'native' else 'reference'}")
    yield request.param
    engine.install(before)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_follows_tensorflow(name, installed):
    found = losses(tf, name)
    assert np.mean(found[-10:]) < 0.95 * np.mean(found[:10])  # it learns, so that the curves mean something
    np.testing.assert_allclose(found, CURVES[name], rtol=2e-4, atol=1e-5)
