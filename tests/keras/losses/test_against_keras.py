"""Every loss with every reduction, weights and masks, as Keras computes it."""

import json

import pytest

import duoflow as tf
from tests.golden.keras_training import loss_cases

from ..recorded import assert_close, recorded

RECORDED = recorded("losses")
GRADIENTS = recorded("loss_gradients")


@pytest.mark.parametrize("expression, data", loss_cases.CASES, ids=lambda part: str(part))
def test_values_and_config(expression, data):
    ours = json.loads(json.dumps(loss_cases.values(tf, expression, data)))
    keras = RECORDED["values"][f"{expression} of {data}"]
    # Keras leaves some arguments out of configs; ours have all. It cannot weigh the samples of losses per step; we can.
    ours["config"] = {key: ours["config"][key] for key in keras["config"]}
    keras = {key: value for key, value in keras.items() if value != "InvalidArgumentError"}
    assert_close({key: ours[key] for key in keras}, keras, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("reduction", list(RECORDED["masked"]))
def test_masks_of_predictions(reduction):
    assert_close(loss_cases.masked(tf, reduction), RECORDED["masked"][reduction])


@pytest.mark.parametrize("expression, data", loss_cases.CASES, ids=lambda part: str(part))
def test_gradients(expression, data):
    keras = GRADIENTS[f"{expression} of {data}"]
    assert_close(loss_cases.gradient(tf, expression, data), keras, rtol=1e-5, atol=1e-6)
