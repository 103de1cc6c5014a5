"""Where compiled kernels are kept: who shares them, and who must not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from router import domain
from router.kernels.jit import constants_of

ROOT = Path(__file__).parents[2]
FILES = ("__init__.py", "domain.py", "errors.py", "kernels/__init__.py", "kernels/jit.py", "kernels/text.py")
PROGRAM = """
import numpy as np
from router.kernels import jit, text
compiled = []
forget = jit.on_compilation(lambda: compiled.append(1))
text.hash_bytes(np.arange(9, dtype=np.uint8), 0, 9)
forget()
print(len(compiled))
"""


def copy_into(folder: Path) -> Path:
    """The part of the tree that one small kernel needs."""
    for name in FILES:
        target = folder / "router" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "router" / name, target)
    return folder


def compiled_count(tree: Path, cache: Path) -> int:
    """Kernels that a process has to compile for one call of one kernel."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tree,
        env={**environment, "PYTHONPATH": str(tree), "SOURCIER_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_copies_of_the_same_kernels_share_what_is_compiled(tmp_path: Path) -> None:
    first, second = copy_into(tmp_path / "one"), copy_into(tmp_path / "another")
    assert compiled_count(first, tmp_path / "cache") == 1
    assert compiled_count(second, tmp_path / "cache") == 0
    for name in FILES:
        os.utime(second / "router" / name, (1, 1))
    assert compiled_count(second, tmp_path / "cache") == 0


def test_a_change_that_kernels_have_frozen_in_is_compiled_again(tmp_path: Path) -> None:
    tree = copy_into(tmp_path / "one")
    assert compiled_count(tree, tmp_path / "cache") == 1
    for name, old, new in (
        ("domain.py", "UNSOURCEABLE = 3", "UNSOURCEABLE = 4"),
        ("domain.py", "MAX_LINES = 200", "MAX_LINES = 201"),
        ("kernels/text.py", "good.", "good. "),
    ):
        path = tree / "router" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert compiled_count(tree, tmp_path / "cache") == 1
    comment = tree / "router" / "domain.py"
    comment.write_text(comment.read_text(encoding="utf-8") + "# said otherwise\n", encoding="utf-8")
    assert compiled_count(tree, tmp_path / "cache") == 0


def test_constants_are_told_by_value() -> None:
    told = constants_of(vars(domain))
    assert "'MAX_LINES', 200" in told
    assert "'UNSOURCEABLE': 3" in told


def test_kernels_take_nothing_else_from_outside() -> None:
    """What they import from elsewhere would be frozen in without being part of the folder's name."""
    imported = set()
    for path in (ROOT / "router" / "kernels").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("router"):
                imported.add(node.module)
    outside = {name for name in imported if not str(name).startswith("router.kernels")}
    assert outside == {"router.cost", "router.domain", "router"}
