"""Datasets inside `tf.function`: made of tensors that have no value yet, and as arguments; results are TensorFlow's."""

import pytest

import duoflow as tf

D = tf.data.Dataset

#: What a function makes of n = 3, and the elements' sums as the digits of a number.
MADE_OF_A_NUMBER = {
    "range": (lambda n: D.range(n), 12),
    "range from": (lambda n: D.range(1, n + 2), 1234),
    "take": (lambda n: D.range(6).take(n), 12),
    "skip": (lambda n: D.range(6).skip(n), 345),
    "repeat": (lambda n: D.range(2).repeat(n), 10101),
    "batch": (lambda n: D.range(7).batch(n), 426),
    "full batches": (lambda n: D.range(7).batch(n, drop_remainder=True), 42),
    "padded_batch": (lambda n: D.range(5).padded_batch(n), 37),
    "shuffle": (lambda n: D.range(1, 2).repeat(3).shuffle(n), 111),
    "shard": (lambda n: D.range(9).shard(n, 1), 147),
    "map": (lambda n: D.range(n).map(lambda x: x * 2).batch(2), 24),
    "map that captures": (lambda n: D.range(4).map(lambda x: x + n), 3456),
    "filter that captures": (lambda n: D.range(5).filter(lambda x: x < n), 12),
    "zip": (lambda n: D.zip((D.range(n), D.range(n))).map(lambda a, b: a + b), 24),
    "concatenate": (lambda n: D.range(n).concatenate(D.range(n)), 12012),
    "scan": (lambda n: D.range(4).scan(n, lambda s, x: (s + x, s)), 3346),
    "cache": (lambda n: D.range(n).cache(), 12),
    "unbatch": (lambda n: D.range(n).batch(2).unbatch(), 12),
    "tensors": (lambda n: D.from_tensors(n), 3),
    "flat_map": (lambda n: D.range(n).flat_map(lambda x: D.range(x, n)), 12122),
    "interleave": (lambda n: D.range(n).interleave(lambda x: D.from_tensors(x * n).repeat(2), 2), 30366),
    "interleave in turn": (lambda n: D.range(n).interleave(lambda x: D.from_tensors(x).repeat(2), n, n - 1), 1122),
    "window": (lambda n: D.range(5).window(n).flat_map(lambda w: w.batch(n)), 37),
    "group_by_window": (lambda n: D.range(n).group_by_window(lambda x: x % 2, lambda k, w: w.batch(n), 2), 21),
    "generator": (lambda n: D.from_generator(range, args=(n,), output_signature=tf.TensorSpec([], tf.int64)), 12),
    "slices": (lambda n: D.from_tensor_slices(tf.range(n)), 12),
    "slices of two": (lambda n: D.from_tensor_slices((tf.range(n), tf.range(n))).map(lambda a, b: a + b).batch(2), 24),
}


def int64(value):
    return tf.constant(value, tf.int64)


@pytest.mark.parametrize("make, expected", MADE_OF_A_NUMBER.values(), ids=list(MADE_OF_A_NUMBER))
def test_a_dataset_may_be_made_of_tensors(make, expected):
    @tf.function
    def digits(n):
        number = int64(0)
        for element in make(n):
            number = number * 10 + tf.reduce_sum(element)
        return number

    assert int(digits(int64(3))) == expected
    digits(int64(2))
    assert digits.experimental_get_tracing_count() == 1


def test_what_else_a_function_asks_of_such_a_dataset():
    @tf.function
    def facts(n):
        iterator = iter(D.range(n))
        total = D.range(n).reduce(int64(0), lambda s, x: s + x)
        return next(iterator), next(iterator), D.range(n).cardinality(), total, D.from_tensors(n).get_single_element()

    assert [int(v) for v in facts(int64(3))] == [0, 1, 3, 3, 3]
    assert [int(v) for v in facts(int64(5))] == [0, 1, 5, 10, 5]


def test_a_number_of_a_batch_leaves_its_size_open():
    @tf.function
    def sizes(n):
        assert D.range(n).batch(n, drop_remainder=True).element_spec.shape.as_list() == [None]
        return n

    sizes(int64(2))


