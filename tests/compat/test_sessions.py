"""Around sessions: compiled once, partial runs, iterators, queues, hooks, monitored training, wrapped functions."""

import threading

import numpy as np
import pytest

import duoflow
from duoflow.core import engine

tf = duoflow.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_a_fetch_is_compiled_once_for_all_feeds(monkeypatch):
    compiled = []
    real = engine.current()
    monkeypatch.setattr("duoflow.trace.session.executable", lambda g: compiled.append(g) or real.compile(g))
    x, v = tf.placeholder(tf.float32, [None]), tf.get_variable("v", initializer=2.0)
    y = tf.reduce_sum(x * v)
    with tf.Session() as session:
        session.run(v.initializer)
        compiled.clear()
        assert [session.run(y, {x: np.ones(n)}) for n in (3, 3, 5)] == [6.0, 6.0, 10.0]
        assert len(compiled) == 1
        session.run([y, v], {x: [1.0]})
        session.run([y, v], {"Placeholder:0": [2.0]})
        assert len(compiled) == 2


def test_partial_runs_compute_nothing_twice():
    a, b, c = (tf.placeholder(tf.float32, []) for _ in range(3))
    total, count = a + b, tf.get_variable("count", initializer=0.0)
    with tf.control_dependencies([count.assign_add(1.0)]):
        first = tf.identity(total)
    product = total * c
    last = first * product
    with tf.Session() as session:
        session.run(count.initializer)
        run = session.partial_run_setup([first, product, last], [a, b, c])
        assert session.partial_run(run, first, {a: 1, b: 2}) == 3
        assert session.partial_run(run, product, {c: 17}) == 51
        assert session.partial_run(run, last) == 153
        assert session.run(count) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="not announced"):
            session.partial_run(run, last)


# -- iterators ---------------------------------------------------------------------------------------------------------


def test_iterators_start_when_they_are_initialised():
    x, size = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [])
    data = tf.data.Dataset.from_tensor_slices((x, tf.range(tf.shape(x)[0]))).map(lambda a, b: (a * 2, b + 1))
    iterator = tf.data.make_initializable_iterator(data.repeat(2).batch(size))
    step = iterator.get_next()
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError, match="not been initialized"):
            session.run(step)
        session.run(iterator.initializer, {x: np.ones((3, 2)), size: 4})
        assert [session.run(step)[1].tolist() for _ in range(2)] == [[1, 2, 3, 1], [2, 3]]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(step)
        session.run(iterator.initializer, {x: np.zeros((1, 2)), size: 2})
        assert session.run(step)[1].tolist() == [1, 1]


def test_one_shot_iterators_start_anew_in_each_session():
    step = tf.data.make_one_shot_iterator(tf.data.Dataset.range(2)).get_next()
    for _ in range(2):
        with tf.Session() as session:
            assert [session.run(step), session.run(step)] == [0, 1]
    with pytest.raises(ValueError, match="cannot capture 'Placeholder'"):
        tf.data.make_one_shot_iterator(tf.data.Dataset.from_tensors(tf.placeholder(tf.float32)))


def test_one_iterator_goes_over_several_datasets():
    iterator = tf.data.Iterator.from_structure(tf.float32, tf.TensorShape([2]))
    step = iterator.get_next()
    starts = [iterator.make_initializer(tf.data.Dataset.from_tensors([n, n])) for n in (1.0, 2.0)]
    handle = tf.placeholder(tf.string, [])
    fed = tf.data.Iterator.from_string_handle(handle, tf.float32, [2]).get_next()
    with tf.Session() as session:
        for n, start in enumerate(starts, 1):
            session.run(start)
            assert session.run(step).tolist() == [n, n]
        session.run(starts[0])
        assert session.run(fed, {handle: session.run(iterator.string_handle())}).tolist() == [1, 1]
    with pytest.raises(TypeError, match="output types"):
        iterator.make_initializer(tf.data.Dataset.range(3))


# -- queues ------------------------------------------------------------------------------------------------------------


