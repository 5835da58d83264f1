"""Random functions of integers: nested ifs, loops with every kind of jump, try, reads of what may be unassigned.

With effects they also print (`say`), fail (`check`), and change lists, dicts and objects of their own.
"""

import random

NAMES = ("a", "b", "c", "d")


class Writer:
    """Writes the text of one function. With `total`, every variable is assigned first and all ways return a number."""

    def __init__(self, seed: int, total: bool, effects: bool = False):
        self.random = random.Random(seed)
        self.total = total
        self.effects = effects
        self.lines: list[str] = []
        self.loops = 0

    def text(self) -> str:
        self.lines = ["def function(a, b):"]
        if self.total:
            self.lines += ["    c = 1", "    d = 2"]
        if self.effects:
            self.lines += ["    items = [a, b, a - b]", "    box = {'k': b, 'n': 3}", "    me = make(total=a)"]
        self.block(1, 3, False)
        self.lines.append(f"    return {self.result()}")
        return "\n".join(self.lines) + "\n"

    def result(self) -> str:
        if self.effects:
            return "a + b + c + d + items[0] * 3 + items[1] * 5 + items[2] + box['k'] * 7 + box['n'] + me.total"
        return "a + b + c + d" if self.total else self.expression()

    def write(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def block(self, depth: int, budget: int, in_loop: bool) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth, budget, in_loop)

    def statement(self, depth: int, budget: int, in_loop: bool) -> None:
        kinds = ["assign"] * 3
        if budget:
            kinds += ["if"] * 3 + ["for", "while"] + ([] if self.total else ["try"])
        if self.effects:
            kinds += ["say", "mutation", "mutation", "check"]
        if in_loop:
            kinds += ["break", "continue"]
        if depth > 1:
            kinds.append("return")
        getattr(self, "write_" + self.random.choice(kinds))(depth, budget - 1, in_loop)

    def write_assign(self, depth: int, budget: int, in_loop: bool) -> None:
        name = self.random.choice(NAMES)
        if self.random.random() < 0.3:
            self.write(depth, f"{name} += {self.expression()}")
        else:
            self.write(depth, f"{name} = {self.expression()}")

    def write_say(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"say({self.expression()})")

    def write_check(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"check({self.random.choice(NAMES)} != {self.random.randint(-6, 6)})")

    def write_mutation(self, depth: int, budget: int, in_loop: bool) -> None:
        target = self.random.choice(["items[0]", "items[1]", "items[-1]", "box['k']", "box['n']", "me.total"])
        self.write(depth, f"{target} {self.random.choice(['=', '+=', '-='])} {self.expression()}")

    def write_if(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"if {self.condition()}:")
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
        counter = f"n{self.loops}"
        self.loops += 1
        self.write(depth, f"{counter} = start(0)")
        self.write(depth, f"while {counter} < {self.random.randint(0, 4)} and ({self.condition()}):")
        self.write(depth + 1, f"{counter} += 1")
        self.block(depth + 1, budget, True)
        self.loop_else(depth, budget, in_loop)

    def loop_else(self, depth: int, budget: int, in_loop: bool) -> None:
        if self.random.random() < 0.25:
            self.write(depth, "else:")
            self.block(depth + 1, budget, in_loop)

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

    def write_break(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "break")

    def write_continue(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, "continue")

    def write_return(self, depth: int, budget: int, in_loop: bool) -> None:
        self.write(depth, f"return {self.expression()}")

    def expression(self) -> str:
        name, other = self.random.choice(NAMES), self.random.choice(NAMES)
        simple = [name, f"{name} + {other}", f"{name} - 1", f"{other} * 2 % 7"]
        if self.effects:
            simple += ["items[0] % 5", "items[2] - 1", "box['k'] % 9", f"me.total % 4 + {name}"]
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
