"""Random functions of integers: nested ifs, loops with every kind of jump, try, reads of what may be unassigned.

All of them swap, unpack, comprehend, and call functions that they define themselves. With effects they also print
(`say`), fail (`check`, `assert`), change lists, dicts and objects of their own, write rows of an array, and call
functions that are traced for themselves. What may only be Python's (nonlocal, generators, `del`, handlers) is left to
functions that need not run over tensors.
"""

import random

NAMES = ("a", "b", "c", "d")


class Writer:
    """Writes the text of one function. With `total`, every variable is assigned first and all ways return a number."""

    def __init__(self, seed: int, total: bool, effects: bool = False, nesting: int = 3):
        self.random = random.Random(seed)
        self.nesting = nesting
        self.total = total
        self.effects = effects
        self.lines: list[str] = []
        self.made = 0
        self.helpers: list[str] = []

    def text(self) -> str:
        self.lines = []
        if self.effects:
            self.write_helpers()
        self.lines.append("def function(a, b):")
        self.lines += ["    c = 1", "    d = 2"] if self.total else ["    if False:", "        c = d = 0"]
        if self.effects:
            self.lines += ["    items = [a, b, a - b]", "    box = {'k': b, 'n': 3}", "    me = make(total=a)"]
            self.lines.append("    rows = array([a, b, a, b])")
        self.block(1, self.nesting, False)
        self.lines.append(f"    return {self.result()}")
        return "\n".join(self.lines) + "\n"

    def write_helpers(self) -> None:
        """Functions of their own, over numbers alone."""
        for name in ("first", "second")[: self.random.randint(0, 2)]:
            inner = Writer(self.random.randrange(2**32), total=True).text()
            self.lines += ["@traced", *inner.replace("def function", f"def {name}").splitlines()]
            self.helpers.append(name)

    def result(self) -> str:
        if self.effects:
            held = "items[0] * 3 + items[1] * 5 + items[2] + box['k'] * 7 + box['n'] + me.total"
            return f"a + b + c + d + {held} + rows.read(0) * 2 + rows.read(1) + rows.read(3)"
        return "a + b + c + d" if self.total else self.expression()

    def write(self, depth: int, *texts: str) -> None:
        self.lines += ["    " * depth + text for text in texts]

    def new(self, kind: str) -> str:
        self.made += 1
        return f"{kind}{self.made}"

    def block(self, depth: int, budget: int, in_loop: bool) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth, budget, in_loop)

    def statement(self, depth: int, budget: int, in_loop: bool) -> None:
        kinds = ["assign"] * 4 + ["swap", "comprehension", "lambda"]
        if budget:
            kinds += ["if"] * 4 + ["for", "while", "with", "function", "finally"]
            kinds += [] if self.total else ["try", "try", "generator"]
        if not self.total:
            kinds.append("del")
        if self.effects:
            kinds += ["say", "mutation", "mutation", "check", "row", "row"] + ["call"] * len(self.helpers)
        if in_loop:
            kinds += ["break", "continue"]
        if depth > 1:
            kinds.append("return")
        getattr(self, "write_" + self.random.choice(kinds))(depth, budget - 1, in_loop)

    # -- statements without others inside ----------------------------------------------------------------------------

    def write_assign(self, depth: int, budget: int, in_loop: bool) -> None:
        name = self.random.choice(NAMES)
        form = self.random.choice(["{} = {}", "{} = {}", "{} += {}", "{} = d = {}"])
        self.write(depth, form.format(name, self.expression()))

    def write_swap(self, depth: int, budget: int, in_loop: bool) -> None:
        x, y, z = self.random.sample(NAMES, 3)
        forms = [
            f"{x}, {y} = {y}, {x}",
            f"({x}, {y}), {z} = ({z}, {x}), {y}",
            f"{x}, *rest = {y}, {z}, {self.expression()}",
        ]
        self.write(depth, self.random.choice(forms))

    def write_comprehension(self, depth: int, budget: int, in_loop: bool) -> None:
        name, other = self.random.choice(NAMES), self.random.choice(NAMES)
        test = "" if self.total else f" if v > {self.random.choice(NAMES)}"
        values = f"v % 5 + {other} for v in (1, 2, {name}){test}"
        form = self.random.choice(["sum([{}])", "sum({})", "sum({{i: v for i, v in enumerate([{}])}}.values())"])
        self.write(depth, f"{self.random.choice(NAMES)} = {form.format(values)}")

    def write_lambda(self, depth: int, budget: int, in_loop: bool) -> None:
        name = self.new("pick")
        self.write(depth, f"{name} = lambda v: v + {self.expression()} if v > {self.random.choice(NAMES)} else v - 1")
        self.write(depth, f"{self.random.choice(NAMES)} = {name}({self.expression()})")

    def write_del(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"del {self.random.choice(NAMES)}")

    def write_say(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"say({self.expression()})")

    def write_check(self, depth: int, budget: int, in_loop: bool) -> None:
        held = f"{self.random.choice(NAMES)} != {self.random.randint(-6, 6)}"
        # Tracing a branch would fail by an assertion about numbers, whether the branch is taken or not.
        self.write(depth, self.random.choice([f"check({held})", f"assert start(0) + {held}, 'no'"]))

    def write_mutation(self, depth: int, budget: int, in_loop: bool) -> None:
        target = self.random.choice(["items[0]", "items[1]", "items[-1]", "box['k']", "box['n']", "me.total"])
        self.write(depth, f"{target} {self.random.choice(['=', '+=', '-='])} {self.expression()}")

    def write_row(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"rows = rows.write({self.random.randint(0, 3)}, {self.expression()})")

    def write_call(self, depth: int, budget: int, in_loop: bool) -> None:
        arguments = f"{self.random.choice(NAMES)} % 7, {self.random.choice(NAMES)} % 5"
        self.write(depth, f"{self.random.choice(NAMES)} = {self.random.choice(self.helpers)}({arguments})")

    def write_break(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "break")

    def write_continue(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "continue")

    def write_return(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"return {self.expression()}")

    # -- statements with others inside -------------------------------------------------------------------------------

    def write_if(self, depth: int, budget: int, in_loop: bool) -> None:
        name = self.random.choice(NAMES)
        self.write(depth, self.random.choice([f"if {self.condition()}:", f"if ({name} := {self.expression()}) > 1:"]))
        self.block(depth + 1, budget, in_loop)
        if self.random.random() < 0.3:
            self.write(depth, f"elif {self.condition()}:")
            self.block(depth + 1, budget, in_loop)
        if self.random.random() < 0.5:
            self.write(depth, "else:")
            self.block(depth + 1, budget, in_loop)

    def write_for(self, depth: int, budget: int, in_loop: bool) -> None:
        count = self.random.randint(0, 4)
        self.write(depth, f"for {self.random.choice(NAMES)} in over({count}):")
        self.block(depth + 1, budget, True)
        self.loop_else(depth, budget, in_loop)

    def write_while(self, depth: int, budget: int, in_loop: bool) -> None:
        counter, most = self.new("n"), self.random.randint(0, 4)
        endless = self.random.random() < 0.3
        self.write(depth, f"{counter} = start(0)")
        self.write(depth, "while True:" if endless else f"while {counter} < {most} and ({self.condition()}):")
        self.write(depth + 1, f"{counter} += 1")
        if endless:
            self.write(depth + 1, f"if {counter} > {most}:", "    break")
        self.block(depth + 1, budget, True)
        self.loop_else(depth, budget, in_loop)

    def loop_else(self, depth: int, budget: int, in_loop: bool) -> None:
        if self.random.random() < 0.25:
            self.write(depth, "else:")
            self.block(depth + 1, budget, in_loop)

    def write_with(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "with scope():")
        self.block(depth + 1, budget, in_loop)

    def write_function(self, depth: int, budget: int, in_loop: bool) -> None:
        """A function inside, that reads variables of the outer one; Python's may assign them too."""
        name, other = self.new("inner"), self.random.choice(NAMES)
        self.write(depth, f"def {name}(x):")
        if not self.total and self.random.random() < 0.5:
            self.write(depth + 1, f"nonlocal {other}", f"{other} = x - 1")
        self.write(depth + 1, f"if x > {other}:", f"    return x - {self.random.choice(NAMES)}")
        self.write(depth + 1, "for y in over(2):", f"    x += y * {other}", f"return x % {self.random.randint(2, 9)}")
        self.write(depth, f"{self.random.choice(NAMES)} = {name}({self.expression()})")

    def write_generator(self, depth: int, budget: int, in_loop: bool) -> None:
        name = self.new("each")
        self.write(depth, f"def {name}(n):", "    for i in range(n):", f"        if {self.condition()}:")
        self.write(depth, "            return", f"        yield i * {self.random.choice(NAMES)}")
        self.write(depth, f"for {self.random.choice(NAMES)} in {name}({self.random.randint(0, 3)}):")
        self.block(depth + 1, budget, True)

    def write_finally(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "try:")
        self.block(depth + 1, budget, in_loop)
        self.write(depth, "finally:")
        self.write_assign(depth + 1, budget, in_loop)

    def write_try(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "try:")
        self.block(depth + 1, budget, in_loop)
        if self.random.random() < 0.5:
            self.write(depth + 1, f"if {self.condition()}:")
            self.write(depth + 2, "raise KeyError")
        self.write(depth, "except KeyError:")
        self.block(depth + 1, budget, in_loop)
        for clause in ("else", "finally"):
            if self.random.random() < 0.3:
                self.write(depth, f"{clause}:")
                self.write_assign(depth + 1, budget, in_loop)

    # -- expressions -------------------------------------------------------------------------------------------------

    def expression(self) -> str:
        name, other = self.random.choice(NAMES), self.random.choice(NAMES)
        simple = [name, f"{name} + {other}", f"{name} - 1", f"{other} * 2 % 7"]
        if self.effects:
            simple += ["items[0] % 5", "items[2] - 1", "box['k'] % 9", f"me.total % 4 + {name}", "rows.read(2) % 8"]
        simple.append(f"({name} if {self.condition()} else {other})")
        if not self.total:
            simple.append(str(self.random.randint(-3, 3)))
        return self.random.choice(simple)

    def condition(self) -> str:
        name, other = self.random.choice(NAMES), self.random.choice(NAMES)
        number = self.random.randint(-2, 4)
        return self.random.choice(
            [f"{name} > {number}", f"{name} < {other}", f"not {name} == {number}", f"{name} % 2 == 0 or {other} > 1",
             f"{number} < {name} < {other} + 3"]
        )  # fmt: skip
