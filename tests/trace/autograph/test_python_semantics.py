"""Over Python values a converted function does what the function did: the same results, exceptions and effects."""

import contextlib
import functools
import inspect
import itertools

import pytest

from duoflow.trace.autograph import convert

CASES = []


def case(*calls):
    def enter(function):
        CASES.extend(pytest.param(function, arguments, id=f"{function.__name__}{arguments}") for arguments in calls)
        return function

    return enter


def outcome(function, arguments):
    """What a call gives, or the type of what it raises."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error)


@case((0, 0), (3, -2))
def deleted_parameters(a, b):
    """What was deleted may be assigned again, on some ways."""
    old = a
    del a
    if b:
        a = b * 2
    return old + a


@case((0, 0), (3, -2))
def deleted_in_a_try(a, b):
    c = d = 0
    try:
        del a
        c = 1
    finally:
        del d
    if b < 0:
        a, *_ = c, b
    return a + c


@case((0, 0), (3, 1), (2, 2))
def deleted_in_a_loop(a, b):
    for i in range(b):
        if i == a - 2:
            a = i
        del a
    while b > 1:
        b -= 1
        if a:  # noqa: F821
            del a  # noqa: F821
    return a  # noqa: F821


@case((0, 0), (1, 1), (2, 1))
def deleted_in_a_match(a, b):
    match a:
        case 0:
            del b
        case 1:
            b = 5
    return b


@case((0, 0), (0, 2))
def deleted_before_a_handler(a, b):
    try:
        if b > 0:
            raise KeyError
        del a
    except KeyError:
        b = a + 1  # noqa: F821
    return a + b  # noqa: F821


@case((3, 5), (2, 0))
def power(x, n):
    result = 1
    while n > 0:
        if n % 2 == 1:
            result *= x
        x *= x
        n //= 2
    return result


@case(*itertools.product([(1, 2), (6, 1), (3, 11), (4, 3), ()], repeat=1))
def jumps_everywhere(xs):
    """Returns, breaks, continues and else clauses of nested loops."""
    for x in xs:
        for y in xs:
            if x * y > 60:
                return x, y
            if y > 5:
                break
        else:
            continue
        if x == 3:
            return "three"
    else:
        return "else"
    return None


@case(*itertools.product([0, 1], repeat=3))
def returns_in_with_and_try(a, b, c):
    if a:
        return 1
    elif b:
        if c:
            return 2
    with contextlib.nullcontext("entered") as name:
        if c:
            return name
    try:
        if a + b:
            raise ValueError
        return 5
    except ValueError:
        a = 7
    else:
        a = 8
    finally:
        b = 6
    return a, b


@case((0,), (1,), (2,))
def swallowed_exception(kind):
    with contextlib.suppress(KeyError):
        if kind == 1:
            raise KeyError
        if kind == 2:
            return "inside"
    return "after"


@case((0,), (3,))
def bare_returns(n):
    seen.clear()
    for i in range(n):
        if i == 1:
            return
        seen.append(i)
    seen.append("end")


seen: list = []


@case((5,), (0,))
def while_else(n):
    while n > 0:
        n -= 2
        if n == 1:
            continue
        if n == -5:
            break
    else:
        n = 100
    return n


@case((True,), (False,))
def undefined_in_one_branch(flag):
    if flag:
        value = 1
    return value


@case((0,), (1,))
def undefined_before_loop(n):
    for i in range(n):
        last = i
    return last


@case((1,), (0,))
def deletes(flag):
    x = 1
    if flag:
        del x
    return x


@case((4,))
def loop_variable_after_loop(n):
    for i in range(n):  # noqa: B007
        pass
    return i


@case((2,), (8,))
def chained_and_lazy(x):
    calls = []

    def probe(value):
        calls.append(value)
        return value

    return 0 < probe(x) < 5 <= probe(7), x > 3 and probe(x), x > 3 or probe(-x), not x, calls


@case(([1, 2, 3],), ([],))
def walrus(xs):
    total = 0
    index = 0
    while (rest := xs[index:]) and len(rest) > 1:
        total += rest[0]
        index += 1
    if (n := len(xs)) > 2 and (m := n * 2) > 3:
        total += m
    return total, n, [y := v for v in xs], y, index


@case(({"kind": "a", "x": 1},), ([1, 2, 3],), (7,))
def matches(value):
    match value:
        case {"kind": "a", "x": x}:
            if x > 0:
                return x
        case [first, *others]:
            for other in others:
                first += other
            return first
        case _:
            y = 2
            return y
    return None


@case((3,))
def closures_see_changes(n):
    x = 0
    read = lambda: x

    def bump(by=1):
        nonlocal x
        x += by

    for _ in range(n):
        bump()
        if n > 2:
            x += 10
    return x, read()


@case((3,))
def comprehensions(n):
    xs = [i * j for i in range(n) for j in range(i) if i and j]
    return xs, {k: v for k, v in enumerate(xs) if v > 1}, sum(x for x in xs), {len(str(x)) for x in xs}


@case((3,))
def item_assignment(n):
    squares = {}
    row = [0] * n
    for i in range(n):
        squares[i] = i * i
        row[i] += i
        row[-1] = n
    return squares, row


@case((2,))
def annotated(n):
    count: int = 0
    label: str
    for i in range(n):
        count: int = count + i
    label = "x"
    return count, label


@case((3,))
def handled_exceptions(n):
    done = []
    for i in range(n):
        try:
            if i == 1:
                raise ValueError(i)
            last = i
        except ValueError as error:
            done.append(str(error))
            continue
        finally:
            done.append("finally")
        done.append(last)
    return done


@case((3,))
def exception_shows_progress(n):
    try:
        for i in range(n):
            reached = i
            if i == 1:
                raise ValueError
    except ValueError:
        return reached


@case((1,))
def reads_before_assignment(x):
    if x:
        y += 1  # noqa: F821
        y = 0
    return y


@case((5,))
def starred_calls(n):
    def collect(*args, key=None, **kwargs):
        return args, key, kwargs

    options = {"a": 1}
    return collect(*range(n), **options, key=2), collect(n, *(1, 2), b=3)


@case((3,))
def nested_generator(n):
    def generate():
        for i in range(n):
            if i % 2:
                yield i

    return list(generate())


@case((3,), (0,))
def asserts(n):
    assert n > 1, f"{n} is too small"
    return n


@case((3,))
def imports_and_globals(n):
    global counter
    for _ in range(n):
        import math

        counter += 1
        if counter > 100:
            counter = 0
    return math.floor(2.5), counter > 0


counter = 0


@case((3,))
def nested_class(n):
    class Point:
        scale = n

        def __init__(self, x):
            self.x = x

        def norm(self):
            if self.x < 0:
                return -self.x * self.scale
            return self.x * self.scale

    return Point(-2).norm(), Point(n).norm()


def sign(x):
    return 1 if x > 0 else -1


@case(([3, -1, 2],))
def builtins_that_call(xs):
    return (
        list(map(sign, xs)),
        list(filter(None, xs)),
        sorted(xs, key=sign),
        max(xs, key=abs),
        functools.reduce(max, xs),
    )


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_same_as_unconverted(function, arguments):
    global counter
    counter = 0
    expected, seen_then = outcome(function, arguments), list(seen)
    counter = 0
    assert outcome(convert(function), arguments) == expected
    assert seen == seen_then


class Base:
    def __init__(self):
        self.total = 0

    def add(self, x):
        self.total = self.total + x
        return self.total


class Derived(Base):
    __private = 5

    def add(self, x, *, twice=False):
        if x > 0:
            result = super().add(x + self.__private)
        else:
            self.__private = x
            result = self.__private
        if twice:
            return super().add(result)
        return result

    @classmethod
    def make(cls, total):
        made = cls()
        while made.total < total:
            made.add(1)
        return made

    @staticmethod
    def pick(a, b):
        return a if a > b else b

    @property
    def size(self):
        if self.total > 10:
            return "large"
        return "small"


def test_methods_super_and_private_names():
    plain, converted = Derived(), Derived()
    for arguments, options in [((1,), {}), ((-3,), {"twice": True}), ((2,), {"twice": True})]:
        assert convert(converted.add)(*arguments, **options) == plain.add(*arguments, **options)
        assert converted.__dict__ == plain.__dict__
    assert convert(Derived.make)(20).total == Derived.make(20).total
    assert convert(Derived.pick)(1, 2) == 2
    assert convert(Derived.size.fget)(plain) == plain.size


def test_signature_defaults_and_attributes_are_kept():
    def function(a, b=2, *args, c, d=4, **kwargs):
        "documented"
        if a:
            return a, b, args, c, d, kwargs
        return None

    function.tag = "kept"
    converted = convert(function)
    assert converted(1, c=3) == (1, 2, (), 3, 4, {})
    assert inspect.signature(converted) == inspect.signature(function)
    assert converted.__doc__ == "documented" and converted.__name__ == "function"


scale = 2


def test_late_changes_to_globals_and_closures_are_seen():
    global scale
    offset = 1

    def function(x):
        if x > 0:
            return x * scale + offset
        return offset

    converted = convert(function)
    assert converted(1) == 3
    scale, offset = 10, 5
    try:
        assert converted(1) == 15
    finally:
        scale = 2


def test_decorators_of_the_user_are_called():
    def double(function):
        @functools.wraps(function)
        def wrapper(*args):
            result = function(*args)
            return result * 2 if result > 0 else result

        return wrapper

    @double
    def function(x):
        if x > 1:
            return x
        return -x

    assert [convert(function)(x) for x in (3, 1)] == [function(3), function(1)] == [6, -1]


def test_several_lambdas_on_a_line():
    first, second, third = (lambda x: x if x else 1), (lambda x: x if x else 2), lambda x: lambda y: y or x
    assert [convert(f)(0) for f in (first, second)] == [1, 2]
    assert convert(third)(3)(0) == 3
    assert convert(third(4))(0) == 4


def test_traceback_shows_the_users_lines():
    def function(x):
        for i in range(3):
            if i == x:
                raise RuntimeError("here")

    start = function.__code__.co_firstlineno
    with pytest.raises(RuntimeError) as caught:
        convert(function)(2)
    lines = [entry.lineno + 1 - start for entry in caught.traceback if str(entry.path) == __file__]
    assert lines[1:] == [1, 2, 3]


def test_recursion():
    def factorial(n):
        if n <= 1:
            return 1
        return n * factorial(n - 1)

    assert convert(factorial)(5) == 120
