"""Programs kept on disk: what is loaded does what was compiled, and nothing is loaded that is not the same."""

import json
import marshal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.record import OPS, Kind, Op
from duoflow.core.switches import switches
from duoflow.engines.native import cache, images
from duoflow.engines.native.fingerprint import fingerprint

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def folder(cache_dir, monkeypatch):
    monkeypatch.setattr(switches, "check_graphs", False)  # graphs that are checked are compiled
    cache.sources.cache_clear()
    monkeypatch.setattr(cache, "IMPORTED", sys.maxsize)  # a checkout may be edited while its tests run
    yield cache_dir
    cache.sources.cache_clear()


def happens(call):
    """What a call gives, and how many programs were (kept, loaded) meanwhile."""
    before = dict(images.statistics)
    result = call()
    return result, tuple(images.statistics[name] - before[name] for name in ("kept", "loaded"))


def image_files(folder):
    return list(folder.glob("*.image"))


def numbers(*shape, dtype=np.float32):
    return RNG.normal(size=shape).astype(dtype)


# What is loaded does what was compiled -------------------------------------------------------------------------------


def updating():
    """A step with a variable updated in place, one that is swapped and one that is not read."""
    a, b, last = (tf.Variable(v) for v in (np.ones((4, 3), np.float32), np.zeros((4, 3), np.float32), 1.5))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(x @ a - b[:1]))
        gradient = tape.gradient(loss, a)
        a.assign_sub(0.01 * gradient)
        old = tf.identity(b)
        b.assign(tf.reverse(b, [0]) + 1.0)
        last.assign(loss)
        return loss, old, a, b

    return step


def looping():
    def steps(x):
        total = tf.zeros([3])
        for row in x:
            if tf.reduce_sum(row) > 0:
                total += tf.tanh(row)
        return total, tf.while_loop(lambda i, v: i < 5, lambda i, v: (i + 1, v * 1.5), [0, total])

    return steps


def convolving():
    weights = np.linspace(-1, 1, 90, dtype=np.float32).reshape(3, 3, 2, 5)
    filters, small = tf.Variable(weights), tf.Variable(weights[0, 0, 0])

    def forward(x):
        with tf.GradientTape() as tape:
            y = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME") + small), 2, 2, "VALID")
        return y, *tape.gradient(y, [filters, small])

    return forward


