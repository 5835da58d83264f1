"""`tf.profiler.experimental`: what a profile holds, in Chrome's trace format."""

import json

import pytest

import duoflow as tf
from duoflow.core import emit
from duoflow.core.switches import switches
from duoflow.engines.native import profile

experimental = tf.profiler.experimental


@tf.function
def product(x):
    return tf.reduce_sum(tf.nn.relu(tf.matmul(x, x)))


def events_of(folder):
    (path,) = folder.glob("plugins/profile/*/*.trace.json")
    return json.loads(path.read_text())["traceEvents"]


def test_a_profile_has_graphs_kernels_eager_ops_and_marks(tmp_path):
    x = tf.ones([64, 64])
    product(x)
    with experimental.Profile(tmp_path, experimental.ProfilerOptions(python_tracer_level=1)):
        for step in range(2):
            with experimental.Trace("train", step_num=step) as mark:
                mark.set_metadata(loss=1.5)
                product(x) + 1.0
    events = events_of(tmp_path)
    timed = [e for e in events if e["ph"] == "X"]
    assert all(e.keys() >= {"name", "pid", "tid", "ts", "dur", "args"} and e["dur"] >= 0 for e in timed)
    marks = [e for e in timed if e["name"] == "train"]
    assert [e["args"] for e in marks] == [{"step_num": 0, "loss": 1.5}, {"step_num": 1, "loss": 1.5}]
    graphs = [e for e in timed if e["name"].startswith("__inference_product")]
    kernels = [e for e in timed if "MatMul" in e["name"]]
    adds = [e for e in timed if e["name"] == "AddV2"]
    assert len(graphs) == len(kernels) == len(adds) == 2
    for mark, graph, kernel, add in zip(marks, graphs, kernels, adds, strict=True):
        assert mark["ts"] <= graph["ts"] <= kernel["ts"] <= kernel["ts"] + kernel["dur"] <= graph["ts"] + graph["dur"]
        assert graph["ts"] + graph["dur"] <= add["ts"] and add["ts"] + add["dur"] <= mark["ts"] + mark["dur"]
        assert add["args"]["inputs"] == ["float32[]", "float32[]"] and "product(x) + 1.0" in add["args"]["line"]
    rows = {e["tid"]: e["args"]["name"].split(" (")[0] for e in events if e["name"] == "thread_name"}
    assert {rows[e["tid"]] for e in graphs + kernels} == {"graphs"} and {rows[e["tid"]] for e in adds} == {"eager ops"}


def test_nothing_is_left_behind(tmp_path):
    experimental.start(tmp_path)
    assert profile.is_on() and emit.observer is not None and switches.watched == 1
    experimental.stop(save=False)
    assert not profile.is_on() and emit.observer is None and switches.watched == 0 and not profile.watchers
    assert not list(tmp_path.iterdir())


def test_options_leave_things_out(tmp_path):
    with experimental.Profile(tmp_path, experimental.ProfilerOptions(host_tracer_level=0, device_tracer_level=0)):
        product(tf.ones([4, 4]))
        with experimental.Trace("only"):
            tf.ones([2]) + 1.0
    assert [e["name"] for e in events_of(tmp_path) if e["ph"] == "X"] == ["only"]


def test_mistakes_are_tensorflows():
    with pytest.raises(tf.errors.UnavailableError, match="No profiler is running"):
        experimental.stop()
    experimental.start("anywhere")
    with pytest.raises(tf.errors.AlreadyExistsError, match="Another profiler is running"):
        experimental.start("anywhere")
    experimental.stop(save=False)
    assert experimental.ProfilerOptions() == (2, 0, 1, None)


def test_checked_numerics_and_a_profile_do_not_disturb_each_other(tmp_path):
    tf.debugging.enable_check_numerics()
    tf.debugging.enable_check_numerics()
    experimental.start(tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Detected Infinity or NaN"):
        tf.math.log(tf.constant(-1.0))
    tf.debugging.disable_check_numerics()
    assert switches.watched == 1
    experimental.stop(save=False)
    assert switches.watched == 0
