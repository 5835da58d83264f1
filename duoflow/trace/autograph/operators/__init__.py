"""`ag__`: what converted code calls. Every decision between Python and the graph is made here, when the code runs."""

import sys

from ..conversion import operators_cell
from .calls import converted
from .conditionals import if_exp, if_stmt
from .items import set_item, update_item
from .logic import and_, assert_stmt, compare, in_, not_, not_in_, or_
from .loops import for_stmt, while_stmt
from .undefined import Undefined, UndefinedReturn, ld, ldu, put_back

__all__ = [
    "Undefined",
    "UndefinedReturn",
    "and_",
    "assert_stmt",
    "compare",
    "converted",
    "for_stmt",
    "if_exp",
    "if_stmt",
    "in_",
    "ld",
    "ldu",
    "not_",
    "not_in_",
    "or_",
    "put_back",
    "set_item",
    "update_item",
    "while_stmt",
]

operators_cell.cell_contents = sys.modules[__name__]
