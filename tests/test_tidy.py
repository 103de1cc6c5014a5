"""Rules about the tree, as code. Each rule is a function from a path and a text to what is wrong, and is
itself tested on a snippet that breaks it and one that does not."""

from __future__ import annotations

import ast
import fnmatch
import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
Rule = Callable[[PurePosixPath, str], Iterator[str]]

MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 400
LONGER: dict[str, int] = {
    # Kernels: one loop over nodes or shipments that would be slower, or longer, in pieces.
    "router/kernels/plan.py:price_shipments": 74,
    "router/kernels/strict.py:solve_strict": 80,
}
"""Functions and modules that are longer than they may be. Figures here only ever go down."""

CORE_IMPORTS = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
    }
    | {"functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "threading", "typing"}
    | {"numpy", "ortools", "pydantic", "pydantic_core", "router", "ruamel"}
)
JIT = PurePosixPath("router/kernels/jit.py")
JIT_IMPORTS = frozenset({"numba", "os", "pathlib", "tempfile"})
"""jit.py looks for the folder of compiled code; nothing else in the core touches the machine."""
DATES = (PurePosixPath("router/calendar.py"), PurePosixPath("router/verify/dates.py"))
"""The two places in the core that know time zones: what decides, and what checks it."""

DOORS = {
    "numba": ("router/kernels/jit.py",),
    "ortools": ("router/solver/*", "bench/*"),
    "sqlite3": ("server/ledger/*", "tests/*"),
    "server.api": ("server/*", "bench/*", "tests/*"),
}
"""Who may import what, besides what import-linter checks: tests are looked at too."""

BANNED_CALLS = {
    "breakpoint": "leave debugging out",
    "datetime.now": "take now_seconds as an argument",
    "datetime.today": "take now_seconds as an argument",
    "datetime.utcnow": "take now_seconds as an argument",
    "date.today": "take now_seconds as an argument",
    "eval": "rules are a closed vocabulary",
    "exec": "rules are a closed vocabulary",
    "input": "the core asks nobody",
    "np.load": "files are read in server/load",
    "np.random.default_rng": "the core draws no random numbers",
    "np.save": "the core writes no files",
    "open": "files are read in server/load",
    "print": "return what is to be said",
}
"""Calls that the core must not make, and what to do instead."""

LEFTOVERS = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
MACHINE = re.compile(
    r"(?<![\w.~])/(?:wor[k]|roo[t]|hom[e]|User[s]|mn[t]|tm[p])/\w"
    r"|pyp[i]\.org|files\.pythonhoste[d]|artifactor[y]|--(?:extra-)?index-ur[l]"
)
"""Letters in brackets, so that this file may hold its own rules."""


def numbered(text: str) -> Iterator[tuple[int, str]]:
    return iter(enumerate(text.splitlines(), 1))


def is_python(path: PurePosixPath) -> bool:
    return path.suffix == ".py"


def is_core(path: PurePosixPath) -> bool:
    return is_python(path) and path.parts[0] == "router"


@functools.cache
def tree_of(text: str) -> ast.Module:
    return ast.parse(text)


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def lengths(path: PurePosixPath, text: str) -> Iterator[str]:
    """Functions and modules stay short."""
    if not is_python(path):
        return
    count = text.count("\n")
    if count > LONGER.get(str(path), MAX_MODULE_LINES):
        yield f"{path}: {count} lines, at most {MAX_MODULE_LINES}: split it"
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > LONGER.get(f"{path}:{node.name}", MAX_FUNCTION_LINES):
                yield f"{path}:{node.lineno}: {node.name} has {count} lines, at most {MAX_FUNCTION_LINES}"


def core_imports(path: PurePosixPath, text: str) -> Iterator[str]:
    """The core imports nothing that reaches the machine, the clock or chance."""
    if not is_core(path):
        return
    allowed = CORE_IMPORTS | (JIT_IMPORTS if path == JIT else frozenset())
    allowed |= {"zoneinfo"} if path in DATES else frozenset()
    for line, name in imports_of(tree_of(text)):
        if name.split(".")[0] not in allowed:
            yield f"{path}:{line}: imports {name or 'relatively'}: not for the core"


def core_calls(path: PurePosixPath, text: str) -> Iterator[str]:
    """The core makes no call that reaches the machine, the clock or chance."""
    if not is_core(path):
        return
    for node in ast.walk(tree_of(text)):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "np.random":
            name = "np.random.default_rng"
        if name in BANNED_CALLS:
            yield f"{path}:{node.lineno}: {name}: {BANNED_CALLS[name]}"  # type: ignore[attr-defined]


def doors(path: PurePosixPath, text: str) -> Iterator[str]:
    """Some packages are imported in one place only."""
    if not is_python(path):
        return
    for line, name in imports_of(tree_of(text)):
        for package, places in DOORS.items():
            inside = name == package or name.startswith(package + ".")
            if inside and not any(fnmatch.fnmatch(str(path), place) for place in places):
                yield f"{path}:{line}: imports {name}: only for {', '.join(places)}"


def leftovers(path: PurePosixPath, text: str) -> Iterator[str]:
    """What is not done is an issue, not a comment."""
    for line, words in numbered(text):
        if found := LEFTOVERS.search(words):
            yield f"{path}:{line}: {found[0]}: do it, or write an issue"


def machine(path: PurePosixPath, text: str) -> Iterator[str]:
    """No file knows the machine it was written on, nor where packages come from."""
    for line, words in numbered(text):
        if found := MACHINE.search(words):
            yield f"{path}:{line}: {found[0]}: of one machine"


