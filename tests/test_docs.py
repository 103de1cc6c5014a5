"""The documents are true: what they show runs, what they link to exists, and figures come from a command."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.rules.parse import read_rules
from router.rules.yaml_lines import parse_yaml
from server.load.network import parse_carriage

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = ROOT / "README.md"
DEFAULT_ADDRESS = "localhost:50051"
SOURCIER = [sys.executable, "-m", "server.cli"]
FENCE = re.compile(r"^```([a-z]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
RUNBOOK = {"cp", "mkdir", "mv", "pg_dump", "pg_restore", "psql", "sourcier"}
"""What an operator uses besides; tests/e2e/test_runbook.py runs it."""
STARTED = re.compile(r"event=started port=(\d+)")
UNFILLED = "<!-- figure" + " -->"


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(language: str, documents: list[Path] = DOCUMENTS) -> list[Block]:
    found = []
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match[1] == language:
                found.append(Block(document, text[: match.start()].count("\n") + 1, language, match[2]))
    return found


def environment(**more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SOURCIER_")}
    cache = {name: os.environ[name] for name in ("SOURCIER_CACHE_DIR",) if name in os.environ}
    return {**inherited, **cache, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **more}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a copy of the examples, as the repository's root has them."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("*.db*"))
    return tmp_path


@contextmanager
def served(config: Path) -> Iterator[str]:
    """The address of a server process of its own, at the end told to stop as a shell would."""
    command = [*SOURCIER, "serve", "--config", str(config)]
    with subprocess.Popen(
        command, env=environment(SOURCIER_ADDRESS="127.0.0.1:0"), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        told: list[str] = []
        try:
            for line in process.stderr:
                told.append(line)
                if match := STARTED.search(line):
                    yield f"127.0.0.1:{match[1]}"
                    break
            else:
                pytest.fail("the server did not start:\n" + "".join(told))
        finally:
            process.terminate()
            process.communicate(timeout=60)
    assert process.returncode == 0


def test_the_python_of_the_readme_prints_what_the_readme_says(shop: Path) -> None:
    [program], [output] = blocks("python", [README]), blocks("text", [README])
    assert program.text.count(DEFAULT_ADDRESS) == 1
    with served(shop / "examples/shop/sourcier.yaml") as address:
        done = subprocess.run(
            [sys.executable, "-c", program.text.replace(DEFAULT_ADDRESS, address)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    assert done.stdout == output.text


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_is_python_that_can_be_imported(block: Block) -> None:
    tree = ast.parse(block.text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names: dict[str, object] = {}
    exec(compile(ast.Module(imports, []), str(block), "exec"), names)
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(ast.Module(definitions, []), str(block), "exec"), names)
    assert imports


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_read_without_a_complaint(block: Block) -> None:
    document = parse_yaml(block.text, str(block))
    if "profiles:" in block.text:
        assert read_rules(block.text, str(block)).rules.profiles
    if "currency:" in block.text:
        assert parse_carriage(block.text, str(block)).services
    assert document is not None


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


def commands(block: Block) -> list[list[str]]:
    return [shlex.split(line) for line in block.text.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.mark.parametrize("block", blocks("bash"), ids=str)
def test_bash_is_bash_and_names_what_there_is(block: Block) -> None:
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for program, *arguments in commands(block):
        assert program in {"make", "grpcurl", ".venv/bin/sourcier", ".venv/bin/python"} | RUNBOOK
        if program == "make":
            assert {word for word in arguments if "=" not in word} <= targets


def sourcier_commands() -> list[list[str]]:
    words = [command for block in blocks("bash", [README]) for command in commands(block)]
    found = [command[1:] for command in words if command[0] == ".venv/bin/sourcier"]
    return [command for command in found if command[0] != "serve"]


def test_the_readme_shows_commands() -> None:
    assert [command[0] for command in sourcier_commands()] == ["source", "explain", "rank", "source"]


@pytest.mark.parametrize("command", sourcier_commands(), ids=" ".join)
def test_the_commands_of_the_readme_work(command: list[str], shop: Path) -> None:
    done = subprocess.run(
        [*SOURCIER, *command], cwd=shop, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "store-lille" in done.stdout
    assert ("hazmat-permit" in done.stdout) == (command[0] != "source")


def test_the_rules_of_the_example_have_no_warnings(shop: Path) -> None:
    command = ["rules", "check", "examples/shop/rules.yaml", "--config", "examples/shop/sourcier.yaml"]
    done = subprocess.run(
        [*SOURCIER, *command], cwd=shop, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "examples/shop/rules.yaml: no mistakes, 0 warnings\n")


def test_the_order_file_of_the_example_is_the_order_of_the_readme(shop: Path) -> None:
    """What the text says of the order holds for the file and for the program."""
    order = json.loads((shop / "examples/shop/order.json").read_text(encoding="utf-8"))
    [program] = blocks("python", [README])
    lines = re.findall(r'OrderLine\(line_id="(\d)", sku_id="([a-z-]+)", quantity=(\d)\)', program.text)
    assert [(line["lineId"], line["skuId"], str(line["quantity"])) for line in order["lines"]] == lines
    assert order["orderId"] in program.text
    assert order["destination"]["postalCode"] in program.text


def slug(heading: str) -> str:
    """The anchor of a heading, as renderers of Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, link


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, todo = {README}, [README]
    while todo:
        document = todo.pop()
        for link in LINK.findall(document.read_text(encoding="utf-8")):
            path = (document.parent / link.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.exists() and path not in reached:
                reached.add(path)
                todo.append(path)
    assert set(DOCUMENTS) - reached == set()


def figure_rows(text: str) -> list[list[str]]:
    """Rows of the table under "Measured"."""
    section = text.partition("\n## Measured\n")[2].partition("\n## ")[0]
    rows = [line.strip().strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def unproven(rows: list[list[str]]) -> list[str]:
    """What is wrong with rows of figures: no figure, or no command that prints it."""
    return [
        row[0]
        for row in rows
        if len(row) != 3
        or UNFILLED in row[1]
        or not re.search(r"\d", row[1])
        or not re.search(r"`(make (bench|demo)|\.venv/bin/python -m bench)[^`]*`", row[2])
    ]


def test_every_figure_stands_next_to_its_command() -> None:
    rows = figure_rows(README.read_text(encoding="utf-8"))
    assert len(rows) >= 5
    assert unproven(rows) == []


@pytest.mark.parametrize(
    "row",
    [["a", UNFILLED, "`make bench`"], ["a", "fast", "`make bench`"], ["a", "7 s", "measured"], ["a", "7"]],
)
def test_an_unproven_figure_is_seen(row: list[str]) -> None:
    assert unproven([row]) == ["a"]
    assert unproven([["a", "7 s", "`make bench`"]]) == []


def test_makefile_targets_are_phony() -> None:
    """A file that happens to be called like a target must not keep it from running."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):(?!=)", text, re.MULTILINE))
