"""The one place that imports numba and decides how kernels are compiled.

nogil: kernels run while other threads serve. No fastmath: decisions must be the same everywhere. No
parallel: it aborts under a thread pool and after fork. Compiled code is kept on disk, under a name made from
the sources of all kernels (numba itself would not notice a change in a kernel that another one calls), from
the constants that they take from the vocabulary, and from nothing else: every copy of the same kernels,
wherever it lies and whenever it was written, shares it.
NUMBA_DISABLE_JIT=1 runs every kernel as plain Python, and SOURCIER_CACHE_DIR says where compiled code goes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import caching, cgutils, event
from numba.core import types as numba_types
from numba.experimental import structref
from numba.extending import intrinsic, overload

from router import domain

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

types: Any = numba_types
"""Numba fills this module when it is imported, out of sight of a type checker."""


def constants_of(names: Mapping[str, object]) -> str:
    """Numbers and enumerations of a module, by value: compiled code has them frozen in."""
    found: dict[str, object] = {name: value for name, value in names.items() if isinstance(value, int)}
    for name, value in names.items():
        if isinstance(value, type) and issubclass(value, IntEnum):
            found[name] = {member: int(number) for member, number in value.__members__.items()}
    return repr(sorted(found.items()))


def _cache_dir() -> str:
    """A writable folder of this user for this version of the kernels."""
    digest = hashlib.sha256(numba.__version__.encode())
    digest.update(constants_of(vars(domain)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    given = os.environ.get("SOURCIER_CACHE_DIR")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for parent in (base, Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"):
        folder = parent / "sourcier" / f"kernels-{digest.hexdigest()[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return str(folder)
        except OSError:
            continue
    return tempfile.mkdtemp(prefix="sourcier-")


numba.config.CACHE_DIR = _cache_dir()


class KernelLocator(caching.UserProvidedCacheLocator):  # type: ignore[misc]
    """Where numba keeps the code of a kernel: by file name, function and line within the folder that is named
    after the sources. Its own locators add the folder of the source file, and some versions its time: then
    every copy would compile for itself."""

    def get_cache_path(self) -> str:
        return str(numba.config.CACHE_DIR)

    def get_source_stamp(self) -> str:
        return "named by the folder"

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        """None, so that numba goes on to its own locators, for what is no kernel of this package."""
        is_kernel = Path(py_file).parent == Path(__file__).parent
        return super().from_function(py_func, py_file) if is_kernel else None


numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.KernelLocator,UserProvidedCacheLocator"


class _Compilations(event.Listener):  # type: ignore[misc]
    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told

    def on_start(self, what: Any) -> None:
        # Numba compiles its own helpers along with a kernel.
        if str(what.data["dispatcher"].py_func.__module__).startswith(f"{__package__}."):
            self._told()

    def on_end(self, what: Any) -> None:
        """Nothing more to say."""


def on_compilation(told: Callable[[], None]) -> Callable[[], None]:
    """From now on ``told`` is called whenever a kernel begins to be compiled, which is not when its code is
    found on disk; until what is returned is called."""
    listener = _Compilations(told)
    event.register("numba:compile", listener)
    return lambda: event.unregister("numba:compile", listener)


def kernel(function: F) -> F:
    """Compile a kernel: arrays and scalars in, numbers out. It may not make arrays: then none of those it is
    given, all the caller's, has its references counted."""
    compiled = numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy", _nrt=False)
    return cast(F, compiled(function))


def allocating(function: F) -> F:
    """Compile a kernel that makes arrays, or takes what ``hold`` made."""
    compiled = numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy", _nrt=True)
    return cast(F, compiled(function))


def inline(function: F) -> F:
    """Compile a small helper that is copied into the kernels that call it."""
    return cast(
        F, numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy", inline="always")(function)
    )


def brief(function: F) -> F:
    """Compile an ``allocating`` kernel that keeps the interpreter locked: for work that takes less time than
    handing the lock over to another thread and getting it back."""
    compiled = numba.njit(nogil=False, cache=True, fastmath=False, error_model="numpy", _nrt=True)
    return cast(F, compiled(function))


def guarded(function: F) -> F:
    """Compile a kernel that reads bytes from outside: every index is checked. It may not make arrays, so that
    none of those it is given, all the caller's, has its references counted."""
    compiled = numba.njit(
        nogil=True, cache=True, fastmath=False, error_model="numpy", boundscheck=True, _nrt=False
    )
    return cast(F, compiled(function))


def borrow(columns: T) -> T:
    """The same (nested) tuple of arrays, borrowed from the caller for the length of a kernel.

    Numba counts references to every array of a tuple at every call that hands the tuple on, with atomic
    instructions: for a hundred columns that costs more than deciding an order. A borrowed array has no owner
    to count for. The caller of the outermost kernel keeps the arrays alive; nothing borrowed may be returned.
    """
    return columns


@intrinsic  # type: ignore[untyped-decorator]
def _borrowed(typing_context: Any, columns: Any) -> Any:
    """Clears the owner of every array in a (nested) tuple."""

    def clear(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value=value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            array.parent = cgutils.get_null_value(array.parent.type)
            return array._getvalue()
        if isinstance(kind, types.BaseTuple):
            parts = [
                clear(context, builder, part, builder.extract_value(value, i))
                for i, part in enumerate(kind.types)
            ]
            return context.make_tuple(builder, kind, parts)
        return value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return clear(context, builder, signature.args[0], arguments[0])

    return columns(columns), generate


@overload(borrow, strict=False)  # type: ignore[untyped-decorator]
def _borrow(columns: Any) -> Any:
    return lambda columns: _borrowed(columns)  # noqa: PLW0108 (numba reads its source)


@structref.register
class _HeldType(types.StructRef):  # type: ignore[misc]
    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class _Held(structref.StructRefProxy):  # type: ignore[misc]
    """Columns that stay on the compiled side: see ``hold``."""


structref.define_proxy(_Held, _HeldType, ["columns"])


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _held(columns: Any) -> Any:
    return _Held(columns)


def hold(columns: Any) -> Any:
    """A handle on a (nested) tuple of arrays whose ``columns`` a kernel reads. Handing a hundred arrays from
    Python to a kernel costs more than deciding an order; a handle is made once and costs one argument."""
    if numba.config.DISABLE_JIT:
        return _PlainHeld(columns)
    return _held(columns)


class _PlainHeld:
    """The handle without compilation."""

    def __init__(self, columns: Any) -> None:
        self.columns = columns
