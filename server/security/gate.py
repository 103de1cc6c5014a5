"""What stands before every call of the API: who is it, may it do that, and what is noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.rpc import code_pb2

from router.network import Node
from server.security.audit import AuditLog
from server.security.callers import EVERYBODY, Caller, Callers
from server.security.methods import GROUP_OF
from server.security.permissions import PermissionDenied, Permissions, written_nodes

AUDITED = frozenset({"stock", "nodes"})


class Gate:
    """callers, permissions: None where everybody may do everything. audit: None where nothing is noted."""

    def __init__(
        self, callers: Callers | None, permissions: Permissions | None, audit: AuditLog | None
    ) -> None:
        self._callers = callers
        self._permissions = permissions
        self._audit = audit

    def enter(self, method: str, context: grpc.ServicerContext) -> Caller:
        """method: such as ``StockService/SetStock``. Raises Unauthenticated, QuotaExceeded and, noted where
        changes are, PermissionDenied."""
        if self._callers is None or self._permissions is None:
            return EVERYBODY
        caller = self._callers.of(context)
        try:
            self._permissions.check_method(caller, method)
        except PermissionDenied:
            if self.notes(method):
                self.note(caller, method, None, code_pb2.PERMISSION_DENIED)
            raise
        return caller

    def needs_request(self, method: str) -> bool:
        """Is the decoded request looked at?"""
        return self._permissions is not None or self.notes(method)

    def check(self, caller: Caller, method: str, request: Any, nodes: Mapping[str, Node]) -> None:
        """Raises PermissionDenied."""
        if self._permissions is not None:
            self._permissions.check_request(caller, method, request, nodes)

    def close(self) -> None:
        """Nothing is noted any more."""
        if self._audit is not None:
            self._audit.close()

    def notes(self, method: str) -> bool:
        return self._audit is not None and GROUP_OF.get(method) in AUDITED

    def note_rules(self, rules_hash: str, outcome: str) -> None:
        """A rule file that came into force, or was rejected; the hash is that of the rules in force."""
        if self._audit is not None:
            self._audit.write("rules", outcome=outcome, rules_hash=rules_hash)

    def note(self, caller: Caller, method: str, request: Any, code: int = 0) -> None:
        """A change of stock or of a node, whether it was made or not. code: of gRPC."""
        if self._audit is None:
            return
        nodes = sorted(written_nodes(request)) if request is not None else []
        self._audit.write(
            method,
            subject=caller.subject,
            outcome=code_pb2.Code.Name(code),
            request_id=getattr(request, "request_id", ""),
            feed_id=getattr(request, "feed_id", ""),
            rows=len(getattr(request, "levels", ()) or getattr(request, "adjustments", ())),
            nodes=nodes[:20],
        )


OPEN = Gate(None, None, None)
"""Lets everybody do everything."""