def test_a_full_queue_waits_and_a_closed_one_refuses():
    queue = tf.FIFOQueue(2, [tf.int32], shapes=[[]])
    value = tf.placeholder(tf.int32, [None])
    put, take, size = queue.enqueue_many([value]), queue.dequeue(), queue.size()
    close, cancel = queue.close(), queue.close(cancel_pending_enqueues=True)
    with tf.Session() as session:
        thread = threading.Thread(target=lambda: session.run(put, {value: range(4)}))
        thread.start()
        assert [session.run(take) for _ in range(4)] == [0, 1, 2, 3]
        thread.join(10)
        session.run(put, {value: [5]})
        session.run(close)
        with pytest.raises(tf.errors.CancelledError, match="already closed"):
            session.run(put, {value: [6]})
        assert session.run(take) == 5 and session.run(size) == 0
        with pytest.raises(tf.errors.OutOfRangeError, match="closed and has insufficient elements"):
            session.run(take)
    with tf.Session() as session:
        raised = []

        def fill():
            try:
                session.run(put, {value: range(9)})
            except tf.errors.CancelledError as error:
                raised.append(error)

        thread = threading.Thread(target=fill)
        thread.start()
        session.run(cancel)
        thread.join(10)
        assert len(raised) == 1


def test_queues_of_other_orders():
    shuffled = tf.RandomShuffleQueue(20, 0, [tf.int32], shapes=[[]], seed=3)
    urgent = tf.PriorityQueue(20, [tf.string], shapes=[[]])
    padded = tf.PaddingFIFOQueue(20, [tf.int32], shapes=[[None]])
    with tf.Session() as session:
        session.run(shuffled.enqueue_many([np.arange(15)]))
        drawn = session.run(shuffled.dequeue_many(15)).tolist()
        assert sorted(drawn) == list(range(15)) != drawn
        session.run(urgent.enqueue_many([np.array([3, 1, 2]), ["c", "a", "b"]]))
        assert session.run(urgent.dequeue_many(3))[1].tolist() == [b"a", b"b", b"c"]
        for row in ([1], [2, 3]):
            session.run(padded.enqueue([row]))
        assert session.run(padded.dequeue_many(2)).tolist() == [[1, 0], [2, 3]]
    with pytest.raises(ValueError, match="incompatible"):
        tf.FIFOQueue(1, [tf.int32], shapes=[[2]]).enqueue([tf.constant([1, 2, 3])])


def test_threads_report_what_they_raise():
    coord = tf.train.Coordinator()

    def fail():
        with coord.stop_on_exception():
            raise KeyError("lost")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(KeyError, match="lost"):
        coord.join([thread])
    assert coord.should_stop()


# -- monitored training ------------------------------------------------------------------------------------------------


def training():
    w = tf.get_variable("w", initializer=1.0)
    step = tf.train.get_or_create_global_step()
    loss = tf.square(w)
    tf.summary.scalar("loss", loss)
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step), step, w


def test_monitored_training_stops_saves_and_resumes(tmp_path):
    calls = []

    class Hook(tf.train.SessionRunHook):
        def before_run(self, context):
            return tf.train.SessionRunArgs(step)

        def after_run(self, context, values):
            calls.append(int(values.results))

    train, step, w = training()
    hooks = [tf.train.StopAtStepHook(num_steps=5), Hook()]
    options = {"checkpoint_dir": tmp_path, "hooks": hooks, "save_checkpoint_steps": 2, "save_summaries_steps": 1}
    with tf.train.MonitoredTrainingSession(**options) as session:
        while not session.should_stop():
            session.run(train)
        raw = session.raw_session().run(w)
    assert len(calls) == 5 and tf.train.latest_checkpoint(tmp_path).endswith("model.ckpt-5")
    assert tf.train.load_variable(tmp_path, "w") == raw
    with tf.Graph().as_default():
        train, step, w = training()
        with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, save_summaries_steps=None) as session:
            assert session.run(step) == 5 and session.run(w) == raw
    (events,) = tmp_path.glob("events*")
    tags = [v.tag for e in tf.train.summary_iterator(events) for v in e.summary.value]
    assert tags.count("loss") == 5
    tf.summary.FileWriterCache.clear()


def test_monitored_sessions_end_with_their_data():
    value = tf.data.make_one_shot_iterator(tf.data.Dataset.range(3)).get_next()
    seen = []
    with tf.train.SingularMonitoredSession() as session:
        while not session.should_stop():
            seen.append(int(session.run(value)))
    assert seen == [0, 1, 2]
    with pytest.raises(RuntimeError, match="after should_stop"):
        session.run(value)


