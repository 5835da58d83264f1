"""Compilation: IR building blocks compute what they say, the cache answers, and damage to it is survived."""

import ctypes
import functools
import itertools
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from duoflow.engines.native import cache as kept_on_disk
from duoflow.engines.native import jit, target
from duoflow.engines.native.ir import Module, float_literal


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOFLOW_CACHE", str(tmp_path))
    return tmp_path


def function_of(write, arguments=2):
    """Compile an i64 function of i64 arguments %a, %b... whose body `write(f)` returns the result."""
    module = Module()
    names = "abcdef"[:arguments]
    with module.function("f", [("i64", name) for name in names], "i64") as f:
        f.do(f"ret i64 {write(f)}")
    library = jit.compile_module(module.text(), "test", verify=True)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)(library.address("f"))
    call.library = library
    return call


@pytest.mark.parametrize(
    "name, meaning",
    [
        ("add", lambda a, b: a + b),
        ("sub", lambda a, b: a - b),
        ("mul", lambda a, b: a * b),
        ("div", lambda a, b: a // b),
        ("rem", lambda a, b: a % b),
        ("ceildiv", lambda a, b: -(-a // b)),
        ("minimum", min),
        ("maximum", max),
    ],
)
def test_index_arithmetic_is_the_same_known_or_not(name, meaning):
    function = function_of(lambda f: getattr(f, name)("%a", "%b"))
    for a, b in [(7, 2), (6, 3), (0, 5), (1, 1)]:
        assert function(a, b) == meaning(a, b)
        assert function_of(lambda f: getattr(f, name)(a, b), 0)() == meaning(a, b)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shares_cover_the_range_once(parts):
    begin = function_of(lambda f: f.share("%a", "%b", "%c")[0], 3)
    end = function_of(lambda f: f.share("%a", "%b", "%c")[1], 3)
    for count in (0, 1, 5, 100):
        ranges = [(begin(count, part, parts), end(count, part, parts)) for part in range(parts)]
        assert ranges[0][0] == 0 and ranges[-1][1] == count
        assert all(left[1] == right[0] for left, right in itertools.pairwise(ranges))


def test_loops_carry_values():
    def triangle(f):
        with f.loop("%a", "%b", 2, [("i64", "0")]) as loop:
            loop.next = [f.add(loop.values[0], loop.index)]
        return loop.results[0]

    function = function_of(triangle)
    assert function(0, 10) == 20
    assert function(3, 3) == 0
    assert function(5, 3) == 0


def test_branches_merge_values():
    function = function_of(
        lambda f: f.branch(f.compare("sgt", "%a", "%b"), lambda: [f.sub("%a", "%b")], lambda: ["7"], ["i64"])[0]
    )
    assert (function(9, 4), function(4, 9)) == (5, 7)


def test_loops_must_be_given_their_next_values():
    module = Module()
    with pytest.raises(ValueError, match="carries 1 values and was given 0"), module.function("f", []) as f:
        with f.loop(0, 3, carry=[("i64", "0")]):
            pass


def test_float_literals_are_exact():
    assert float_literal(1.0) == "0x3FF0000000000000"
    assert float_literal(0.1) == "0x3FB99999A0000000"
    assert float_literal(0.1, "double") == "0x3FB999999999999A"
    assert float_literal(1e300) == "0x7FF0000000000000"


def test_second_compilation_comes_from_the_cache(cache):
    before = dict(jit.statistics)
    assert function_of(lambda f: f.add("%a", "%b"))(2, 3) == 5
    assert function_of(lambda f: f.add("%a", "%b"))(2, 3) == 5
    assert jit.statistics["compiled"] - before["compiled"] == 1
    assert jit.statistics["cached"] - before["cached"] == 1
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"nonsense", "truncated"])
def test_damaged_cache_entries_are_replaced(cache, damage):
    function_of(lambda f: f.mul("%a", "%b"))
    (entry,) = cache.iterdir()
    good = entry.read_bytes()
    entry.write_bytes(good[:-20] if damage == "truncated" else damage)
    assert function_of(lambda f: f.mul("%a", "%b"))(4, 5) == 20
    assert entry.read_bytes() == good


def test_cache_can_be_switched_off_or_unusable(cache, monkeypatch):
    monkeypatch.setenv("DUOFLOW_CACHE", "off")
    assert kept_on_disk.cache_directory() is None
    assert function_of(lambda f: f.sub("%a", "%b"))(4, 5) == -1
    assert not list(cache.iterdir())
    blocked = cache / "file"
    blocked.write_text("not a directory")
    monkeypatch.setenv("DUOFLOW_CACHE", str(blocked))
    assert function_of(lambda f: f.sub("%a", "%b"))(4, 5) == -1


def test_cache_is_bounded(cache, monkeypatch):
    for number in range(10):
        (cache / f"{number:02}.o").write_bytes(bytes(100))
    monkeypatch.setattr(kept_on_disk, "_BYTES", 500)
    kept_on_disk._trim(cache)
    assert len(list(cache.iterdir())) == 5


def test_symbols_cross_modules():
    add = function_of(lambda f: f.add("%a", "%b"))
    module = Module()
    module.declare("test_add", "i64", "i64", "i64")
    with module.function("twice", [("i64", "a")], "i64") as f:
        f.do(f"ret i64 {f.call('i64', 'test_add', 'i64 %a', 'i64 %a')}")
    symbols = {"test_add": add.library.address("f")}
    library = jit.compile_module(module.text(), "caller", symbols=symbols)
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library.address("twice"))(21) == 42
    with pytest.raises(KeyError, match="defines no function 'thrice'"):
        library.address("thrice")


