"""Attention, softmax(Q K^T) V, and its gradient, block by block: no matrix of all scores is ever written.

An `Attention` describes one (sizes, strides, type); `calls()` gives the calls. The kernels are compiled once for every
shape. A block of queries meets a block of keys in scratch memory that stays in the cache. A
`scores` function, given by address, may change the scores of a block in place (scale and mask them) before the softmax,
and, going `back`, their gradients:

    void f(ptr ptrs, ptr block, i64 stride, i64 batch, i64 row, i64 rows, i64 col, i64 cols, i1 back)

`ptrs` are those of the call, in which what the function reads comes last; block and strides are in elements of the type
of sums.

Forward. Operands: Q, K, V, scratch, out, peak, norm. Blocks of keys come one after another; each row keeps its largest
score so far and the sum of exp(score - largest), and its output is rescaled when the largest grows. `peak` and `norm`
[entries, queries] are the largest score and one over the sum. Threads share entries of the batch, or blocks of queries.

Gradient. Operands: Q, K, V, scratch, out, peak, norm, the gradient of out, and the gradients of Q, K and V, which are
written. Probabilities are computed again from scores, peak and norm. Threads share entries of the batch. Where these
are few, they share blocks of keys too; what the queries get from each part is then added up by a second call.

Results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duoflow.core import dtypes
from duoflow.core.dtypes import DType

from ..jit import Library, compile_by_name, kept
from ..target import host
from .attention_code import CONSTS, STEPS, AttentionWriter
from .tiles import TILE_ROWS, panel_width, tiles_of

__all__ = ["Attention", "AttentionGradient", "Matrices"]

#: The most queries and keys of a block.
_QUERIES, _KEYS = 128, 256
#: Elements by which a row of a block of scores is longer, so that rows do not collide in the cache.
_APART = 16
#: Threads are given at least so many parts to share, if there are as many; and fewer of the gradient, where parts of an
#: entry need memory of their own.
_PARTS, _PARTS_BACK = 32, 8
_LINE = 64
_SHARING_FLOPS = 400_000


@dataclass(frozen=True)
class Matrices:
    """Where a batch of matrices is: steps, in elements, between outer and inner entries, rows, and columns."""

    outer: int
    inner: int
    row: int
    column: int = 1


def _balanced(count: int, most: int, multiple: int) -> int:
    """The size, a multiple, of blocks that divide `count` evenly."""
    blocks = -(-count // most)
    return -(-count // (blocks * multiple)) * multiple


@dataclass(frozen=True)
class Attention:
    """Sizes and places. `depth` is the number of columns of Q and K, `width` that of V."""

    entries: tuple[int, int]
    queries: int
    keys: int
    depth: int
    width: int
    q: Matrices
    k: Matrices
    v: Matrices
    out: Matrices
    dtype: DType = dtypes.float32
    #: Whether the function of scores may hide blocks of them: what it gives grows with the score, and masks are in it.
    hides: bool = False

    @property
    def count(self) -> int:
        """Entries of the batch."""
        return self.entries[0] * self.entries[1]

    @property
    def flops(self) -> int:
        """Operations of the products."""
        return 2 * self.count * self.queries * self.keys * (self.depth + self.width)

    @property
    def worth_sharing(self) -> bool:
        """Whether several threads are likely to finish this sooner than one."""
        return self.flops >= _SHARING_FLOPS

    @property
    def row_block(self) -> int:
        """Queries of a block."""
        return min(self.queries, _balanced(self.queries, _QUERIES, TILE_ROWS))

    @property
    def key_block(self) -> int:
        """Keys of a block."""
        return _balanced(self.keys, _KEYS, self._panel)

    @property
    def _panel(self) -> int:
        return panel_width(host(), self.dtype)

    def _packed(self, rows: int, columns: int) -> int:
        """Elements of a packed matrix."""
        return rows * -(-columns // self._panel) * self._panel

    @property
    def _stride(self) -> int:
        return self.key_block + _APART

    def _areas(self) -> dict[str, int]:
        """The elements of what a thread keeps in scratch memory."""
        return {
            "k_area": self._packed(self.depth, self.key_block),
            "v_area": self._packed(self.key_block, self.width),
            "score_area": self.row_block * self._stride,
        }

    @property
    def splits(self) -> int:
        """Into how many parts an entry of the batch is divided."""
        return self._divided(_PARTS, self.queries, self.row_block)

    def _divided(self, parts: int, size: int, block: int) -> int:
        """Into how many parts an entry is divided, of whole blocks, so that there are `parts` in all."""
        return min(-(-parts // self.count), -(-size // block))

    def _line_items(self, items: int) -> int:
        line = _LINE // self.dtype.size
        return -(-items // line) * line

    @property
    def _thread_items(self) -> int:
        return sum(map(self._line_items, self._areas().values()))

    def scratch_bytes(self, threads: int) -> int:
        """Bytes of scratch memory for a call shared by up to `threads` threads."""
        return threads * self._thread_items * self.dtype.size

    def _prepare_tiles(self) -> int:
        """Compile the tiles that the products of blocks are made of; the address of their table."""
        return tiles_of(self.dtype, self.dtype).prepare(*self._products())

    def _products(self) -> Iterator[tuple[int, int]]:
        """Rows and columns of the products of blocks."""
        for rows in _blocks(self.queries, self.row_block):
            for columns in (*_blocks(self.keys, self.key_block), self.width):
                yield rows, columns

    def _numbers(self, scores: int) -> dict[str, int]:
        """The consts by name, but for those that are 0."""
        numbers = {
            "entries": self.count, "inner": self.entries[1], "queries": self.queries, "keys": self.keys,
            "depth": self.depth, "width": self.width, "row_block": self.row_block, "key_block": self.key_block,
            "stride": self._stride, "splits": self.splits, "thread_items": self._thread_items, "scores": scores,
            "tiles": self._prepare_tiles(), "hides": int(self._looks_for_hidden),
        }  # fmt: skip
        numbers |= {name: self._line_items(items) for name, items in self._areas().items()}
        for name, places in self._operands().items():
            steps = (places.outer, places.inner, places.row, places.column)
            numbers |= {f"{name}_{step}": size for step, size in zip(STEPS, steps)}
        return numbers

    def _operands(self) -> dict[str, Matrices]:
        return {"q": self.q, "k": self.k, "v": self.v, "out": self.out}

    def prepare(self) -> None:
        """Have the kernels compiled."""
        _library(self.dtype)
        self._prepare_tiles()

    @property
    def _looks_for_hidden(self) -> bool:
        blocks = self.keys > self.key_block or self.queries > self.row_block
        return self.hides and blocks and all(m.column == 1 for m in (self.q, self.k, self.v))

    @property
    def _kernels(self) -> list[str]:
        return ["forward"]

    def calls(self, scores: int = 0) -> list[tuple[int, list[int]]]:
        """Address and consts of the kernels that run, one after the other; `scores` is the address of a function."""
        numbers, library = self._numbers(scores), _library(self.dtype)
        consts = [numbers.get(name, 0) for name in CONSTS]
        return [(library.address(name), consts) for name in self._kernels]


@dataclass(frozen=True)
class AttentionGradient(Attention):
    """The gradient of an attention: where the gradient of the output is, and those of the operands."""

    out_gradient: Matrices = Matrices(0, 0, 0)
    q_gradient: Matrices = Matrices(0, 0, 0)
    k_gradient: Matrices = Matrices(0, 0, 0)
    v_gradient: Matrices = Matrices(0, 0, 0)

    @property
    def flops(self) -> int:
        return self.count * self.queries * self.keys * (6 * self.depth + 4 * self.width)

    @property
    def splits(self) -> int:
        return self._divided(_PARTS_BACK, self.keys, self.key_block)

    def _areas(self) -> dict[str, int]:
        return {
            "k_area": self._packed(self.depth, self.key_block),
            "v_area": self._packed(self.width, self.key_block),
            "key_rows_area": self._packed(self.key_block, self.depth),
            "query_rows_area": self._packed(self.row_block, self.depth),
            "out_rows_area": self._packed(self.row_block, self.width),
            "score_area": self.row_block * self._stride,
            "gradient_area": self.row_block * self._stride,
            "dots_area": self.queries,
        }

    def _operands(self) -> dict[str, Matrices]:
        own = {"g": self.out_gradient, "gq": self.q_gradient, "gk": self.k_gradient, "gv": self.v_gradient}
        return super()._operands() | own

    @property
    def _shared_items(self) -> int:
        """Elements of what the parts of entries give to queries, if entries are divided."""
        return self._line_items(self.splits * self.count * self.queries * self.depth) if self.splits > 1 else 0

    def scratch_bytes(self, threads: int) -> int:
        return super().scratch_bytes(threads) + self._shared_items * self.dtype.size

    def _products(self) -> Iterator[tuple[int, int]]:
        for keys in _blocks(self.keys, self.key_block):
            for rows in _blocks(self.queries, self.row_block):
                yield from ((rows, keys), (rows, self.depth), (keys, self.depth), (keys, self.width))

    def _numbers(self, scores: int) -> dict[str, int]:
        return super()._numbers(scores) | {"shared_items": self._shared_items}

    @property
    def _kernels(self) -> list[str]:
        return ["backward", "gather"] if self.splits > 1 else ["backward"]


def _blocks(count: int, size: int) -> set[int]:
    """The sizes of the blocks of so many."""
    return {min(size, count), count % size or min(size, count)}


@kept
def _library(dtype: DType) -> Library:
    return compile_by_name(f"attention.{dtype.name}", lambda m: AttentionWriter(m, "attention", dtype, dtype).write())
