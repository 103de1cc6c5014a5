"""The one place that imports numba and decides how kernels are compiled.

nogil: kernels run while other threads serve. No fastmath: decisions must be the same everywhere. No
parallel: it aborts under a thread pool and after fork. The disk cache is on, so that only the first
process on a machine compiles; set NUMBA_DISABLE_JIT=1 to run every kernel as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a kernel: arrays and scalars in, arrays out."""
    return cast(F, numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy")(function))


def inline(function: F) -> F:
    """Compile a small helper that is copied into the kernels that call it."""
    return cast(
        F, numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy", inline="always")(function)
    )


def guarded(function: F) -> F:
    """Compile a kernel that reads bytes from outside: every index is checked."""
    return cast(
        F, numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy", boundscheck=True)(function)
    )
