"""The code of the attention kernels; see `attention` for what they do and how they are called."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from duoflow.core import dtypes

from ..ir import KERNEL, Function, Index
from ..scalar import LLVMBuilder, Value
from .tiles import RowTiles, TileWriter

__all__ = ["CONSTS", "SCORES", "STEPS", "AttentionWriter", "across"]

STEPS = ("outer", "inner", "row", "column")
CONSTS = (
    "entries", "inner", "queries", "keys", "depth", "width", "row_block", "key_block", "stride", "splits",
    "thread_items", "shared_items", "scores", "tiles", "k_area", "v_area", "score_area", "key_rows_area",
    "query_rows_area", "out_rows_area", "gradient_area", "dots_area",
    *(f"{name}_{step}" for name in ("q", "k", "v", "out", "g", "gq", "gk", "gv") for step in STEPS),
)  # fmt: skip
#: The parameters of the function that changes scores.
SCORES = (
    ("ptr", "ptrs"), ("ptr", "block"), ("i64", "stride"), ("i64", "batch"), ("i64", "row"), ("i64", "rows"),
    ("i64", "col"), ("i64", "cols"), ("i1", "back"),
)  # fmt: skip


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
            e = b.exp(b.load(self.sum_type, scores, index, mask) - origin)
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
                p = b.exp(b.load(dtype, scores, index, mask) - origin) * norm
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
        is_last = f.compare("eq", f.add(key, columns), n["keys"])
        with f.loop(begin, end, n["row_block"]) as row:
            rows = f.minimum(n["row_block"], f.sub(end, row.index))
            here = f.gep(q, f.mul(row.index, n["q_row"]), self.item)
            self._product(f, n, here, n["q_row"], n["q_column"], rows, keys, block, n["stride"])
            self._change_scores(f, n, block, entry, (row.index, rows), (key, columns), False)
            to = f.gep(out, f.mul(row.index, n["out_row"]), self.item)
            peaks, norms = (f.gep(x, row.index, self.item) for x in (peak, norm))
            f.call(
                "void", "online", f"ptr {block}", f"i64 {n['stride']}", f"i64 {rows}", f"i64 {columns}", f"ptr {peaks}",
                f"ptr {norms}", f"ptr {to}", f"i64 {n['out_row']}", f"i64 {n['width']}", f"i1 {is_first}",
            )  # fmt: skip
            self._product(f, n, block, n["stride"], 1, rows, values, to, n["out_row"], is_later)
            with f.when(is_last):
                width = n["width"]
                f.call(
                    "void", "normalise", f"i64 {rows}", f"ptr {norms}", f"ptr {to}", f"i64 {n['out_row']}",
                    f"i64 {width}",
                )  # fmt: skip

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
                begin, end = n.divided("keys", "key_block", number)
                with f.loop(begin, end, n["key_block"]) as key:
                    add = f.compare("ne", key.index, begin)
                    self._go_back(f, n, places, areas, entry, (key.index, end), gq_row, add)

    def _go_back(
        self, f: Function, n: _Numbers, at: dict[str, str], areas: dict[str, str], entry: Index,
        key_end: tuple[Index, Index], gq_row: Index, add_to_queries: str,
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
        p, ds = areas["score_area"], areas["gradient_area"]
        with f.loop(0, n["queries"], n["row_block"]) as row:
            rows = f.minimum(n["row_block"], f.sub(n["queries"], row.index))
            q, g = (f.gep(at[name], f.mul(row.index, n[f"{name}_row"]), self.item) for name in "qg")
            peak, norm, dots = (f.gep(x, row.index, self.item) for x in (at["peak"], at["norm"], areas["dots_area"]))
            place = entry, (row.index, rows), (key, columns)
            self._product(f, n, q, n["q_row"], n["q_column"], rows, keys, p, stride)
            self._change_scores(f, n, p, *place, False)
            self._product(f, n, g, n["g_row"], 1, rows, values, ds, stride)
            f.call(
                "void", "probabilities", f"ptr {p}", f"ptr {ds}", f"i64 {stride}", f"i64 {rows}", f"i64 {columns}",
                f"ptr {peak}", f"ptr {norm}", f"ptr {dots}",
            )  # fmt: skip
            add = f.compare("ne", row.index, 0)
            out_rows = self._pack(f, g, n["g_row"], 1, areas["out_rows_area"], rows, width)
            self._product(f, n, p, 1, stride, columns, out_rows, gv, n["gv_row"], add)
            self._change_scores(f, n, ds, *place, True)
            query_rows = self._pack(f, q, n["q_row"], n["q_column"], areas["query_rows_area"], rows, depth)
            self._product(f, n, ds, 1, stride, columns, query_rows, gk, n["gk_row"], add)
            to = f.gep(at["gq"], f.mul(row.index, gq_row), self.item)
            self._product(f, n, ds, stride, 1, rows, key_rows, to, gq_row, add_to_queries)

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
