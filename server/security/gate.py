"""What stands before every call of the API: who is it, may it do that, and what is noted of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import code_pb2

from router.network import Node
from server.security.audit import AuditLog
from server.security.callers import EVERYBODY, Caller, Callers
from server.security.changes import told_rows
from server.security.methods import AUDITED
from server.security.permissions import PermissionDenied, Permissions

REASON_KEY = "sourcier-reason"
"""Metadata by which a caller may say why, for the audit log."""
MAX_REASON_LENGTH = 500
MAX_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """A call on its way in. looks: whether it may be made depends on its request. is_noted: in the audit
    log, with peer and reason."""

    method: str
    caller: Caller = EVERYBODY
    looks: bool = False
    is_noted: bool = False
    peer: str = ""
    reason: str = ""


class Gate:
    """callers, permissions: None where everybody may do everything. audit: None where nothing is noted."""

    def __init__(
        self, callers: Callers | None, permissions: Permissions | None, audit: AuditLog | None
    ) -> None:
        self._callers = callers
        self._permissions = permissions
        self._audit = audit

    def enter(self, method: str, context: grpc.ServicerContext) -> Visit:
        """method: such as ``StockService/SetStock``. Raises Unauthenticated, QuotaExceeded and, noted where
        changes are, PermissionDenied."""
        noted = self._audit is not None and method in AUDITED
        peer, reason = (context.peer(), _reason(context)) if noted else ("", "")
        if self._callers is None or self._permissions is None:
            return Visit(method, is_noted=noted, peer=peer, reason=reason)
        caller = self._callers.of(context)
        visit = Visit(method, caller, False, noted, peer, reason)
        try:
            self._permissions.check_method(caller, method)
        except PermissionDenied:
            self.note(visit, None, code_pb2.PERMISSION_DENIED)
            raise
        if self._permissions.needs_request(caller, method):
            return Visit(method, caller, True, noted, peer, reason)
        self._permissions.count(caller)
        return visit

    def check(self, visit: Visit, request: Any, nodes: Callable[[], Mapping[str, Node]]) -> None:
        """request: decoded, or its bytes where the method takes those. Raises QuotaExceeded and, noted where
        changes are, PermissionDenied."""
        if not visit.looks or self._permissions is None:
            return
        try:
            self._permissions.check_request(visit.caller, visit.method, request, nodes())
        except PermissionDenied:
            self.note(visit, request, code_pb2.PERMISSION_DENIED)
            raise
        self._permissions.count(visit.caller)

    def close(self) -> None:
        """Nothing is noted any more."""
        if self._audit is not None:
            self._audit.close()

    def note(self, visit: Visit, request: Any, code: int = 0) -> None:
        """A change of stock or of a node, whether it was made or not. request: None where it was not read.
        code: of gRPC."""
        if self._audit is None or not visit.is_noted or getattr(request, "validate_only", False):
            return
        rows = {} if request is None else told_rows(visit.method, request)
        self._audit.write(
            visit.method,
            subject=visit.caller.subject,
            outcome=code_pb2.Code.Name(code),
            peer=visit.peer,
            reason=visit.reason,
            **rows,
        )

    def note_rules(self, rules_hash: str, outcome: str, before: str, mistakes: Iterable[str] = ()) -> None:
        """A rule file that came into force, or was rejected. rules_hash: of the rules in force, before: of
        those until then. mistakes: why it was rejected."""
        if self._audit is None:
            return
        why = [text for text, _ in zip(mistakes, range(MAX_MISTAKES), strict=False)]
        facts: dict[str, Any] = {"mistakes": why} if why else {}
        self._audit.write("rules", outcome=outcome, rules_hash=rules_hash, before=before, **facts)


OPEN = Gate(None, None, None)
"""Lets everybody do everything."""


def _reason(context: grpc.ServicerContext) -> str:
    metadata = context.invocation_metadata() or ()
    return next((str(value)[:MAX_REASON_LENGTH] for key, value in metadata if key == REASON_KEY), "")
