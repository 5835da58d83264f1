"""`duoflow show`: the graphs of a script after each pass, and what the engine made of them."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

SCRIPT = """
import tensorflow as tf

w = tf.Variable(tf.ones([4, 3]), name="w")

@tf.function
def step(x):
    w.assign_sub(0.5 * tf.nn.softmax(tf.matmul(x, w) * 1.0))
    return tf.reduce_sum(w)

print("result", round(float(step(tf.ones([4, 4]))), 3), round(float(step(tf.zeros([4, 4]))), 3))
"""


@pytest.fixture(scope="module")
def show(tmp_path_factory, environment):
    """Run `duoflow show` on the script; returns what it printed."""
    folder = tmp_path_factory.mktemp("show")
    (folder / "script.py").write_text(SCRIPT)

    def run(*options):
        command = [sys.executable, "-m", "duoflow", "show", *options, "script.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def headings(text):
    return [line.removeprefix("--- ").partition(":")[0] for line in text.splitlines() if line.startswith("--- ")]


def test_every_pass_that_changed_the_graph_is_shown_once(show):
    text = show("--function", "step")
    stages = headings(text)
    assert stages[0] == "traced"
    assert {"state", "expand", "simplify"} <= set(stages)
    assert len(stages) == len(set(stages))
    assert text.index("= Softmax(") < text.index("Softmax/Exp")
    assert text.endswith("result 10.0 8.0\n")


def test_passes_and_origins_can_be_chosen(show):
    text = show("--function", "step", "--passes", "traced", "--origins")
    assert headings(text) == ["traced"]
    assert "script.py:8" in text


def test_kernels_say_where_they_run_and_how_long(show):
    text = show("--function", "step", "--passes", "none", "--kernels")
    (kernels,) = [heading for heading in headings(text) if "step" in heading]
    assert f"--- {kernels}: " in text and "2 runs" in text
    heading, *rows = text[text.index("  runs on") :].splitlines()
    assert heading.split()[-1] == "what" and "of best" in heading
    row = next(row for row in rows if "MatMul" in row).split()
    assert row[0] == "native" and row[1].isdigit() and float(row[4].replace(",", "")) > 0
    assert "[script.py:8]" in row[-1]


def test_passes_are_added_up(show):
    text = show("--passes", "none", "--totals")
    table = {line.split()[0]: line.split()[1:] for line in text[text.index("--- passes") :].splitlines()[2:]}
    assert {"inline", "state", "specialize", "expand", "fold", "simplify", "merge"} <= table.keys()
    assert int(table["state"][0]) == 1 and int(table["state"][1]) == 1 and float(table["state"][3]) >= 0


def test_nodes_can_be_grouped_by_line(show):
    text = show("--function", "step", "--passes", "traced", "--lines")
    line = "  script.py:8  w.assign_sub(0.5 * tf.nn.softmax(tf.matmul(x, w) * 1.0))"
    assert line in text and "    %MatMul: " in text[text.index(line) :]
    assert "  script.py:9  return tf.reduce_sum(w)" in text


@pytest.fixture(scope="module")
def drawn(show, tmp_path_factory):
    """The files of the script's graphs: for a browser, for Graphviz."""
    folder = tmp_path_factory.mktemp("drawn")
    text = show("--function", "step", "--html", str(folder / "graphs.html"), "--dot", str(folder / "graphs.dot"))
    assert "--- traced" not in text and f"wrote {folder / 'graphs.html'}: 1 programs" in text
    return folder


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects what the page would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_holds_every_stage(drawn):
    text = (drawn / "graphs.html").read_text(encoding="utf-8")
    page = Page(text)
    assert (
        not page.open
        and not page.fetched
        and set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}
    )
    data = json.loads(re.search(r"^const data = (.*);$", text, re.MULTILINE).group(1))
    (program,) = data["programs"]
    stages = {stage["name"]: stage["graphs"][0]["nodes"] for stage in program["stages"]}
    assert next(iter(stages)) == "traced" and {"state", "expand"} <= stages.keys()
    (product,) = [node for node in stages["traced"] if node["op"] == "MatMul"]
    assert (
        product["line"] == "script.py:8"
        and product["source"].startswith("w.assign_sub")
        and len(product["inputs"]) == 2
    )
    assert "Softmax" in {node["op"] for node in stages["traced"]} - {node["op"] for node in stages["expand"]}
    assert any("MatMul" in kernel["name"] and kernel["seconds"] > 0 for kernel in program["kernels"])


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_a_browser_draws_the_page(drawn, tmp_path):
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=3000",
        f"--user-data-dir={tmp_path}",
    ]
    command = [BROWSER, *options, "--dump-dom", (drawn / "graphs.html").as_uri()]
    page = subprocess.run(command, capture_output=True, text=True, timeout=100).stdout
    assert page.count('<g class="node') == int(re.search(r">(\d+) nodes</span>", page).group(1)) > 5
    assert page.count('<g class="group">') >= 2 and "script.py:8  w.assign_sub" in page
    assert page.count("<button") > 4 and ">MatMul</text>" in page


def test_graphviz_gets_a_digraph_a_stage_with_clusters_of_lines(drawn):
    text = (drawn / "graphs.dot").read_text(encoding="utf-8")
    names = re.findall(r'^digraph "([^"]*)" {$', text, re.MULTILINE)
    assert names[0].split(": ")[1] == "traced" and len(names) == len(set(names)) == text.count("\n}")
    first = text[: text.index("\n}")]
    assert 'label="script.py:8  w.assign_sub' in first and 'label="MatMul\\nfloat32[4,3]"' in first
    declared = set(re.findall(r"^    (n\d+) \[", first, re.MULTILINE))
    assert {end for edge in re.findall(r"(n\d+) -> (n\d+);", first) for end in edge} <= declared
    assert first.count("{") == first.count("}") + 1
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg", drawn / "graphs.dot"], check=True, capture_output=True)


def test_modules_are_shown_as_ir_and_machine_code(show):
    text = show("--passes", "none", "--ir", "--assembly")
    assert "define void @kernel" in text
    assert "--- assembly of" in text