def test_losses_that_are_not_numbers_stop_the_training():
    x = tf.placeholder_with_default(float("nan"), [])
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError),
        tf.train.SingularMonitoredSession([tf.train.NanTensorHook(x)]) as session,
    ):
        session.run(x)


# -- savers ------------------------------------------------------------------------------------------------------------


def test_savers_keep_the_latest_and_name_what_does_not_fit(tmp_path):
    v = tf.get_variable("v", initializer=np.arange(4.0))
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(v.initializer)
        paths = [saver.save(session, str(tmp_path / "m"), global_step=n, write_meta_graph=False) for n in range(3)]
    assert saver.last_checkpoints == paths[1:] and not tf.train.checkpoint_exists(paths[0])
    assert tf.train.list_variables(tmp_path) == [("v", [4])]
    with tf.Graph().as_default(), tf.Session() as session:
        wrong, other = tf.get_variable("v", [2, 2], tf.float64), tf.get_variable("other", [1])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"v is float64 of shape \[4\]"):
            tf.train.Saver([wrong]).restore(session, paths[-1])
        with pytest.raises(tf.errors.NotFoundError, match="Key other not found"):
            tf.train.Saver([other]).restore(session, paths[-1])
        with pytest.raises(ValueError, match="not a valid checkpoint"):
            tf.train.Saver([wrong]).restore(session, str(tmp_path / "none"))
        tf.train.Saver([wrong], reshape=True).restore(session, paths[-1])
        assert session.run(wrong).tolist() == [[0, 1], [2, 3]]
        tf.train.init_from_checkpoint(str(tmp_path), {"v": tf.get_variable("w", [4], tf.float64)})
        session.run(tf.global_variables_initializer())
        assert session.run("w/Read/ReadVariableOp:0").tolist() == [0, 1, 2, 3]


def test_graphs_that_parse_examples_are_saved(tmp_path):
    texts = tf.placeholder(tf.string, [None])
    tf.parse_example(texts, {"a": tf.FixedLenFeature([2], tf.float32)})
    v = tf.get_variable("v", [2])
    with tf.Session() as session:
        session.run(v.initializer)
        assert tf.train.checkpoint_exists(tf.train.Saver().save(session, str(tmp_path / "m")))


@pytest.mark.parametrize("feeds", [[1, 2], "x", 3, [(0, 1)], (1,)])
def test_only_dictionaries_are_fed(feeds):
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as session, pytest.raises(TypeError, match="dictionary"):
        session.run(x + 1.0, feeds)


def test_iterating_over_a_tensor_says_that_it_has_no_value():
    x = tf.placeholder(tf.float32, [3])
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match=r"Session\.run") as caught:
        list(x)
    assert isinstance(caught.value, TypeError) and "tf.function" not in str(caught.value)


# -- functions and flags -----------------------------------------------------------------------------------------------


def test_wrapped_functions_keep_their_variables():
    def count(x):
        v = tf.get_variable("v", initializer=1.0)
        return tf.assign_add(v, x)

    wrapped = tf.wrap_function(count, [duoflow.TensorSpec([], duoflow.float32)])
    assert [float(wrapped(2.0)), float(wrapped(3.0))] == [3.0, 6.0]
    assert [v.name for v in wrapped.variables] == ["v:0"]


def test_flags_are_read_from_the_command_line():
    values = tf.flags.FlagValues()
    tf.flags.DEFINE_integer("steps", 10, "how many", values, lower_bound=1)
    tf.flags.DEFINE_bool("fast", False, "how fast", values)
    tf.flags.DEFINE_string("name", None, "which", values)
    assert values(["prog", "--steps=3", "--nofast", "rest", "--name", "x"]) == ["prog", "rest"]
    assert (values.steps, values.fast, values.name) == (3, False, "x")
    with pytest.raises(tf.flags.UnrecognizedFlagError, match="'other'"):
        values(["prog", "--other=1"])
    with pytest.raises(tf.flags.IllegalFlagValueError, match="at least 1"):
        values(["prog", "--steps=0"])
    with pytest.raises(tf.flags.DuplicateFlagError):
        tf.flags.DEFINE_string("name", None, "again", values)