PROGRAMS = {
    "elementwise": (lambda: lambda x: tf.exp(-x) * 2.0 + 1.0, [numbers(7, 5)]),
    "product with an epilogue": (lambda: lambda x, y: tf.nn.relu(x @ y + 0.5), [numbers(40, 30), numbers(30, 70)]),
    "batched product": (lambda: lambda x, y: x @ tf.transpose(y, [0, 2, 1]), [numbers(6, 8, 5), numbers(6, 9, 5)]),
    "rows": (lambda: lambda x: (tf.nn.softmax(x), tf.reduce_max(x, 0), tf.math.reduce_std(x)), [numbers(33, 17)]),
    "convolution": (convolving, [numbers(2, 8, 8, 2)]),
    "updates": (updating, [numbers(2, 4)]),
    "loops and branches": (looping, [numbers(6, 3)]),
    "views": (lambda: lambda x: (tf.reshape(x, [6]), x, x, tf.transpose(x)[1:], tf.constant([1, 2])), [numbers(2, 3)]),
    "scatter, order, scan": (
        lambda: lambda x: (tf.sort(x), tf.cumsum(x), tf.math.unsorted_segment_sum(x, [0, 1, 0], 2), tf.argsort(x)),
        [numbers(3, 4)],
    ),
    "gather": (lambda: lambda x, i: tf.gather(x, i), [numbers(5, 2), np.array([4, 0, 3], np.int32)]),
    "one element": (lambda: lambda x: (x * 2, tf.reduce_sum(x)), [numbers(1, 1)]),
    "float64": (lambda: lambda x: x @ tf.transpose(x) / 3, [numbers(9, 4, dtype=np.float64)]),
    "integers and truth": (lambda: lambda x: (x // 3, x > 2, tf.cast(x, tf.int64)), [np.arange(8, dtype=np.int32)]),
    "bfloat16": (lambda: lambda x: tf.cast(tf.cast(x, tf.bfloat16) * 3, tf.float32), [numbers(11)]),
    "constants": (lambda: lambda x: x + np.arange(12, dtype=np.float32).reshape(3, 4), [numbers(3, 4)]),
    "seeded random": (lambda: lambda x: x + tf.random.stateless_normal([4], [1, 2]), [numbers(4)]),
    "captured tensor": (lambda: (lambda c: lambda x: x * c)(tf.constant([1.0, 3.0])), [numbers(2)]),
}  # fmt: skip


def results(program, arguments, runs=3):
    return [tf.nest.map_structure(lambda t: np.array(t), program(*map(tf.constant, arguments))) for _ in range(runs)]


@pytest.mark.parametrize("make, arguments", PROGRAMS.values(), ids=PROGRAMS)
def test_what_is_loaded_does_what_was_compiled(make, arguments):
    compiled, (kept, loaded) = happens(lambda: results(tf.function(make()), arguments))
    assert kept == 1 and loaded == 0
    again, (kept, loaded) = happens(lambda: results(tf.function(make()), arguments))
    assert kept == 0 and loaded == 1
    for one, other in zip(tf.nest.flatten(compiled), tf.nest.flatten(again), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_every_shape_has_a_program_of_its_own():
    def call(rows):
        f = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([None, 3])])
        return lambda: f(tf.ones([rows, 3])).numpy()

    assert [happens(call(rows))[1] for rows in (2, 5, 2, 5)] == [(1, 0), (1, 0), (0, 1), (0, 1)]


def test_one_thread_at_a_time_or_several():
    compiled, _ = happens(lambda: results(tf.function(lambda x: tf.nn.softmax(x @ x)), [np.ones((64, 64), np.float32)]))
    f = tf.function(lambda x: tf.nn.softmax(x @ x))
    _, (_, loaded) = happens(lambda: f(tf.ones([64, 64])))
    assert loaded == 1
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: f(tf.ones([64, 64])).numpy(), range(40)):
            np.testing.assert_array_equal(result, compiled[0])


def test_errors_are_those_of_the_compiled_program():
    def message():
        f = tf.function(lambda x, i: tf.gather(x, i) * 2.0)
        f(tf.ones([3]), tf.constant([1]))
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            f(tf.ones([3]), tf.constant([7]))
        assert f(tf.ones([3]), tf.constant([2])).numpy() == [2.0]
        return str(caught.value).partition("\n")[0]

    (first, (kept, _)), (second, (_, loaded)) = happens(message), happens(message)
    assert (kept, loaded) == (1, 1)
    assert "indices[0] = 7 is not in [0, 3)" in first and first == second


def test_people_see_the_same():
    def explained():
        f = tf.function(lambda x: tf.nn.relu(x @ x + 1.0))
        f(tf.ones([8, 8]))
        return [line for line in str(f.explain()).splitlines() if "passes:" not in line]

    first, (kept, _) = happens(explained)
    second, (_, loaded) = happens(explained)
    assert (kept, loaded) == (1, 1)
    assert any("MatMul" in line for line in first) and first == second


def test_profiles_are_of_the_compiled_program():
    f, g = (tf.function(lambda x: tf.nn.relu(x @ x + 1.0)) for _ in range(2))
    f(tf.ones([8, 8]))
    _, (_, loaded) = happens(lambda: g(tf.ones([8, 8])))
    assert loaded == 1
    text = str(g.explain(tf.ones([8, 8])))
    assert "MatMul" in text and "µs" in text
    np.testing.assert_array_equal(g(tf.ones([8, 8])), f(tf.ones([8, 8])))


def test_states_that_a_graph_names_are_those_of_its_own():
    """A graph of TensorFlow 1 holds an eager variable as a constant."""

    def run(start):
        variable = tf.Variable([start, start])
        graph = tf.Graph()
        with graph.as_default():
            x = tf.compat.v1.placeholder(tf.float32, [2])
            y = variable.assign_add(x * 2.0)
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(y, {x: [1.0, 2.0]}).tolist(), variable.numpy().tolist()

    assert run(1.0) == ([3.0, 5.0], [3.0, 5.0])
    assert run(5.0) == ([7.0, 9.0], [7.0, 9.0])


# What is not the same is not loaded ----------------------------------------------------------------------------------


