"""Every metric over several updates: results, variables and configs as Keras gives them."""

import json

import numpy as np
import pytest

import duoflow as tf
from tests.golden.keras_training import metric_cases

from ..recorded import assert_close, recorded

RECORDED = recorded("metrics")


@pytest.mark.parametrize("expression, data", metric_cases.CASES, ids=lambda part: str(part))
def test_values_variables_and_config(expression, data):
    tf.keras.backend.clear_session()
    ours = metric_cases.values(tf, expression, data)
    ours = json.loads(json.dumps(ours, default=lambda x: np.asarray(x).tolist()))
    keras = RECORDED[f"{expression} of {data}"]
    # Keras leaves some arguments out of configs; ours have all.
    ours["config"] = {key: ours["config"][key] for key in keras["config"]}
    assert_close(ours, keras, rtol=2e-6, atol=1e-6)
