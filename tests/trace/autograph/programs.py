"""Small programs over tensors: functions that tf.function traces, each with the arguments it is called with.

They refer to the framework by the global `tf`, which whoever runs them sets: duoflow in the tests, TensorFlow in
tests/golden/record_autograph.py, which records what each returns or raises there.
"""

# ruff: noqa: F821 - `tf` is set from outside

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

tf: Any = None
PROGRAMS: dict[str, tuple[Callable[..., Any], list[tuple[Any, ...]]]] = {}


def program(*calls: tuple[Any, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the table, with the arguments of each call (numbers and lists become tensors)."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS[function.__name__] = function, list(calls)
        return function

    return enter


# -- if --------------------------------------------------------------------------------------------------------------


@program((3.0,), (-3.0,))
def if_else(x):
    if x > 0:
        y = x * 2
    else:
        y = -x
    return y


@program((3.0,), (-3.0,))
def if_without_else(x):
    if x > 0:
        x = x * x
    return x


@program((5,), (0,), (-5,))
def elif_chain(x):
    if x > 0:
        sign = 1
    elif x < 0:
        sign = -1
    else:
        sign = 0
    return sign


@program((5,), (0,), (-5,))
def early_returns(x):
    if x > 0:
        return x
    if x < 0:
        return -x
    return x + 100


@program((1.0, 2.0), (3.0, 2.0))
def nested_if(a, b):
    r = a
    if a < b:
        if a + b > 2.5:
            r = b
        else:
            r = a - b
    return r


@program((3.0,), (-3.0,))
def if_in_python_condition(x):
    flag = True
    if flag and x > 0:
        return x
    else:
        return x - 1.0


@program(
    (2.0,),
)
def undefined_in_else_and_used(x):
    if x > 0:
        y = x
    return y


@program((2.0,), (-2.0,))
def undefined_in_else_and_not_used(x):
    if x > 0:
        y = x
        x = y * 2
    return x


@program((2.0,))
def missing_return(x):
    if x > 0:
        return x


@program((2.0,))
def none_in_a_branch(x):
    y = None
    if x > 0:
        y = x
    return y


@program((2.0,))
def dtypes_differ(x):
    if x > 0:
        y = 1
    else:
        y = 2.0
    return y


@program((2.0,))
def structures_differ(x):
    if x > 0:
        y = (x, x)
    else:
        y = x
    return y


@program((2.0,), (-2.0,))
def structured_state(x):
    if x > 0:
        y = {"a": x, "b": [x, x + 1]}
    else:
        y = {"a": -x, "b": [x, x]}
    return y["a"] + y["b"][1]


@program((2.0,), (-2.0,))
def shapes_differ(x):
    if x > 0:
        y = tf.ones([2])
    else:
        y = tf.ones([3])
    return tf.reduce_sum(y)


@program((2.0,), (-2.0,))
def local_python_value(x):
    if x > 0:
        names = ["a", "b"]
        n = len(names) * 1.0
    else:
        n = 0.0
    return x + n


# -- expressions -----------------------------------------------------------------------------------------------------


@program((3.0,), (-3.0,))
def conditional_expression(x):
    return x * 2 if x > 0 else -x


@program((3.0,))
def conditional_expression_of_two_dtypes(x):
    return 1 if x > 0 else 2.5


@program((1, 2), (2, 1), (0, 0))
def boolean_operators(a, b):
    return (a > 0 and b > 1) or not a > b


@program((1, 2, 3), (3, 2, 1), (1, 3, 2))
def chained_comparison(a, b, c):
    return a < b < c


@program((4,), (0,))
def short_circuit(x):
    return x > 0 and 8 // x == 2


@program((4.0,), (0.0,))
def not_of_a_number(x):
    return not tf.cast(x, tf.bool)


# -- while -----------------------------------------------------------------------------------------------------------


@program((3, 5), (2, 10))
def power(x, n):
    result = tf.ones_like(x)
    while n > 0:
        if n % 2 == 1:
            result *= x
        x *= x
        n //= 2
    return result


@program((10,), (0,))
def count_up(n):
    i = 0
    while i < n:
        i += 3
    return i


@program((10,))
def while_else(n):
    i = 0
    while i < n:
        i += 3
        if i == 6:
            break
    else:
        i = -1
    return i


@program((27,), (1,))
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@program((10,), (3,))
def return_from_while(n):
    i = 0
    while i < n:
        i += 1
        if i * i > 20:
            return i
    return -1


@program((10,))
def return_from_while_only(n):
    i = 0
    while i < n:
        i += 1
        if i * i > 20:
            return i


@program((5,))
def loop_changes_dtype(n):
    x = 0
    while n > 0:
        x = x + 0.5
        n -= 1
    return x


@program((5,))
def loop_replaces_dtype(n):
    x = 0
    while n > 0:
        x = 0.5
        n -= 1
    return x


@program((5,))
def loop_changes_shape(n):
    x = tf.zeros([1])
    while n > 0:
        x = tf.concat([x, [1.0]], axis=0)
        n -= 1
    return x


@program((3,))
def loop_with_shape_invariant(n):
    x = tf.zeros([1])
    while n > 0:
        tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
        x = tf.concat([x, [1.0]], axis=0)
        n -= 1
    return x


@program((30,))
def loop_with_maximum_iterations(n):
    i = 0
    while i < n:
        tf.autograph.experimental.set_loop_options(maximum_iterations=7)
        i += 1
    return i


@program((5,))
def none_before_loop(n):
    x = None
    while n > 0:
        x = n
        n -= 1
    return x


@program((5,))
def undefined_before_loop(n):
    while n > 0:
        x = n
        n -= 1
    return x


@program((5,))
def read_before_defined_in_loop(n):
    while n > 0:
        x = x + n
        n -= 1
    return x


@program((5,))
def structure_changes_in_loop(n):
    x = (n, n)
    while n > 0:
        x = (n, n, n)
        n -= 1
    return x[0]


@program((6,))
def while_true_with_break(n):
    i = 0
    while True:
        i += 1
        if i > n:
            break
    return i


@program((6,))
def loop_temporary(n):
    total = 0
    while n > 0:
        square = n * n
        total += square
        n -= 1
    return total


# -- for -------------------------------------------------------------------------------------------------------------


@program(([1.0, -5.0, 2.0],), ([4.0],))
def sum_of_positives(xs):
    s = 0.0
    for v in xs:
        if v < 0:
            continue
        s += v
    return s


@program(([1.0, -5.0, 2.0],))
def sum_until_negative(xs):
    s = 0.0
    for v in xs:
        if v < 0:
            break
        s += v
    return s


@program(([1, 5, 2],), ([1, 2, 3],))
def find(xs):
    for v in xs:
        if v > 4:
            return v
    return -1


@program(([1, 5, 2],), ([1, 2, 3],))
def for_else(xs):
    for v in xs:
        if v > 4:
            break
    else:
        v = -1
    return v


@program((5,), (0,))
def over_range(n):
    s = 0
    for i in tf.range(n):
        s += i
    return s


@program((2, 20, 3), (20, 2, -3), (5, 5, 1))
def over_range_with_step(a, b, c):
    s = 0
    for i in tf.range(a, b, c):
        s = s * 2 + i
    return s


@program((5,))
def over_python_range_of_tensor(n):
    s = 0
    for i in range(n):
        s += i * i
    return s


@program((3.0,))
def over_python_range(x):
    for i in range(4):
        x += i
    return x


@program((3.0,))
def over_python_list(x):
    for factor in [1.0, 2.0, 3.0]:
        x *= factor
    return x


@program(([[1, 2], [3, 4], [5, 6]],))
def over_rows(m):
    s = tf.zeros([2], tf.int32)
    for row in m:
        s += row
    return s


@program(([[1, 2], [3, 4], [5, 6]],))
def unpacked_rows(m):
    s = 0
    for a, b in m:
        s += a * b
    return s


@program((4, 5))
def nested_loops(a, b):
    count = 0
    for i in tf.range(a):
        for j in tf.range(b):
            if j == i:
                continue
            if j > i + 2:
                break
            count += 1
    return count


@program((4,))
def loop_variable_after(n):
    for i in tf.range(n):  # noqa: B007
        pass
    return i


@program((2.0,))
def newton(x):
    guess = x
    for _ in tf.range(50):
        nxt = 0.5 * (guess + x / guess)
        if tf.abs(nxt - guess) < 1e-6:
            break
        guess = nxt
    return guess


@program((5,))
def tensor_array(n):
    out = tf.TensorArray(tf.int32, size=n)
    for i in tf.range(n):
        out = out.write(i, i * i)
    return out.stack()


@program((3,))
def tensor_item_assignment(n):
    x = tf.zeros([5], tf.int32)
    for i in tf.range(n):
        x[i] = i + 10
    return x


@program(([3, 1, 2],))
def over_enumerate_in_python(xs):
    total = 0
    for i, x in enumerate(tf.unstack(xs)):
        total += i * x
    return total


# -- calls and builtins ----------------------------------------------------------------------------------------------


def _helper(x):
    if x > 0:
        return x * 10
    return x - 1


@program((1.0,), (-1.0,))
def calls_a_function(x):
    return _helper(x) + 1


@program((1.0,), (-1.0,))
def calls_a_lambda(x):
    pick = lambda v: v * 2 if v > 0 else v
    return pick(x)


@program((1.0,), (-1.0,))
def calls_a_partial(x):
    return functools.partial(_helper)(x)


@program((1.0,), (-1.0,))
def calls_a_closure(x):
    scale = 3.0

    def inner(v):
        if v > 0:
            return v * scale
        return v

    return inner(x)


class _Model:
    def __init__(self):
        self.state = 0.0

    def __call__(self, x):
        if x > 0:
            self.state = x
        else:
            self.state = -x
        return self.state * 2


@program((1.0,), (-1.0,))
def calls_an_object(x):
    return _Model()(x)


@program(([1.0, 2.0],))
def builtin_functions(xs):
    return int(abs(xs[0])) + len(xs), float(xs[1]), max(xs), min(xs), sum(xs)


@program((3.0,))
def maximum_of_scalars(x):
    return max(x, 2.0) + min(x, 1.0)


@program((3,))
def recursion(n):
    def fact(k, depth):
        if depth == 0:
            return k
        return k * fact(k - 1, depth - 1)

    return fact(n, 2)


@program((3,), (-3,))
def maps_a_function(n):
    return tf.map_fn(lambda v: _helper(v), tf.stack([n, -n, n + 1]))


@program((3.0,))
def assertion(x):
    assert x > 0, "x must be positive"
    return x


@program((-3.0,))
def assertion_fails(x):
    assert x > 0, "x must be positive"
    return x


@program((3.0,))
def condition_of_comprehension(x):
    return [v for v in (x, -x) if v > 0]


@program(([1, 2, 3],))
def python_list_in_loop(xs):
    seen = []
    for v in xs:
        seen.append(v)
    return seen[0]


@program((3,))
def try_and_finally(n):
    total = 0
    try:
        for i in tf.range(n):
            total += i
    finally:
        total += 100
    return total


@program((3.0,), (-3.0,))
def break_in_python_loop(x):
    for i in [1.0, 2.0, 3.0]:
        x += i
        if x > 4:
            break
    return x
