"""The native engine and the reference agree for sizes and types drawn anew in every run; failures name their seed."""

import secrets

import pytest

from tests.engines.agreement import agree
from tests.engines.random_shapes import draw

SEEDS = [secrets.randbelow(1 << 32) for _ in range(60)]


@pytest.mark.parametrize("place", range(len(SEEDS)))
def test_engines_agree(place):
    seed = SEEDS[place]
    name, function, arrays, rtol, atol = draw(seed)
    try:
        agree(function, *arrays, rtol=rtol, atol=atol)
    except Exception as error:
        error.add_note(f"draw({seed}): {name} of {[(a.shape, a.dtype.name) for a in arrays]}")
        raise
