"""map_fn, scan and folds over a few rows."""

from duoflow.core.late import F
from tests.ops.harness import Case, positive, real

CASES = [
    Case(F.map_fn, lambda row: F.reduce_sum(row * row), real(4, 3), id="map_fn"),
    Case(
        lambda x: F.map_fn(lambda row: (row, row * 2.0), x, fn_output_signature=(x.dtype, x.dtype)),
        real(3, 2),
        id="map_fn_pair",
    ),
    Case(lambda x: F.vectorized_map(lambda row: F.exp(row), x), real(3, 2), id="vectorized_map"),
    Case(lambda x: F.scan(lambda held, row: held * row, x), positive(4, 2), id="scan"),
    Case(lambda x: F.scan(lambda held, row: held + row, x, reverse=True), real(4, 2), id="scan_reverse"),
    Case(lambda x: F.foldl(lambda held, row: held * row, x), positive(4, 2), id="foldl"),
    Case(lambda x: F.foldr(lambda held, row: held - row, x), real(4, 2), id="foldr"),
]