def kept_once(make, *values):
    """Let a function be compiled and kept, and make another one."""
    _, (kept, loaded) = happens(lambda: tf.function(make)(*values))
    assert kept == 1 and loaded == 0


def is_loaded(make, *values):
    _, counts = happens(lambda: tf.function(make)(*values))
    return counts == (0, 1)


DIFFERENT = {
    "constant": lambda x: x * 2.0 + 4.0,
    "bits of a constant": lambda x: x * 2.0 + np.nextafter(np.float32(3), np.float32(4)),
    "sign of zero": lambda x: x * 2.0 + 3.0 * tf.constant(-0.0),
    "op": lambda x: x * 2.0 - 3.0,
    "order": lambda x: 3.0 + x * 2.0,
    "output": lambda x: (x * 2.0 + 3.0, x),
    "attribute": lambda x: tf.reduce_sum(x * 2.0 + 3.0, keepdims=True),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_another_graph_is_another_program(other):
    same = lambda x: x * 2.0 + 3.0
    kept_once(same, tf.ones([4]))
    assert not is_loaded(other, tf.ones([4]))
    assert not is_loaded(same, tf.ones([5]))
    assert not is_loaded(same, tf.ones([4], tf.float64))
    assert is_loaded(same, tf.ones([4]))


def test_values_of_constants_count_however_long():
    long = numbers(3000)
    kept_once(lambda x: x + long, tf.ones([3000]))
    other = long.copy()
    other[-1] += 1
    assert not is_loaded(lambda x: x + other, tf.ones([3000]))


def test_names_and_lines_do_not_count():
    @tf.function
    def first(argument):
        return tf.multiply(argument, 2.0, name="one")

    @tf.function
    def second(x):
        # further down
        return tf.multiply(x, 2.0, name="another")

    first(tf.ones([4]))
    assert happens(lambda: second(tf.ones([4])))[1] == (0, 1)


CHANGES = {
    "threads": lambda patch: patch.setattr(switches, "threads", 3),
    "optimizer": lambda patch: patch.setitem(switches.optimizer_options, "constant_folding", False),
    "sources": lambda patch: patch.setattr(cache, "sources", lambda: b"changed"),
    "NumPy": lambda patch: patch.setattr(np, "__version__", "0.0"),
    "format": lambda patch: patch.setattr(images, "_FORMAT", 0),
    "processor": lambda patch: patch.setattr(images.jit, "key_prefix", lambda target: b"another"),
    "operators": lambda patch: patch.setattr(images.Tensor, "__mul__", lambda self, other: self),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_has_a_say_counts(change, monkeypatch):
    make = lambda x: tf.multiply(x, 2.0)
    kept_once(make, tf.ones([4]))
    with monkeypatch.context() as patch:
        change(patch)
        assert not is_loaded(make, tf.ones([4]))
    assert is_loaded(make, tf.ones([4]))


def test_sources_are_told_apart_by_size_and_time(tmp_path, monkeypatch):
    package = tmp_path / "package"
    module = package / "engines" / "native" / "cache.py"
    module.parent.mkdir(parents=True)
    for name in ("core", "ops", "passes"):
        (package / name).mkdir()
    module.write_text("one")
    monkeypatch.setattr(cache, "__file__", str(module))

    def told():
        cache.sources.cache_clear()
        return cache.sources()

    first = told()
    assert first == told()
    module.write_text("other")
    second = told()
    (package / "ops" / "new.py").write_text("")
    assert len({first, second, told()}) == 3
    monkeypatch.setattr(cache, "IMPORTED", 0)
    assert told() is None, "what changed after the import is not what runs"


def without_identity():
    yield "a Python function", lambda x: tf.numpy_function(lambda a: a * 2, [x], tf.float32)
    yield "printing", lambda x: (tf.print(x, output_stream=sys.stderr), x * 2.0)[1]
    yield "strings", lambda x: tf.strings.as_string(x * 2.0)


@pytest.mark.parametrize("make", [m for _, m in without_identity()], ids=[n for n, _ in without_identity()])
def test_what_runs_in_python_is_not_kept(make):
    assert happens(lambda: tf.function(make)(tf.ones([2])))[1] == (0, 0)


def test_a_limit_of_memory_is_looked_at_every_time():
    f = tf.function(lambda x: x * 2.0, memory_limit="1MiB")
    assert happens(lambda: f(tf.ones([2])))[1] == (0, 0)


def test_ops_of_others_have_no_fingerprint():
    f = tf.function(lambda x: x * 2.0).get_concrete_function(tf.TensorSpec([2]))
    assert fingerprint(f.graph) is not None
    mine = next(node for node in f.graph.nodes if node.op.name == "Mul")
    mine.op = Op("Mul", Kind.ELEMENTWISE, lambda *a: None, lambda *a: None)
    assert OPS["Mul"] is not mine.op and fingerprint(f.graph) is None


# Whatever is on disk -------------------------------------------------------------------------------------------------


def sealed(content):
    return cache._check_of(content) + content


DAMAGE = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "one bit": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "nonsense": lambda data: b"nonsense" * 9,
    "sound, but not an image": lambda data: sealed(b"nonsense"),
    "sound, but of another kind": lambda data: sealed(marshal.dumps([1, 2, 3])),
    "sound, with parts missing": lambda data: sealed(marshal.dumps({"table": ([], [], [], [])})),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_mended(damage, folder):
    make = lambda x: tf.nn.relu(x @ x)
    kept_once(make, tf.ones([4, 4]))
    (image,) = image_files(folder)
    good = image.read_bytes()
    image.write_bytes(damage(good))
    result, counts = happens(lambda: tf.function(make)(tf.ones([4, 4])).numpy())
    assert counts == (1, 0) and (result == 4).all()
    assert len(image.read_bytes()) == len(good)
    assert is_loaded(make, tf.ones([4, 4]))


def test_nothing_is_kept_where_that_is_off(folder, monkeypatch):
    monkeypatch.setenv("DUOFLOW_CACHE", "off")
    assert happens(lambda: tf.function(lambda x: x * 2.0)(tf.ones([4])))[1] == (0, 0)
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_error(folder, monkeypatch):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file")
    for _ in range(2):
        assert tf.function(lambda x: x * 2.0)(tf.ones([1])).numpy() == [2.0]


SCRIPT = """
import json, sys
import numpy as np
import duoflow as tf
from duoflow.engines.native import images
tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Input((6,)), tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(3)])
optimizer = tf.keras.optimizers.Adam(0.1)
scale = float(sys.argv[1])

@tf.function
def step(x):
    with tf.GradientTape() as tape:
        loss = scale * tf.reduce_mean(tf.square(model(x)))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss

x = tf.constant(np.arange(30, dtype=np.float32).reshape(5, 6) / 30)
losses = [float(step(x)) for _ in range(4)]
print(json.dumps([losses, images.statistics, "duoflow.engines.native.compiled" in sys.modules]))
"""


@pytest.fixture
def start(tmp_path, environment, folder):
    script = tmp_path / "step.py"
    script.write_text(SCRIPT)

    def run(scale):
        command = [sys.executable, str(script), str(scale)]
        return subprocess.Popen(command, env={**environment, "DUOFLOW_CACHE": str(folder)}, stdout=subprocess.PIPE)

    return run


def told_by(process):
    losses, statistics, compiled = json.loads(process.communicate()[0])
    assert process.returncode == 0
    return losses, (statistics["kept"], statistics["loaded"]), compiled


@pytest.mark.slow
def test_the_second_start_compiles_nothing(start):
    first, counts, compiled = told_by(start(1.0))
    assert counts[1] == 0 and compiled
    second, counts, compiled = told_by(start(1.0))
    assert first == second
    assert counts == (0, 1) and not compiled
    _, counts, _ = told_by(start(2.0))
    assert counts == (1, 0), "another constant is another program"


@pytest.mark.slow
def test_starts_at_once_do_not_disturb_each_other(start):
    everyone = [told_by(p)[0] for p in [start(1.0) for _ in range(3)]]
    assert everyone == [everyone[0]] * 3
    assert told_by(start(1.0))[:2] == (everyone[0], (0, 1))


def test_graphs_that_are_checked_are_compiled(monkeypatch):
    monkeypatch.setattr(switches, "check_graphs", True)
    assert happens(lambda: tf.function(lambda x: x * 2.0)(tf.ones([4])))[1] == (0, 0)
