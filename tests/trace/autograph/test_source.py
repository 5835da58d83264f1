"""Where functions come from: files, notebooks, `python -c`, exec; and what is said where there is no source."""

import functools
import importlib.util
import linecache
import subprocess
import sys
import textwrap
import types

import pytest

import duoflow as tf
from duoflow.trace.autograph import convert, do_not_convert, to_code
from duoflow.trace.autograph.conversion import lookup
from duoflow.trace.autograph.operators import converted

BODY = textwrap.dedent(
    """
    def sign(x):
        if x > 0:
            return 1
        return -1
    """
)


def load(path, text):
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_python(*arguments, text=None):
    done = subprocess.run([sys.executable, *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_file(tmp_path):
    assert "ag__.if_stmt(x > 0" in to_code(load(tmp_path / "user.py", BODY).sign)


def test_notebook_cell():
    name = "<ipython-input-1-abc>"
    linecache.cache[name] = len(BODY), None, BODY.splitlines(keepends=True), name
    space = {}
    exec(compile(BODY, name, "exec"), space)
    assert "ag__.if_stmt" in to_code(space["sign"])


SHOW = "from duoflow.trace.autograph import to_code\nprint(to_code(sign))\n"


def test_command_line():
    assert "ag__.if_stmt" in run_python("-c", BODY + SHOW)


def test_standard_input(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(BODY + SHOW)
    with script.open() as text:
        done = subprocess.run([sys.executable], stdin=text, capture_output=True, text=True, timeout=60)
    assert "ag__.if_stmt" in done.stdout + done.stderr
    assert "came through a pipe" in run_python("-", text=BODY + SHOW)


def test_prompt(monkeypatch):
    typed = [
        "import math",
        "@tf.function",
        "def sign(x):",
        "    if x > 0:",
        "        return 1",
        "    return -1",
        "",
        "sign(3)",
    ]
    history = types.SimpleNamespace(
        get_current_history_length=lambda: len(typed), get_history_item=lambda i: typed[i - 1] if i else None
    )
    monkeypatch.setitem(sys.modules, "readline", history)
    space = {"tf": types.SimpleNamespace(function=lambda f: f)}
    exec(compile("\n".join(typed[1:6]) + "\n", "<stdin>", "single"), space)
    assert "ag__.if_stmt" in to_code(space["sign"])


def test_exec_whose_text_a_frame_holds():
    space = {}
    exec(BODY, space)
    assert "ag__.if_stmt" in to_code(space["sign"])
    literal = f"space = {{}}\nexec({BODY!r}, space)\nsign = space['sign']\n{SHOW}"
    assert "ag__.if_stmt" in run_python("-c", literal)


def test_errors_in_exec_show_its_lines():
    space = {"tf": tf}
    text = "def product(x):\n    y = x * 2.0\n    return tf.matmul(y, tf.ones([3, 3]))\n"
    exec(text, space)
    with pytest.raises(ValueError, match=r"line 3: return tf.matmul\(y, tf.ones\(\[3, 3\]\)\)"):
        tf.function(space["product"])(tf.ones([1, 2]))


def test_exec_of_a_text_that_is_gone_runs_unconverted_and_says_why():
    space = {}
    exec(BODY.replace("x > 0", "x > 1" + " " * len(space)), space)
    assert converted(space["sign"]) is space["sign"]
    assert convert(space["sign"])(3) == 1
    with pytest.raises(ValueError, match="could not be converted: it was made by exec or eval"):
        to_code(space["sign"])


def test_edited_file_is_not_mistaken_for_the_loaded_one(tmp_path):
    module = load(tmp_path / "edited.py", BODY)
    (tmp_path / "edited.py").write_text("# a new line\n" + BODY.replace("(x)", "(y)"))
    assert "no longer the one 'sign' was made from" in lookup(module.sign).reason


def test_generators_and_coroutines_run_unconverted():
    def generate(n):
        yield n

    async def wait(n):
        return n

    for function in (generate, wait):
        assert converted(function) is function
        assert "generator or coroutine" in lookup(function).reason


def test_conversion_is_cached_by_code():
    def make(offset):
        return lambda x: x + offset if x else offset

    one, two = converted(make(1)), converted(make(2))
    assert one.__code__ is two.__code__
    assert (one(1), two(1)) == (2, 3)
    assert converted(one) is one


def test_libraries_and_builtins_are_left():
    for target in (textwrap.indent, textwrap.dedent, pytest.raises, sorted([]).append, dict, str.upper):
        assert converted(target) is target


def test_do_not_convert():
    @do_not_convert
    def function(x):
        return x if x else None

    assert converted(function) is function
    assert do_not_convert()(function)(2) == 2


class Callable:
    def __call__(self, x):
        return x if x > 0 else -x


@pytest.mark.parametrize(
    "target",
    [Callable(), Callable().__call__, functools.partial(Callable()), lambda x: x if x > 0 else -x],
    ids=["object", "method", "partial", "lambda"],
)
def test_callables(target):
    assert converted(target) is not target
    assert convert(target)(-3) == 3


def test_code_of_a_method_and_its_function_attribute():
    assert to_code(Callable.__call__) == to_code(Callable().__call__)
    assert "ag__.if_exp(x > 0, lambda: x, lambda: -x)" in to_code(Callable.__call__)


def test_code_is_readable():
    def total(xs):
        """Documented."""
        s = 0.0
        for v in xs:
            if v < 0:
                continue
            s += v
        return s

    assert to_code(total) == textwrap.dedent(
        '''\
        def total(xs):
            """Documented."""
            s = 0.0

            def get_state():
                return (s,)

            def set_state(vars_):
                nonlocal s
                s, = vars_

            def loop_body(item_):
                nonlocal s
                v = item_

                def get_state():
                    return (s,)

                def set_state(vars_):
                    nonlocal s
                    s, = vars_

                def if_body():
                    pass

                def else_body():
                    nonlocal s
                    s += v
                ag__.if_stmt(v < 0, if_body, else_body, get_state, set_state, ('s',), 1)
            ag__.for_stmt(xs, None, loop_body, get_state, set_state, ('s',))
            return s'''
    )
