"""The code of the attention kernels; see `attention` for what they do and how they are called."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from duoflow.core import dtypes

from ..ir import KERNEL, Function, Index
from ..scalar import LLVMBuilder, Value
from .tiles import RowTiles, TileWriter

__all__ = ["CONSTS", "SCORES", "STEPS", "AttentionWriter", "across"]

STEPS = ("outer", "inner", "row", "column")
CONSTS = (
    "entries", "inner", "queries", "keys", "depth", "width", "row_block", "key_block", "stride", "splits",
    "thread_items", "shared_items", "scores", "hides", "tiles", "k_area", "v_area", "score_area", "key_rows_area",
    "query_rows_area", "out_rows_area", "gradient_area", "dots_area",
    *(f"{name}_{step}" for name in ("q", "k", "v", "out", "g", "gq", "gk", "gv") for step in STEPS),
)  # fmt: skip
#: The parameters of the function that changes scores.
SCORES = (
    ("ptr", "ptrs"), ("ptr", "block"), ("i64", "stride"), ("i64", "batch"), ("i64", "row"), ("i64", "rows"),
    ("i64", "col"), ("i64", "cols"), ("i1", "back"),
)  # fmt: skip


#: The exponential of anything less is 0, by the size of the type.
_VANISHING = {4: -104.0, 8: -746.0}
#: An entry of the batch, where rows begin and how many there are, and where columns begin and how many there are.
_Place = tuple[Index, tuple[Index, Index], tuple[Index, Index]]


@dataclass(frozen=True)
class _Packed:
    """A packed operand: its address, and its rows and columns now."""

    pointer: str
    depth: Index
    columns: Index


def across(
    b: LLVMBuilder, count: Index, start: Sequence[Value],
    body: Callable[[Index, str | None, Sequence[Value]], Sequence[Value]],
) -> list[Value]:  # fmt: skip
    """`body(index, mask, values)` for each vector of a row, the last of which may be partial; the last values."""
    f = b.f
    carry = [(b.kind(v.dtype), v.ref) for v in start]

    def step(index: Index, mask: str | None, refs: Sequence[str]) -> list[str]:
        return [v.ref for v in body(index, mask, [b.wrap(r, v.dtype) for r, v in zip(refs, start)])]

    whole = f.mul(f.div(count, b.lanes), b.lanes)
    with f.loop(0, whole, b.lanes, carry) as loop:
        loop.next = step(loop.index, None, loop.values)
    rest = f.sub(count, whole)
    refs = f.branch(
        f.compare("sgt", rest, 0),
        lambda: step(whole, f.first_lanes(rest, b.lanes), loop.results),
        lambda: loop.results,
        [kind for kind, _ in carry],
    )
    return [b.wrap(r, v.dtype) for r, v in zip(refs, start)]


class AttentionWriter(TileWriter):
    """Writes the kernels `forward`, `backward` and `gather`."""

    def write(self) -> None:
        self.write_pack_rows()
        self.write_pack_transposed()
        self._write_pack()
        self._write_product()
        self._write_online()
        self._write_normalise()
        self._write_probabilities()
        self._write_dots()
        self._write_clear()
        self._write_squares()
        self._write_hidden()
        self._write_forward()
        self._write_backward()
        self._write_gather()

    # Blocks -----------------------------------------------------------------------------------------------------------

    def _write_pack(self) -> None:
        """A matrix [depth, columns] of any strides as packed panels."""
        parameters = [
            ("ptr", "source"), ("i64", "row"), ("i64", "column"), ("ptr", "target"), ("i64", "depth"),
            ("i64", "columns"),
        ]  # fmt: skip
        with self.module.function("pack", parameters, internal=True) as f, f.loop(0, "%columns", self.panel) as loop:
            source = f.gep("%source", f.mul(loop.index, "%column"), self.item)
            target = f.gep("%target", f.mul(loop.index, "%depth"), self.item)
            here = f.minimum(self.panel, f.sub("%columns", loop.index))
            self.call_pack(f, source, ("%row", "%column"), target, "%depth", here)

    def _pack(
        self, f: Function, source: str, row: Index, column: Index, target: str, depth: Index, columns: Index
    ) -> _Packed:
        arguments = (f"ptr {source}", f"i64 {row}", f"i64 {column}", f"ptr {target}", f"i64 {depth}", f"i64 {columns}")
        f.call("void", "pack", *arguments)
        return _Packed(target, depth, columns)

    _PRODUCT = (
        ("ptr", "table"), ("ptr", "a"), ("i64", "a_row"), ("i64", "a_k"), ("i64", "rows"), ("ptr", "b"),
        ("i64", "depth"), ("i64", "columns"), ("ptr", "c"), ("i64", "c_row"), ("i1", "add"),
    )  # fmt: skip

    def _write_product(self) -> None:
        """C[rows, columns] (+)= A[rows, depth] times a packed B."""
        with self.module.function("product", self._PRODUCT, internal=True) as f:
            tiles = RowTiles(f, "%rows")
            with f.loop(0, "%columns", self.panel) as panel:
                b = f.gep("%b", f.mul(panel.index, "%depth"), self.item)
                here = f.minimum(self.panel, f.sub("%columns", panel.index))
                for height, begin, end in tiles.between(f, 0, tiles.count):
                    with f.loop(begin, end) as tile:
                        row = tiles.first_row(f, tile.index)
                        a = f.gep("%a", f.mul(row, "%a_row"), self.item)
                        c = f.gep("%c", f.add(f.mul(row, "%c_row"), panel.index), self.item)
                        self.call_tile(
                            f, "%table", height, a=a, a_row="%a_row", a_k="%a_k", a_outer=0, a_inner=0, outer=1,
                            inner=1, depth="%depth", b=b, b_k=self.panel, c=c, c_row="%c_row", cols=here, add="%add",
                        )  # fmt: skip

    def _product(
        self, f: Function, n: _Numbers, a: str, a_row: Index, a_k: Index, rows: Index, b: _Packed, c: str, c_row: Index,
        add: str = "false",
    ) -> None:  # fmt: skip
        values = (n.pointer("tiles"), a, a_row, a_k, rows, b.pointer, b.depth, b.columns, c, c_row, add)
        f.call("void", "product", *(f"{kind} {value}" for (kind, _), value in zip(self._PRODUCT, values)))

    # Rows -------------------------------------------------------------------------------------------------------------

    def _where(self, b: LLVMBuilder, mask: str | None, x: Value, other: float) -> Value:
        """The lanes that count; another number in the rest."""
        return x if mask is None else b.select(b.wrap(mask, dtypes.bool_), x, b.const(other, x.dtype))

    def _write_online(self) -> None:
        """Scores of a block become exp(score - peak), where peak is the largest of the row so far.

        The sums `norm` are continued; they and the output so far are rescaled where the peak has grown.
        """
        parameters = [
            ("ptr", "block"), ("i64", "stride"), ("i64", "rows"), ("i64", "columns"), ("ptr", "peak"), ("ptr", "norm"),
            ("ptr", "out"), ("i64", "out_row"), ("i64", "width"), ("i1", "first"),
        ]  # fmt: skip
        with self.module.function("online", parameters, internal=True) as f, f.loop(0, "%rows") as row:
            wide, one, dtype = LLVMBuilder(f, self.lanes), LLVMBuilder(f, 1), self.sum_type
            scores = f.gep("%block", f.mul(row.index, "%stride"), self.item)
            lowest = one.const(-math.inf, dtype)
            before = one.select(one.wrap("%first", dtypes.bool_), lowest, one.load(dtype, "%peak", row.index))
            best = self._largest(wide, scores)
            peak = one.select(best > before, best, before)
            origin = self._finite(one, peak)
            total = self._exp_in_place(wide, scores, wide.spread(origin))
            one.store(peak, "%peak", row.index)

            def rescale() -> list[str]:
                factor = one.exp(before - origin)
                self._scale_row(wide, f.gep("%out", f.mul(row.index, "%out_row"), self.item), "%width", factor)
                return [(one.load(dtype, "%norm", row.index) * factor + total).ref]

            again = f.emit("xor i1 %first, true")
            (norm,) = f.branch(again, rescale, lambda: [total.ref], [one.kind(dtype)])
            one.store(one.wrap(norm, dtype), "%norm", row.index)

    def _largest(self, b: LLVMBuilder, scores: str) -> Value:
        """The largest score of a row; NaN does not count, as it will be found when scores are summed."""

        def larger(b: LLVMBuilder, x: Value, y: Value) -> Value:
            return b.select(x > y, x, y)

        def body(index: Index, mask: str | None, best: Sequence[Value]) -> list[Value]:
            x = self._where(b, mask, b.load(self.sum_type, scores, index, mask), -math.inf)
            return [larger(b, x, best[0])]

        (best,) = across(b, "%columns", [b.const(-math.inf, self.sum_type)], body)
        return b.fold(best, larger)

    def _finite(self, b: LLVMBuilder, peak: Value) -> Value:
        """What is taken from the scores of a row: its peak, or nothing where all are -inf so far."""
        return b.select(peak == -math.inf, b.const(0.0, peak.dtype), peak)

    def _exp_in_place(self, b: LLVMBuilder, scores: str, origin: Value) -> Value:
        """exp(score - origin) for the scores of a row; their sum."""

        def body(index: Index, mask: str | None, total: Sequence[Value]) -> list[Value]:
            e = b.decay(b.load(self.sum_type, scores, index, mask) - origin)
            b.store(e, scores, index, mask)
            return [total[0] + self._where(b, mask, e, 0.0)]

        (total,) = across(b, "%columns", [b.const(0.0, self.sum_type)], body)
        return b.fold(total, lambda n, x, y: x + y)

    def _scale_row(self, b: LLVMBuilder, row: str, width: Index, factor: Value) -> None:
        wide = b.spread(factor)

        def body(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
            b.store(b.load(self.sum_type, row, index, mask) * wide, row, index, mask)
            return []

        across(b, width, [], body)

    def _write_normalise(self) -> None:
        """The output over the sums, which become their reciprocals."""
        parameters = [("i64", "rows"), ("ptr", "norm"), ("ptr", "out"), ("i64", "out_row"), ("i64", "width")]
        with self.module.function("normalise", parameters, internal=True) as f, f.loop(0, "%rows") as row:
            one = LLVMBuilder(f, 1)
            factor = 1.0 / one.load(self.sum_type, "%norm", row.index)
            one.store(factor, "%norm", row.index)
            out = f.gep("%out", f.mul(row.index, "%out_row"), self.item)
            self._scale_row(LLVMBuilder(f, self.lanes), out, "%width", factor)

    def _write_probabilities(self) -> None:
        """Scores become probabilities p, and gradients g of these p (g - dot), the gradients of the scores."""
        parameters = [
            ("ptr", "block"), ("ptr", "gradients"), ("i64", "stride"), ("i64", "rows"), ("i64", "columns"),
            ("ptr", "peak"), ("ptr", "norm"), ("ptr", "dots"),
        ]  # fmt: skip
        with self.module.function("probabilities", parameters, internal=True) as f, f.loop(0, "%rows") as row:
            b, one, dtype = LLVMBuilder(f, self.lanes), LLVMBuilder(f, 1), self.sum_type
            scores = f.gep("%block", f.mul(row.index, "%stride"), self.item)
            gradients = f.gep("%gradients", f.mul(row.index, "%stride"), self.item)
            peak, norm, dot = (one.load(dtype, pointer, row.index) for pointer in ("%peak", "%norm", "%dots"))
            origin, norm, dot = b.spread(self._finite(one, peak)), b.spread(norm), b.spread(dot)

            def body(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
                p = b.decay(b.load(dtype, scores, index, mask) - origin) * norm
                b.store(p, scores, index, mask)
                b.store(p * (b.load(dtype, gradients, index, mask) - dot), gradients, index, mask)
                return []

            across(b, "%columns", [], body)

    def _write_dots(self) -> None:
        """The products of the rows of the output with those of its gradient."""
        parameters = [
            ("i64", "rows"), ("i64", "width"), ("ptr", "out"), ("i64", "out_row"), ("ptr", "gradient"),
            ("i64", "gradient_row"), ("ptr", "dots"),
        ]  # fmt: skip
        with self.module.function("dots", parameters, internal=True) as f, f.loop(0, "%rows") as row:
            b, dtype = LLVMBuilder(f, self.lanes), self.sum_type
            out = f.gep("%out", f.mul(row.index, "%out_row"), self.item)
            gradient = f.gep("%gradient", f.mul(row.index, "%gradient_row"), self.item)

            def body(index: Index, mask: str | None, total: Sequence[Value]) -> list[Value]:
                return [b.fma(b.load(dtype, out, index, mask), b.load(dtype, gradient, index, mask), total[0])]

            (total,) = across(b, "%width", [b.const(0.0, dtype)], body)
            LLVMBuilder(f, 1).store(b.fold(total, lambda n, x, y: x + y), "%dots", row.index)

    # Blocks that masks hide -------------------------------------------------------------------------------------------

    def _write_clear(self) -> None:
        """Zeros."""
        parameters = [("ptr", "to"), ("i64", "step"), ("i64", "rows"), ("i64", "columns")]
        with self.module.function("clear", parameters, internal=True) as f, f.loop(0, "%rows") as row:
            b = LLVMBuilder(f, self.lanes)
            to = f.gep("%to", f.mul(row.index, "%step"), self.item)

            def body(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
                b.store(b.const(0.0, self.sum_type), to, index, mask)
                return []

            across(b, "%columns", [], body)

    def _write_squares(self) -> None:
        """The largest sum of squares of a row; NaN if there is NaN."""
        parameters = [("ptr", "from"), ("i64", "step"), ("i64", "rows"), ("i64", "columns")]
        with self.module.function("squares", parameters, self.item, internal=True) as f:
            b, dtype = LLVMBuilder(f, self.lanes), self.sum_type
            one = b.narrower(1)
            with f.loop(0, "%rows", carry=[(self.item, one.const(0.0, dtype).ref)]) as row:
                line = f.gep("%from", f.mul(row.index, "%step"), self.item)

                def body(index: Index, mask: str | None, total: Sequence[Value]) -> list[Value]:
                    x = b.load(dtype, line, index, mask)
                    return [b.fma(x, x, total[0])]

                (total,) = across(b, "%columns", [b.const(0.0, dtype)], body)
                row.next = [one.maximum(one.wrap(row.values[0], dtype), b.fold(total, lambda n, x, y: x + y)).ref]
            f.do(f"ret {self.item} {row.results[0]}")

    def _squares(self, f: Function, pointer: str, step: Index, rows: Index, columns: Index) -> Value:
        arguments = (f"ptr {pointer}", f"i64 {step}", f"i64 {rows}", f"i64 {columns}")
        return LLVMBuilder(f, 1).wrap(f.call(self.item, "squares", *arguments), self.sum_type)

    def _reach_of_keys(
        self, f: Function, n: _Numbers, wanted: str, k: str, v: str, key: Index, columns: Index
    ) -> Value:
        """The largest sum of squares of some keys, if it is wanted; NaN if there is NaN or infinity in the values."""

        def found() -> list[str]:
            keys, values = (f.gep(x, f.mul(key, n[f"{name}_row"]), self.item) for x, name in ((k, "k"), (v, "v")))
            of_keys = self._squares(f, keys, n["k_row"], columns, n["depth"])
            return [(of_keys + self._squares(f, values, n["v_row"], columns, n["width"]) * 0.0).ref]

        one = LLVMBuilder(f, 1)
        (reach,) = f.branch(wanted, found, lambda: [one.const(0.0, self.sum_type).ref], [self.item])
        return one.wrap(reach, self.sum_type)

    def _bound(self, f: Function, of_keys: Value, of_queries: Value) -> Value:
        """What no product of a query with a key exceeds."""
        return LLVMBuilder(f, 1).sqrt(of_keys * of_queries) * 1.001

    _PLACE = (("i64", "batch"), ("i64", "row"), ("i64", "rows"), ("i64", "col"), ("i64", "cols"))

    def _write_hidden(self) -> None:
        """Whether scores make no difference, even if each product is as large as it can be: exp(score - peak) is 0."""
        dtype = self.sum_type
        parameters = [
            ("ptr", "ptrs"), ("ptr", "scores"), ("ptr", "block"), ("i64", "stride"), *self._PLACE, (self.item, "bound"),
            ("ptr", "peak"),
        ]  # fmt: skip
        with self.module.function("hidden", parameters, "i1", internal=True) as f:
            b = LLVMBuilder(f, self.lanes)
            with f.loop(0, "%rows") as row:
                to = f.gep("%block", f.mul(row.index, "%stride"), self.item)
                largest = b.spread(b.narrower(1).wrap("%bound", dtype))

                def fill(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
                    b.store(largest, to, index, mask)
                    return []

                across(b, "%cols", [], fill)
            numbers = (f"{kind} %{name}" for kind, name in (("i64", "stride"), *self._PLACE))
            f.call("void", "%scores", "ptr %ptrs", "ptr %block", *numbers, "i1 false")
            least = b.const(_VANISHING[dtype.size], dtype)
            with f.loop(0, "%rows", carry=[("i1", "true")]) as row:
                line = f.gep("%block", f.mul(row.index, "%stride"), self.item)
                peak = b.load_uniform(dtype, "%peak", row.index)

                def body(index: Index, mask: str | None, so_far: Sequence[Value]) -> list[Value]:
                    vanishes = b.load(dtype, line, index, mask) - peak < least
                    if mask is not None:
                        vanishes = vanishes | ~b.wrap(mask, dtypes.bool_)
                    return [so_far[0] & vanishes]

                (all_of_row,) = across(b, "%cols", [b.const(True, dtypes.bool_)], body)
                whole = b.fold(all_of_row, lambda n, x, y: x & y)
                row.next = [f.emit(f"and i1 {row.values[0]}, {whole.ref}")]
            f.do(f"ret i1 {row.results[0]}")

    def _hidden(self, f: Function, n: _Numbers, block: str, place: _Place, bound: Value, peak: str) -> str:
        """Whether a block is hidden: first the last row is tried, and the first."""
        entry, (row, rows), columns = place
        scores = f.emit(f"inttoptr i64 {n['scores']} to ptr")

        def of(first: Index, count: Index) -> list[str]:
            numbers = (f"i64 {x}" for x in (n["stride"], entry, f.add(row, first), count, *columns))
            peaks = f.gep(peak, first, self.item)
            return [
                f.call(
                    "i1", "hidden", "ptr %ptrs", f"ptr {scores}", f"ptr {block}", *numbers, f"{self.item} {bound.ref}",
                    f"ptr {peaks}",
                )
            ]  # fmt: skip

        def and_then(held: str, first: Index, count: Index) -> str:
            return f.branch(held, lambda: of(first, count), lambda: ["false"], ["i1"])[0]

        return and_then(and_then(of(f.sub(rows, 1), 1)[0], 0, 1), 0, rows)

    # Kernels ----------------------------------------------------------------------------------------------------------

    def _change_scores(
        self, f: Function, n: _Numbers, block: str, entry: Index, rows: tuple[Index, Index],
        columns: tuple[Index, Index], back: bool,
    ) -> None:  # fmt: skip
        """Call the function that was given, if one was."""
        address = n["scores"]
        with f.when(f.compare("ne", address, 0)):
            function = f.emit(f"inttoptr i64 {address} to ptr")
            numbers = (f"i64 {x}" for x in (n["stride"], entry, *rows, *columns))
            f.call("void", function, "ptr %ptrs", f"ptr {block}", *numbers, f"i1 {'true' if back else 'false'}")

    def _write_forward(self) -> None:
        with self.module.function("forward", KERNEL) as f:
            n = _Numbers(f)
            q, k, v, scratch, out, peak, norm = (f.parameter("%ptrs", i, "ptr") for i in range(7))
            areas = n.areas(self.item, scratch, ("k_area", "v_area", "score_area"))
            with f.loop("%part", f.mul(n["entries"], n["splits"]), "%parts") as part:
                entry, number = f.div(part.index, n["splits"]), f.rem(part.index, n["splits"])
                places = [n.entry(self.item, *x, entry) for x in (("q", q), ("k", k), ("v", v), ("out", out))]
                first = f.mul(entry, n["queries"])
                places += [f.gep(x, first, self.item) for x in (peak, norm)]
                begin, end = n.divided("queries", "row_block", number)
                with f.loop(0, n["keys"], n["key_block"]) as key:
                    self._attend(f, n, places, areas, entry, key.index, begin, end)
                to, norms = f.gep(places[3], f.mul(begin, n["out_row"]), self.item), f.gep(places[5], begin, self.item)
                rows, width, step = f.sub(end, begin), n["width"], n["out_row"]
                f.call("void", "normalise", f"i64 {rows}", f"ptr {norms}", f"ptr {to}", f"i64 {step}", f"i64 {width}")

    def _attend(
        self, f: Function, n: _Numbers, places: Sequence[str], areas: dict[str, str], entry: Index, key: Index,
        begin: Index, end: Index,
    ) -> None:  # fmt: skip
        """Some queries of an entry and a block of keys."""
        q, k, v, out, peak, norm = places
        columns = f.minimum(n["key_block"], f.sub(n["keys"], key))
        keys = self._pack(
            f, f.gep(k, f.mul(key, n["k_row"]), self.item), n["k_column"], n["k_row"], areas["k_area"], n["depth"],
            columns,
        )  # fmt: skip
        values = self._pack(
            f, f.gep(v, f.mul(key, n["v_row"]), self.item), n["v_row"], n["v_column"], areas["v_area"], columns,
            n["width"],
        )  # fmt: skip
        block = areas["score_area"]
        is_first, is_later = f.compare("eq", key, 0), f.compare("ne", key, 0)
        can_hide = f.emit(f"and i1 {is_later}, {f.compare('ne', n['hides'], 0)}")
        of_keys = self._reach_of_keys(f, n, can_hide, k, v, key, columns)
        with f.loop(begin, end, n["row_block"]) as row:
            rows = f.minimum(n["row_block"], f.sub(end, row.index))
            here = f.gep(q, f.mul(row.index, n["q_row"]), self.item)
            to = f.gep(out, f.mul(row.index, n["out_row"]), self.item)
            peaks, norms = (f.gep(x, row.index, self.item) for x in (peak, norm))
            place = entry, (row.index, rows), (key, columns)

            def is_hidden(here: str = here, rows: Index = rows, peaks: str = peaks, place: Any = place) -> list[str]:
                bound = self._bound(f, of_keys, self._squares(f, here, n["q_row"], rows, n["depth"]))
                return [self._hidden(f, n, block, place, bound, peaks)]

            (hidden,) = f.branch(can_hide, is_hidden, lambda: ["false"], ["i1"])
            with f.when(f.emit(f"xor i1 {hidden}, true")):
                self._product(f, n, here, n["q_row"], n["q_column"], rows, keys, block, n["stride"])
                self._change_scores(f, n, block, *place, False)
                f.call(
                    "void", "online", f"ptr {block}", f"i64 {n['stride']}", f"i64 {rows}", f"i64 {columns}",
                    f"ptr {peaks}", f"ptr {norms}", f"ptr {to}", f"i64 {n['out_row']}", f"i64 {n['width']}",
                    f"i1 {is_first}",
                )  # fmt: skip
                self._product(f, n, block, n["stride"], 1, rows, values, to, n["out_row"], is_later)

    _BACKWARD = ("q", "k", "v", "scratch", "out", "peak", "norm", "g", "gq", "gk", "gv")

    def _write_backward(self) -> None:
        with self.module.function("backward", KERNEL) as f:
            n = _Numbers(f)
            given = {name: f.parameter("%ptrs", i, "ptr") for i, name in enumerate(self._BACKWARD)}
            own = f.gep(given["scratch"], n["shared_items"], self.item)
            areas = n.areas(self.item, own, (
                "k_area", "v_area", "key_rows_area", "query_rows_area", "out_rows_area", "score_area", "gradient_area",
                "dots_area",
            ))  # fmt: skip
            with f.loop("%part", f.mul(n["entries"], n["splits"]), "%parts") as part:
                entry, number = f.div(part.index, n["splits"]), f.rem(part.index, n["splits"])
                names = ("q", "k", "v", "out", "g", "gq", "gk", "gv")
                places = {name: n.entry(self.item, name, given[name], entry) for name in names}
                first = f.mul(entry, n["queries"])
                places |= {name: f.gep(given[name], first, self.item) for name in ("peak", "norm")}
                is_whole = f.compare("eq", n["splits"], 1)
                apart = f.add(f.mul(number, n["entries"]), entry)
                of_part = f.gep(given["scratch"], f.mul(f.mul(apart, n["queries"]), n["depth"]), self.item)
                places["gq"] = f.select(is_whole, places["gq"], of_part, "ptr")
                gq_row = f.select(is_whole, n["gq_row"], n["depth"])
                f.call(
                    "void", "dots", f"i64 {n['queries']}", f"i64 {n['width']}", f"ptr {places['out']}",
                    f"i64 {n['out_row']}", f"ptr {places['g']}", f"i64 {n['g_row']}", f"ptr {areas['dots_area']}",
                )  # fmt: skip
                self._clear(f, places["gq"], gq_row, n["queries"], n["depth"])
                begin, end = n.divided("keys", "key_block", number)
                with f.loop(begin, end, n["key_block"]) as key:
                    self._go_back(f, n, places, areas, entry, (key.index, end), gq_row)

    def _go_back(
        self, f: Function, n: _Numbers, at: dict[str, str], areas: dict[str, str], entry: Index,
        key_end: tuple[Index, Index], gq_row: Index,
    ) -> None:  # fmt: skip
        """All queries of an entry and a block of keys."""
        key, end = key_end
        columns = f.minimum(n["key_block"], f.sub(end, key))
        depth, width, stride = n["depth"], n["width"], n["stride"]
        k, v = (f.gep(at[name], f.mul(key, n[f"{name}_row"]), self.item) for name in "kv")
        keys = self._pack(f, k, n["k_column"], n["k_row"], areas["k_area"], depth, columns)
        values = self._pack(f, v, n["v_column"], n["v_row"], areas["v_area"], width, columns)
        key_rows = self._pack(f, k, n["k_row"], n["k_column"], areas["key_rows_area"], columns, depth)
        gk, gv = (f.gep(at[name], f.mul(key, n[f"{name}_row"]), self.item) for name in ("gk", "gv"))
        self._clear(f, gk, n["gk_row"], columns, depth)
        self._clear(f, gv, n["gv_row"], columns, width)
        p, ds = areas["score_area"], areas["gradient_area"]
        can_hide = f.compare("ne", n["hides"], 0)
        of_keys = self._reach_of_keys(f, n, can_hide, at["k"], at["v"], key, columns)
        with f.loop(0, n["queries"], n["row_block"]) as row:
            rows = f.minimum(n["row_block"], f.sub(n["queries"], row.index))
            q, g = (f.gep(at[name], f.mul(row.index, n[f"{name}_row"]), self.item) for name in "qg")
            peak, norm, dots = (f.gep(x, row.index, self.item) for x in (at["peak"], at["norm"], areas["dots_area"]))
            place = entry, (row.index, rows), (key, columns)

            def is_hidden(
                q: str = q, g: str = g, rows: Index = rows, peak: str = peak, dots: str = dots, place: Any = place
            ) -> list[str]:
                bound = self._bound(f, of_keys, self._squares(f, q, n["q_row"], rows, depth))
                for pointer, step, count, length in ((g, n["g_row"], rows, width), (dots, 0, 1, rows)):
                    bound = bound + self._squares(f, pointer, step, count, length) * 0.0
                return [self._hidden(f, n, p, place, bound, peak)]

            (hidden,) = f.branch(can_hide, is_hidden, lambda: ["false"], ["i1"])
            with f.when(f.emit(f"xor i1 {hidden}, true")):
                self._product(f, n, q, n["q_row"], n["q_column"], rows, keys, p, stride)
                self._change_scores(f, n, p, *place, False)
                self._product(f, n, g, n["g_row"], 1, rows, values, ds, stride)
                f.call(
                    "void", "probabilities", f"ptr {p}", f"ptr {ds}", f"i64 {stride}", f"i64 {rows}",
                    f"i64 {columns}", f"ptr {peak}", f"ptr {norm}", f"ptr {dots}",
                )  # fmt: skip
                out_rows = self._pack(f, g, n["g_row"], 1, areas["out_rows_area"], rows, width)
                self._product(f, n, p, 1, stride, columns, out_rows, gv, n["gv_row"], "true")
                self._change_scores(f, n, ds, *place, True)
                query_rows = self._pack(f, q, n["q_row"], n["q_column"], areas["query_rows_area"], rows, depth)
                self._product(f, n, ds, 1, stride, columns, query_rows, gk, n["gk_row"], "true")
                to = f.gep(at["gq"], f.mul(row.index, gq_row), self.item)
                self._product(f, n, ds, stride, 1, rows, key_rows, to, gq_row, "true")

    def _clear(self, f: Function, pointer: str, step: Index, rows: Index, columns: Index) -> None:
        f.call("void", "clear", f"ptr {pointer}", f"i64 {step}", f"i64 {rows}", f"i64 {columns}")

    def _write_gather(self) -> None:
        """The gradients of queries as sums of what the parts of their entries gave."""
        with self.module.function("gather", KERNEL) as f:
            n, b = _Numbers(f), LLVMBuilder(f, self.lanes)
            parts, gq = f.parameter("%ptrs", 3, "ptr"), f.parameter("%ptrs", self._BACKWARD.index("gq"), "ptr")
            count = f.mul(n["entries"], n["queries"])
            begin, end = f.share(count, "%part", "%parts")
            depth, splits, apart = n["depth"], n["splits"], f.mul(count, n["depth"])
            with f.loop(begin, end) as line:
                entry, row = f.div(line.index, n["queries"]), f.rem(line.index, n["queries"])
                target = f.gep(n.entry(self.item, "gq", gq, entry), f.mul(row, n["gq_row"]), self.item)
                source = f.gep(parts, f.mul(line.index, depth), self.item)

                def body(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
                    kind = b.kind(self.sum_type)
                    with f.loop(0, splits, carry=[(kind, b.const(0.0, self.sum_type).ref)]) as loop:
                        x = b.load(self.sum_type, source, f.add(f.mul(loop.index, apart), index), mask)
                        loop.next = [(b.wrap(loop.values[0], self.sum_type) + x).ref]
                    b.store(b.wrap(loop.results[0], self.sum_type), target, index, mask)
                    return []

                across(b, depth, [], body)


class _Numbers:
    """The consts of a call by name, and what follows from them."""

    def __init__(self, f: Function) -> None:
        self.f = f

    def __getitem__(self, name: str) -> Index:
        return self.f.parameter("%consts", CONSTS.index(name))

    def pointer(self, name: str) -> str:
        return self.f.parameter("%consts", CONSTS.index(name), "ptr")

    def areas(self, item: str, scratch: str, names: Sequence[str]) -> dict[str, str]:
        """Where this thread has its areas."""
        f = self.f
        pointer = f.gep(scratch, f.mul("%thread", self["thread_items"]), item)
        found = {}
        for name in names:
            found[name] = pointer
            pointer = f.gep(pointer, self[name], item)
        return found

    def entry(self, item: str, name: str, pointer: str, entry: Index) -> str:
        """Where an entry of the batch is in an operand."""
        f = self.f
        outer, inner = f.div(entry, self["inner"]), f.rem(entry, self["inner"])
        return f.gep(pointer, f.add(f.mul(outer, self[f"{name}_outer"]), f.mul(inner, self[f"{name}_inner"])), item)

    def divided(self, size: str, block: str, number: Index) -> tuple[Index, Index]:
        """The rows of part `number` of an entry: whole blocks."""
        f = self.f
        begin, end = f.share(f.ceildiv(self[size], self[block]), number, self["splits"])
        return f.mul(begin, self[block]), f.minimum(f.mul(end, self[block]), self[size])