def test_a_number_must_be_an_integer():
    for make in (lambda n: D.range(n), lambda n: D.range(7).take(n)):
        with pytest.raises(TypeError, match="integer scalar is needed"):
            tf.function(lambda n, make=make: make(n).cardinality())(tf.constant(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="batch_size must be greater than zero"):
        tf.function(lambda n: D.range(7).batch(n).reduce(int64(0), lambda s, x: s + 1))(int64(0))


def test_datasets_of_one_form_share_a_trace():
    @tf.function
    def total(dataset, factor):
        result = int64(0)
        for x in dataset.map(lambda x: x * factor).batch(2):
            result += tf.reduce_sum(x)
        return result

    given = [D.range(3), D.range(5), D.from_tensor_slices(int64([5, 6])), D.range(9).filter(lambda x: x > 6)]
    assert [int(total(dataset, int64(2))) for dataset in given] == [6, 20, 22, 30]
    assert total.experimental_get_tracing_count() == 1
    total(D.from_tensor_slices(tf.constant([[1], [2]], tf.int64)), int64(1))
    assert total.experimental_get_tracing_count() == 2


def test_iterators_of_one_form_share_a_trace():
    @tf.function
    def step(iterator):
        return next(iterator)

    a, b = iter(D.range(3)), iter(D.range(5, 9))
    assert [int(step(i)) for i in (a, b, a, b)] == [0, 5, 1, 6]
    assert step.experimental_get_tracing_count() == 1


def test_a_loop_without_an_element_defines_nothing():
    @tf.function
    def last(n):
        for x in D.range(n):
            y = x
        return y

    assert int(last(int64(3))) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="must iterate at least once to initialize y"):
        last(int64(0))


def values(dataset):
    return [e.tolist() for e in dataset.as_numpy_iterator()]


def test_functions_return_datasets():
    @tf.function
    def made(dataset, n):
        return {"mapped": dataset.map(lambda x: x * n).batch(n), "given": dataset, "n": n}

    out = made(D.range(5), int64(2))
    assert values(out["mapped"]) == [[0, 2], [4, 6], [8]] and values(out["given"]) == [0, 1, 2, 3, 4]
    assert out["mapped"].element_spec == tf.TensorSpec([None], tf.int64)
    assert values(made(D.range(2), int64(1))["mapped"]) == [[0], [1]]
    assert made.experimental_get_tracing_count() == 1


def test_a_condition_chooses_a_dataset():
    @tf.function
    def total(many):
        dataset = D.range(5) if many else D.range(3)
        return dataset.reduce(int64(0), lambda s, x: s + x)

    assert [int(total(tf.constant(many))) for many in (True, False)] == [10, 3]
    chosen = tf.function(lambda p: tf.cond(p, lambda: D.range(3), lambda: D.range(2)))(tf.constant(False))
    assert values(chosen) == [0, 1]


def test_windows_of_a_function():
    @tf.function
    def digits(n):
        number = int64(0)
        for window in D.range(n).window(2):
            for x in window:
                number = number * 10 + x
        first = next(iter(D.range(n).window(n)))
        return number, first.reduce(int64(0), lambda s, x: s + x)

    assert [int(v) for v in digits(int64(5))] == [1234, 10]


def test_a_loop_takes_what_it_needs_of_an_iterator():
    @tf.function
    def total(iterator, limit):
        result = int64(0)
        for x in iterator:
            if x > limit:
                break
            result += x
        return result

    iterator = iter(D.range(7))
    assert [int(total(iterator, int64(limit))) for limit in (2, 9)] == [3, 15]
    with pytest.raises(StopIteration):
        next(iterator)


def test_what_a_loop_over_windows_leaves_defined():
    @tf.function
    def last(n):
        for window in D.range(n).window(2):
            size = window.reduce(0, lambda s, x: s + 1)
        return size

    assert [int(last(int64(n))) for n in (5, 4)] == [1, 2]


def test_loops_carry_what_may_be_missing():
    @tf.function
    def count(iterator):
        total, element = int64(0), iterator.get_next_as_optional()
        while element.has_value():
            total = total * 10 + element.get_value()
            element = iterator.get_next_as_optional()
        return total, element

    total, last = count(iter(D.range(1, 4)))
    assert int(total) == 123 and not bool(last.has_value())
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not have a value"):
        last.get_value()


def test_optionals_cross_the_borders_of_functions():
    optional = tf.experimental.Optional

    some = tf.function(lambda o: optional.from_value({"a": o.get_value() * 2, "b": (1.5,)}))(optional.from_value(3))
    assert some.element_spec == {"a": tf.TensorSpec([], tf.int32), "b": (tf.TensorSpec([], tf.float32),)}
    assert int(some.get_value()["a"]) == 6
    same = tf.function(lambda p: optional.from_value(1) if p else optional.empty(tf.TensorSpec([], tf.int32)))
    assert [bool(same(tf.constant(p)).has_value()) for p in (True, False)] == [True, False]
