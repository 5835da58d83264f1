"""A small writer of LLVM IR text.

    module = Module(target)
    with module.function("scale", [("ptr", "x"), ("i64", "n"), ("float", "s")]) as f:
        with f.loop(0, "%n") as loop:
            item = f.gep("%x", loop.index, "float")
            f.store("float", f.emit(f"fmul float {f.load('float', item)}, %s"), item)
    module.text()

An operand is the text LLVM wants: a register (`%t3`), a parameter (`%n`) or a constant. Index arithmetic (`add`,
`mul`, `minimum`...) is on i64 and folds Python ints, so the same emitter writes a kernel for sizes known now (ints)
or read at run time (registers). Functions are written in SSA form with phis: nothing is left for optimisation passes,
which are not run. Alignments are those of the element, never of the vector.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .target import Target, host

__all__ = ["KERNEL", "Function", "Index", "Loop", "Module", "float_literal", "splat", "vector"]

#: An i64: known while emitting, or a register.
Index = int | str

#: The parameters of every kernel (see `runner`).
KERNEL = (("ptr", "ptrs"), ("ptr", "consts"), ("i64", "part"), ("i64", "parts"), ("i64", "thread"))

_BYTES = {"i1": 1, "i8": 1, "i16": 2, "half": 2, "bfloat": 2, "i32": 4, "float": 4, "i64": 8, "double": 8, "ptr": 8}
_SUFFIX = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"}


def vector(item: str, lanes: int) -> str:
    """The type of `lanes` items; one lane is the item itself."""
    return item if lanes == 1 else f"<{lanes} x {item}>"


def splat(item: str, literal: str, lanes: int) -> str:
    """A constant of `lanes` equal items."""
    return literal if lanes == 1 else f"splat ({item} {literal})"


def float_literal(value: float, item: str = "float") -> str:
    """A float or double constant, exact to the bit (LLVM writes both as a double's bits in hexadecimal)."""
    if item == "float":
        try:
            value = struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"


def suffix(item: str, lanes: int) -> str:
    """How overloaded intrinsics spell a type: `v8f32`, `i64`."""
    return ("" if lanes == 1 else f"v{lanes}") + _SUFFIX.get(item, item)


class Module:
    """One compilation unit: declarations, constants and functions, each written once."""

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or host()
        self._declarations: dict[str, str] = {}
        self._globals: dict[str, str] = {}
        self._functions: dict[str, str] = {}

    def declare(self, name: str, result: str, *parameters: str) -> None:
        """Make an external function or intrinsic known."""
        self._declarations.setdefault(name, f"declare {result} @{name}({', '.join(parameters)})")

    def constant(self, name: str, definition: str) -> str:
        """A private constant: `constant("table", "[2 x i64] [i64 1, i64 2]")` gives the operand `@table`."""
        self._globals.setdefault(name, f"@{name} = internal unnamed_addr constant {definition}, align 64")
        return f"@{name}"

    def has(self, name: str) -> bool:
        """Whether a function of this name was already written."""
        return name in self._functions

    def body(self, name: str) -> str:
        """The text of a function that was written."""
        return self._functions[name]

    def discard(self, name: str) -> None:
        """Take back a function that turned out to be the copy of another."""
        del self._functions[name]

    @contextlib.contextmanager
    def function(
        self, name: str, parameters: Sequence[tuple[str, str]], result: str = "void", *, internal: bool = False
    ) -> Iterator[Function]:
        """Write a function; `ret void` is added at its end if it returns nothing."""
        function = Function(self, name, parameters, result, internal)
        self._functions[name] = ""
        yield function
        if result == "void":
            function.do("ret void")
        self._functions[name] = function.text()

    def text(self) -> str:
        """The module as LLVM reads it."""
        return self._with(self._functions)

    def parts(self, count: int) -> list[tuple[str, list[str]]]:
        """The module as so many of about the same length, if it has functions enough; and the names of their functions.

        Internal functions are in each part.
        """
        internal = [name for name, text in self._functions.items() if text.startswith("define internal ")]
        own = [name for name in self._functions if name not in internal]
        shares: list[list[str]] = [[] for _ in range(max(1, min(count, len(own))))]
        lengths = [0] * len(shares)
        for name in sorted(own, key=lambda n: len(self._functions[n]), reverse=True):
            least = lengths.index(min(lengths))
            shares[least].append(name)
            lengths[least] += len(self._functions[name])
        return [(self._with([*internal, *names]), names) for names in shares]

    def _with(self, names: Iterable[str]) -> str:
        parts = [*self._declarations.values(), *self._globals.values(), *(self._functions[name] for name in names)]
        return "\n".join(parts) + "\n"


@dataclass
class Loop:
    """A loop being written: set `next` to the carried operands' values for the next turn before leaving the body."""

    index: str
    values: list[str]
    next: list[str] = field(default_factory=list)
    #: The carried values after the loop, once the body is closed.
    results: list[str] = field(default_factory=list)


class Function:
    """A function being written, one instruction after the other."""

    def __init__(
        self, module: Module, name: str, parameters: Sequence[tuple[str, str]], result: str, internal: bool
    ) -> None:
        self.module = module
        self.target = module.target
        self.name = name
        signature = ", ".join(f"{kind} %{label}" for kind, label in parameters)
        self._head = f"define {'internal ' if internal else ''}{result} @{name}({signature}) nounwind {{\nentry:"
        self._lines: list[str] = []
        self._allocas: list[str] = []
        self._count = 0
        #: The label of the block being written, for phis.
        self.block = "entry"

    def text(self) -> str:
        return "\n".join([self._head, *self._allocas, *self._lines, "}"])

    @property
    def length(self) -> int:
        """How many lines are written."""
        return len(self._lines)

    # Instructions -----------------------------------------------------------------------------------------------

    def fresh(self) -> str:
        """A new register name."""
        self._count += 1
        return f"%t{self._count}"

    def emit(self, instruction: str) -> str:
        """Write an instruction that gives a value; returns its register."""
        register = self.fresh()
        self._lines.append(f"  {register} = {instruction}")
        return register

    def do(self, instruction: str) -> None:
        """Write an instruction that gives nothing."""
        self._lines.append("  " + instruction)

    def call(self, result: str, name: str, *arguments: str) -> str:
        """Call a function defined in this module or declared; arguments are `type operand`."""
        text = f"call {result} {name if name.startswith('%') else '@' + name}({', '.join(arguments)})"
        if result == "void":
            self.do(text)
            return ""
        return self.emit(text)

    def intrinsic(self, name: str, result: str, *arguments: tuple[str, str]) -> str:
        """Declare and call an intrinsic; arguments are (type, operand)."""
        self.module.declare(name, result, *(kind for kind, _ in arguments))
        return self.call(result, name, *(f"{kind} {operand}" for kind, operand in arguments))

    def alloca(self, kind: str, count: int = 1, align: int = 64) -> str:
        """Stack memory. Only for drivers: without passes it stays in memory."""
        register = self.fresh()
        self._allocas.append(f"  {register} = alloca {kind}, i64 {count}, align {align}")
        return register

    # Index arithmetic -------------------------------------------------------------------------------------------

    def add(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.emit(f"add nsw i64 {a}, {b}")

    def sub(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.emit(f"sub nsw i64 {a}, {b}")

    def mul(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 0 or b == 0:
            return 0
        if a == 1 or b == 1:
            return b if a == 1 else a
        return self.emit(f"mul nsw i64 {a}, {b}")

    def div(self, a: Index, b: Index) -> Index:
        """Quotient of two non-negative numbers, rounded down."""
        if isinstance(a, int) and isinstance(b, int):
            return a // b
        return a if b == 1 else self.emit(f"udiv i64 {a}, {b}")

    def rem(self, a: Index, b: Index) -> Index:
        """Remainder of two non-negative numbers."""
        if isinstance(a, int) and isinstance(b, int):
            return a % b
        return 0 if b == 1 else self.emit(f"urem i64 {a}, {b}")

    def ceildiv(self, a: Index, b: Index) -> Index:
        return self.div(self.add(a, self.sub(b, 1)), b)

    def compare(self, predicate: str, a: Index, b: Index, kind: str = "i64") -> str:
        """`icmp`: predicates eq ne slt sle sgt sge ult..."""
        return self.emit(f"icmp {predicate} {kind} {a}, {b}")

    def select(self, condition: str, a: Index, b: Index, kind: str = "i64") -> str:
        return self.emit(f"select i1 {condition}, {kind} {a}, {kind} {b}")

    def minimum(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self.intrinsic("llvm.smin.i64", "i64", ("i64", str(a)), ("i64", str(b)))

    def maximum(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.intrinsic("llvm.smax.i64", "i64", ("i64", str(a)), ("i64", str(b)))

    def share(self, count: Index, part: Index, parts: Index) -> tuple[Index, Index]:
        """The half-open range of `count` items that falls to `part` of `parts`."""
        if part == 0 and parts == 1:
            return 0, count
        begin = self.div(self.mul(count, part), parts)
        return begin, self.div(self.mul(count, self.add(part, 1)), parts)

    # Memory -----------------------------------------------------------------------------------------------------

    def gep(self, pointer: str, index: Index, item: str = "i8") -> str:
        """The address of item `index` after `pointer`."""
        return pointer if index == 0 else self.emit(f"getelementptr {item}, ptr {pointer}, i64 {index}")

    def load(self, item: str, pointer: str, lanes: int = 1, mask: str | None = None) -> str:
        """Load one item or a vector; lanes that `mask` leaves out read as zero and touch no memory."""
        kind = vector(item, lanes)
        if mask is None:
            return self.emit(f"load {kind}, ptr {pointer}, align {_BYTES[item]}")
        return self.intrinsic(
            f"llvm.masked.load.{suffix(item, lanes)}.p0", kind, ("ptr", pointer), ("i32", str(_BYTES[item])),
            (f"<{lanes} x i1>", mask), (kind, "zeroinitializer"),
        )  # fmt: skip

    def store(self, item: str, value: Index, pointer: str, lanes: int = 1, mask: str | None = None) -> None:
        """Store one item or a vector, or the lanes of it that `mask` holds."""
        kind = vector(item, lanes)
        if mask is None:
            self.do(f"store {kind} {value}, ptr {pointer}, align {_BYTES[item]}")
            return
        if mask.startswith("<") and (mask.count("true") == 1 or self.target.vector_bytes < 64):
            return self._store_pieces(item, str(value), pointer, lanes, mask.count("true"))
        self.intrinsic(
            f"llvm.masked.store.{suffix(item, lanes)}.p0", "void", (kind, str(value)), ("ptr", pointer),
            ("i32", str(_BYTES[item])), (f"<{lanes} x i1>", mask),
        )  # fmt: skip

    def _store_pieces(self, item: str, value: str, pointer: str, lanes: int, count: int) -> None:
        """Store the first `count` lanes in pieces of 1, 2, 4... items.

        Without AVX-512 masked stores are slow. With it, LLVM 22 makes one of a single lane too wide if the value was
        truncated just before.
        """
        begin = 0
        while begin < count:
            size = 1 << ((count - begin).bit_length() - 1)
            piece = self.shuffle(vector(item, lanes), value, "poison", range(begin, begin + size))
            if size == 1:
                piece = self.emit(f"extractelement <1 x {item}> {piece}, i32 0")
            self.store(item, piece, self.gep(pointer, begin, item), size)
            begin += size

    def parameter(self, table: str, position: int, item: str = "i64") -> str:
        """Entry `position` of a table of 8-byte entries (a kernel's `ptrs` or `consts`)."""
        return self.load(item, self.gep(table, position, "i64"))

    def broadcast(self, item: str, value: str, lanes: int) -> str:
        """A scalar in every lane."""
        if lanes == 1:
            return value
        kind = vector(item, lanes)
        single = self.emit(f"insertelement {kind} poison, {item} {value}, i32 0")
        return self.emit(f"shufflevector {kind} {single}, {kind} poison, <{lanes} x i32> zeroinitializer")

    def shuffle(self, kind: str, a: str, b: str, lanes: Sequence[int]) -> str:
        """The given lanes of the concatenation of `a` and `b`."""
        order = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.emit(f"shufflevector {kind} {a}, {kind} {b}, <{len(lanes)} x i32> <{order}>")

    def first_lanes(self, count: Index, lanes: int) -> str | None:
        """The mask of the first `count` lanes: None when that is certainly all of them, else a constant or register."""
        if isinstance(count, int):
            if count >= lanes:
                return None
            return "<" + ", ".join(f"i1 {'true' if lane < count else 'false'}" for lane in range(lanes)) + ">"
        bound = self.broadcast("i32", self.emit(f"trunc i64 {count} to i32"), lanes)
        numbers = "<" + ", ".join(f"i32 {lane}" for lane in range(lanes)) + ">"
        return self.emit(f"icmp sgt <{lanes} x i32> {bound}, {numbers}")

    def fma(self, item: str, lanes: int, a: str, b: str, c: str) -> str:
        """a * b + c, rounded once."""
        kind = vector(item, lanes)
        return self.intrinsic(f"llvm.fma.{suffix(item, lanes)}", kind, (kind, a), (kind, b), (kind, c))

    # Control ----------------------------------------------------------------------------------------------------

    def new_label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    def label(self, name: str) -> None:
        """Start the block `name`."""
        self._lines.append(name + ":")
        self.block = name

    def jump(self, label: str) -> None:
        self.do(f"br label %{label}")

    def fork(self, condition: str, then: str, otherwise: str) -> None:
        self.do(f"br i1 {condition}, label %{then}, label %{otherwise}")

    def phi(self, kind: str, *incoming: tuple[Index, str]) -> str:
        return self.emit(f"phi {kind} " + ", ".join(f"[{value}, %{block}]" for value, block in incoming))

    def reserve(self) -> int:
        """Keep a place for a line that is known later (a phi at the head of a hand-written loop); see `fill`."""
        self._lines.append("")
        return len(self._lines) - 1

    def fill(self, place: int, line: str) -> None:
        self._lines[place] = "  " + line

    @contextlib.contextmanager
    def loop(self, start: Index, stop: Index, step: Index = 1, carry: Sequence[tuple[str, str]] = ()) -> Iterator[Loop]:
        """`for index in range(start, stop, step)`, carrying (type, initial operand) values from turn to turn."""
        before, head, after = self.block, self.new_label(), self.new_label()
        certain = isinstance(start, int) and isinstance(stop, int) and start < stop
        if certain:
            self.jump(head)
        else:
            self.fork(self.compare("slt", start, stop), head, after)
        self.label(head)
        loop = Loop(self.fresh(), [self.fresh() for _ in carry])
        place = self.reserve()
        yield loop
        if len(loop.next) != len(carry):
            raise ValueError(
                f"Loop in {self.name} carries {len(carry)} values and was given {len(loop.next)} to go on."
            )
        following = self.emit(f"add nsw i64 {loop.index}, {step}")
        latch = self.block
        self.fork(self.compare("slt", following, stop), head, after)
        phis = [f"{loop.index} = phi i64 [{start}, %{before}], [{following}, %{latch}]"]
        merged = list(zip(carry, loop.values, loop.next))
        phis += [f"{name} = phi {kind} [{init}, %{before}], [{new}, %{latch}]" for (kind, init), name, new in merged]
        self.fill(place, "\n  ".join(phis))
        self.label(after)
        if certain:
            loop.results = list(loop.next)
        else:
            loop.results = [self.phi(kind, (init, before), (new, latch)) for (kind, init), _, new in merged]

    @contextlib.contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """The body runs if the i1 `condition` holds."""
        then, after = self.new_label(), self.new_label()
        self.fork(condition, then, after)
        self.label(then)
        yield
        self.jump(after)
        self.label(after)

    def branch(
        self,
        condition: str,
        then: Callable[[], Sequence[str]],
        otherwise: Callable[[], Sequence[str]],
        kinds: Sequence[str] = (),
    ) -> list[str]:
        """Write both sides of a branch and merge the operands that they return."""
        yes, no, after = self.new_label(), self.new_label(), self.new_label()
        self.fork(condition, yes, no)
        sides = []
        for label, side in ((yes, then), (no, otherwise)):
            self.label(label)
            values = side()
            sides.append((values, self.block))
            self.jump(after)
        self.label(after)
        (left, left_block), (right, right_block) = sides
        return [self.phi(kind, (a, left_block), (b, right_block)) for kind, a, b in zip(kinds, left, right)]
