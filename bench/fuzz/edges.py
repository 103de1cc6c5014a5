"""Which edges of the program an input takes: probes that are put into modules as they are imported.

A probe stands at the beginning of every function and of every block that may be left out. An edge is a probe
and the one before it, as in AFL. Compiled kernels have none, unless they run as plain Python.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

PROBE = "_probe_of_fuzzing"
_BLOCKS = ("body", "orelse", "finalbody")


class Edges:
    """``taken`` since the last ``clear``."""

    __slots__ = ("_last", "taken")

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self._last = 0

    def hit(self, probe: int) -> None:
        """Called by the probes."""
        self.taken.add(self._last ^ probe)
        self._last = probe >> 1

    def clear(self) -> None:
        self.taken = set()
        self._last = 0


EDGES = Edges()
"""Of this process."""


class Probed(ast.NodeTransformer):
    """Puts probes into a module; their numbers follow from its name and their order."""

    def __init__(self, name: str) -> None:
        self._base = zlib.crc32(name.encode()) << 16
        self._count = 0
        self._depth = 0

    def visit(self, node: ast.AST) -> ast.AST:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self._depth += is_function
        self.generic_visit(node)
        if self._depth and not isinstance(node, ast.ClassDef | ast.Lambda | ast.IfExp):
            for name in _BLOCKS:
                block = getattr(node, name, None)
                if isinstance(block, list) and block:
                    self._begin(block, skip_text=is_function)
        self._depth -= is_function
        return node

    def _begin(self, block: list[ast.stmt], *, skip_text: bool) -> None:
        first = block[0]
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        self._count += 1
        probe = ast.Expr(
            ast.Call(ast.Name(PROBE, ast.Load()), [ast.Constant(self._base ^ self._count * 0x9E37)], [])
        )
        block.insert(int(skip_text and is_text), ast.copy_location(probe, first))


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Not kept on disk: others import the module without probes."""
        path = Path(self.path)
        tree = Probed(fullname).visit(ast.parse(path.read_bytes(), str(path)))
        return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, PROBE, EDGES.hit)
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    """Probes for the modules of some packages, but not of others below them."""

    def __init__(self, packages: Sequence[str], but: Sequence[str]) -> None:
        self._packages = tuple(f"{name}." for name in packages)
        self._but = tuple(f"{name}." for name in but)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """None, which leaves it to the others, for a module without probes."""
        if not fullname.startswith(self._packages) or f"{fullname}.".startswith(self._but):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        spec.loader = _Loader(fullname, spec.origin)
        return spec


def install(*, interpreted: bool) -> None:
    """Before the services are imported. interpreted: kernels are plain Python, with probes."""
    if "server.world" in sys.modules:
        raise RuntimeError("the services are imported already, without probes")
    kernels = "router.kernels.jit" if interpreted else "router.kernels"
    sys.meta_path.insert(0, Finder(("router", "server"), (kernels, "server.api")))
