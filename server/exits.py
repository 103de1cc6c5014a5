"""Exit codes of commands, and what they say on the way out."""

from __future__ import annotations

import grpc

from server.status import Failure
from server.tables import console_for


class Exit:
    """Exit codes, as docs/cli.md has them."""

    OK = 0
    UNSOURCEABLE = 1
    USAGE = 2
    BAD_INPUT = 3
    CONFLICT = 4
    UNREACHABLE = 5
    LEDGER = 6
    NOT_ALLOWED = 7
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_OF_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: Exit.BAD_INPUT,
    grpc.StatusCode.OUT_OF_RANGE: Exit.BAD_INPUT,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.BAD_INPUT,
    grpc.StatusCode.UNAUTHENTICATED: Exit.NOT_ALLOWED,
    grpc.StatusCode.PERMISSION_DENIED: Exit.NOT_ALLOWED,
    grpc.StatusCode.NOT_FOUND: Exit.CONFLICT,
    grpc.StatusCode.ALREADY_EXISTS: Exit.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.CONFLICT,
    grpc.StatusCode.ABORTED: Exit.CONFLICT,
    grpc.StatusCode.UNAVAILABLE: Exit.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNREACHABLE,
}
"""Every other code is Exit.INTERNAL."""
EXIT_OF_REASON = {
    "LEDGER_UNUSABLE": Exit.LEDGER,
    "TOO_MANY_EXPLANATIONS": Exit.UNREACHABLE,
    "OVERLOADED": Exit.UNREACHABLE,
    "QUOTA_EXCEEDED": Exit.UNREACHABLE,
}
"""These count before the code."""


def complain(failure: Failure) -> int:
    """Tells what is wrong on the standard error; the exit code that goes with it."""
    stderr = console_for(stderr=True)
    lines = [str(violation) for violation in failure.violations] or [failure.message]
    for line in lines:
        stderr.print(f"error: {line}", style="red", markup=False, soft_wrap=True)
    if failure.reason in EXIT_OF_REASON:
        return EXIT_OF_REASON[failure.reason]
    return EXIT_OF_CODE.get(failure.code, Exit.INTERNAL)