def test_llvmlite_is_imported_by_the_first_compilation():
    modules = "runner scalar threads kernels.gemm kernels.conv".split()
    program = "; ".join(f"import duoflow.engines.native.{name}" for name in modules)
    program = f"import sys; {program}; sys.exit('llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def module_of_kernels(count):
    """Functions k0, k1... that add their number to what they are given, by way of a function that is internal."""
    module = Module()
    with module.function("sum", [("i64", "a"), ("i64", "b")], "i64", internal=True) as f:
        f.do(f"ret i64 {f.add('%a', '%b')}")
    for number in range(count):
        with module.function(f"k{number}", [("i64", "a")], "i64") as f:
            f.do(f"ret i64 {f.call('i64', 'sum', 'i64 %a', f'i64 {number}')}")
    return module


@pytest.mark.parametrize("count", [0, 1, 2, 3, 20])
def test_a_module_can_be_compiled_in_parts_side_by_side(cache, count):
    parts = module_of_kernels(7).parts(count)
    assert len(parts) == max(1, min(count, 7))
    assert sorted(name for _, names in parts for name in names) == [f"k{i}" for i in range(7)]
    libraries = jit.compile_modules([text for text, _ in parts], "parts", verify=True)
    for library, (_, names) in zip(libraries, parts, strict=True):
        for name in names:
            call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library.address(name))
            assert call(100) == 100 + int(name[1:])
    assert len(list(cache.iterdir())) == len(parts)


def test_code_is_the_same_whoever_else_generates_some():
    texts = [module_of_kernels(n).text() for n in range(1, 9)]
    jobs = [functools.partial(jit._generate, text, "side by side", target.host(), False) for text in texts]
    assert jit.side_by_side(jobs * 4) == [job() for job in jobs] * 4


def test_an_error_of_one_part_is_the_error_of_all():
    good = module_of_kernels(1).text()
    with pytest.raises(RuntimeError, match="invalid LLVM IR for module 'parts'"):
        jit.compile_modules([good, "define void @f() { ret i32 0 }", good.replace("k0", "k1")], "parts")


def test_wrong_ir_is_reported_with_the_module():
    with pytest.raises(RuntimeError, match="invalid LLVM IR for module 'broken'"):
        jit.compile_module("define void @f() { ret i32 0 }", "broken")


@pytest.mark.parametrize("machine", [target.SSE2, target.AVX2, target.AVX512, target.NEON], ids=lambda m: m.cpu)
def test_code_can_be_written_for_other_processors(machine):
    module = Module(machine)
    lanes = machine.lanes(4)
    with module.function("double_all", [("ptr", "x")]) as f:
        value = f.load("float", "%x", lanes)
        f.store("float", f.fma("float", lanes, value, value, value), "%x", lanes, f.first_lanes(2, lanes))
    assert "double_all" in jit.assembly(module.text(), machine)


def test_what_is_kept_is_made_once_by_whatever_thread():
    made = []

    @jit.kept
    def make(name):
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(make, ["a"] * 8))
    assert len(made) == 1 and found == made * 8
