"""Index arithmetic: what is left of flat indices taken apart and put together."""

import itertools

import pytest

from duoflow.engines.native.index import Affine, Var, divide, flat, reduced, unflat


def value(index, at):
    """An index where variables have these values."""
    total = index.constant
    for term, coefficient in index.terms.items():
        if isinstance(term, Var):
            number = at[term]
        else:
            inner = value(term.index, at)
            number = inner // term.divisor if type(term).__name__ == "Quotient" else inner % term.divisor
        total += coefficient * number
    return total


def grid(rows, cols):
    """Rows and columns that are not split, and their flat index."""
    row, col = Var((0, 0), rows, splits=False), Var((0, 1), cols, splits=False)
    return row, col, Affine(0, {row: cols, col: 1})


def test_taken_apart_and_put_together_is_the_same():
    _, _, point = grid(24, 5)
    assert flat(unflat(point, (2, 3, 4, 5)), (2, 3, 4, 5)) == point


def test_the_last_dimension_of_a_grid_is_its_column():
    _, col, point = grid(24, 5)
    *_, last = unflat(point, (2, 3, 4, 5))
    assert reduced(last) == Affine.of(col)


@pytest.mark.parametrize("offset", [0, 5, 43])
def test_what_is_small_is_not_divided(offset):
    """(8 y + x) // 24 is y // 3 for x < 8."""
    y, x = Var((0,), 10, splits=False), Var((1,), 8 - offset % 8, splits=False)
    index = Affine(offset, {y: 8, x: 1})
    quotient, rest = divide(index, 24)
    assert x not in quotient.variables()
    assert offset or quotient * 24 + rest == index
    for at in itertools.product(range(10), range(x.extent)):
        values = dict(zip((y, x), at))
        assert (value(quotient, values), value(rest, values)) == divmod(value(index, values), 24)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (6, 4, 5), (2, 12, 5), (8, 15), (1, 24, 5)])
def test_reduced_indices_are_equal(shape):
    row, col, point = grid(24, 5)
    for entry in unflat(point, shape):
        short = reduced(entry)
        for r, c in itertools.product(range(24), range(5)):
            assert value(short, {row: r, col: c}) == value(entry, {row: r, col: c})