def endings(path: PurePosixPath, text: str) -> Iterator[str]:
    """Text ends with one line break, lines have nothing invisible at their end."""
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield f"{path}: must end with one line break"
    for line, words in numbered(text):
        if words != words.rstrip():
            yield f"{path}:{line}: spaces at the end"


def dead_files(path: PurePosixPath, text: str) -> Iterator[str]:
    """Only package markers are empty."""
    if not text.strip() and path.name not in {"__init__.py", "py.typed"}:
        yield f"{path}: empty"


RULES: tuple[Rule, ...] = (lengths, core_imports, core_calls, doors, leftovers, machine, endings, dead_files)
TEXT = frozenset(
    {".cfg", ".csv", ".json", ".lock", ".md", ".proto", ".py", ".pyi", ".sh", ".sql", ".toml", ".typed"}
    | {".yaml", ".yml"}
)
NAMES = frozenset({"Makefile", "LICENSE", "NOTICE", "run", ".gitignore"})


def ignored() -> tuple[str, ...]:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return (*(line.rstrip("/") for line in lines if line.strip()), ".git")


def files(folder: Path = ROOT, patterns: tuple[str, ...] | None = None) -> Iterator[PurePosixPath]:
    """Text files of the tree but what .gitignore leaves out and what is generated. Without git: a copy
    is a tree too."""
    patterns = ignored() if patterns is None else patterns
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
            continue
        relative = PurePosixPath(path.relative_to(ROOT))
        if path.is_dir():
            if str(relative) != "server/api":
                yield from files(path, patterns)
        elif path.suffix in TEXT or path.name in NAMES:
            yield relative


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Rule) -> None:
    found = [problem for path in files() for problem in rule(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def test_nothing_is_longer_than_the_table_says() -> None:
    """A function that has become shorter takes its figure down with it, or out of the table."""
    actual: dict[str, int] = {}
    for path in (path for path in files() if is_python(path)):
        text = (ROOT / path).read_text(encoding="utf-8")
        actual[str(path)] = text.count("\n")
        for node in ast.walk(tree_of(text)):
            if isinstance(node, ast.FunctionDef):
                actual[f"{path}:{node.name}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    assert {name: actual.get(name) for name in LONGER} == LONGER


def test_the_tree_is_seen() -> None:
    seen = {str(path) for path in files()}
    assert {
        "Makefile",
        ".ci/run",
        "router/sourcer.py",
        "server/ledger/sqlite_schema.sql",
        "README.md",
    } <= seen
    assert not [path for path in seen if "__pycache__" in path or path.startswith((".venv/", "server/api/"))]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a copy of the tree, not a repository")
def test_nothing_ignored_is_tracked() -> None:
    command = [
        "git",
        "-c",
        f"safe.directory={ROOT}",
        "ls-files",
        "--cached",
        "--ignored",
        "--exclude-standard",
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    tracked = done.stdout.splitlines()
    assert tracked[:5] == [], f"{len(tracked)} files that .gitignore leaves out are in the repository"


LONG = "def f():\n" + "    pass\n" * MAX_FUNCTION_LINES
SNIPPETS: list[tuple[Rule, str, str, str]] = [
    (lengths, "router/a.py", LONG, LONG.replace("    pass\n", "", 1)),
    (lengths, "bench/a.py", "x = 1\n" * (MAX_MODULE_LINES + 1), "x = 1\n" * MAX_MODULE_LINES),
    (core_imports, "router/a.py", "import time\n", "import math\n"),
    (core_imports, "router/a.py", "def f():\n    from random import random\n", "from numpy import array\n"),
    (core_imports, "router/a.py", "from . import b\n", "from router import b\n"),
    (core_imports, "router/kernels/a.py", "import os\n", "import json\n"),
    (core_calls, "router/a.py", "print(1)\n", "self.print(1)\n"),
    (core_calls, "router/a.py", "x = datetime.now(UTC)\n", "x = datetime.fromtimestamp(1, UTC)\n"),
    (core_calls, "router/a.py", "x = np.random.random()\n", "x = np.zeros(1)\n"),
    (core_calls, "router/a.py", "with open('a'): pass\n", "reopen('a')\n"),
    (doors, "router/problem.py", "from numba import njit\n", "from router.kernels.jit import kernel\n"),
    (doors, "server/app.py", "import ortools.sat\n", "import ortoolsish\n"),
    (doors, "server/world.py", "import sqlite3\n", "import sqlite\n"),
    (doors, "router/a.py", "from server.api.sourcing.v1 import stock_pb2\n", "from router import stock\n"),
    (leftovers, "a.yaml", "# TOD" + "O later\n", "# done\n"),
    (machine, "docs/a.md", "see /ho" + "me/me/x\n", "see ~/x, a/home/b and https://a.example/tmp\n"),
    (machine, "a.toml", "https://py" + "pi.org/x\n", "https://example.org\n"),
    (endings, "a.md", "x", "x\n"),
    (endings, "a.md", "x \n", "x\n"),
    (dead_files, "bench/a.py", "\n", "x = 1\n"),
]


@pytest.mark.parametrize(("rule", "path", "bad", "good"), SNIPPETS)
def test_a_rule_sees_what_it_is_for(rule: Rule, path: str, bad: str, good: str) -> None:
    assert len(list(rule(PurePosixPath(path), bad))) >= 1
    assert list(rule(PurePosixPath(path), good)) == []


def test_every_rule_is_tested() -> None:
    assert {rule for rule, *_ in SNIPPETS} == set(RULES)


def test_the_exceptions_of_the_core_are_one_file() -> None:
    assert list(core_imports(JIT, "import os, tempfile, numba\n")) == []
    assert len(list(core_imports(JIT, "import random\n"))) == 1
