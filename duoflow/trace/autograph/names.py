"""Names for what conversion adds, apart from every name the function already uses."""

import ast

#: The operators, in converted code; a function whose code has this free variable is converted already.
OPERATORS = "ag__"


class Names:
    """Hands out names that a function does not use."""

    def __init__(self, function: ast.AST):
        self.taken = {text for node in ast.walk(function) for text in _identifiers(node)}

    def fixed(self, wanted: str) -> str:
        """`wanted`, or with underscores after it where the user has that name: the same one every time."""
        while wanted in self.taken:
            wanted += "_"
        return wanted

    def fresh(self, wanted: str) -> str:
        """A name not given before: `wanted`, `wanted1`, `wanted2`, ..."""
        name, count = wanted, 0
        while name in self.taken:
            count += 1
            name = f"{wanted}{count}"
        self.taken.add(name)
        return name


def _identifiers(node: ast.AST) -> list[str]:
    return [
        value
        for field, value in ast.iter_fields(node)
        if isinstance(value, str) and field in ("id", "arg", "name", "asname")
    ]
