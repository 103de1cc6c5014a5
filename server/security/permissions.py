"""What callers may do: groups of methods, labels of nodes, calls a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.errors import SourcierError
from router.network import Node
from server.security.callers import Caller
from server.security.methods import GROUP_OF
from server.security.section import RoleSection

NODE_BOUND = frozenset({"StockService/SetStock", "StockService/AdjustStock", "NodeService/SetNodeState"}) | {
    "OfferService/ClaimOffer",
    "SourcingService/ResourceOrder",
}
"""Methods that may be limited to nodes with some label."""
HOLDING = frozenset({"SourceOrder", "SourceOrders"})
"""Methods of ``source`` that also need ``reserve`` unless they only ask (validate_only)."""
MAX_CALLERS = 10_000
"""Whose calls are counted at a time."""


class PermissionDenied(SourcierError):
    """None of the caller's roles allows it."""

    reason = "PERMISSION_DENIED"


class QuotaExceeded(SourcierError):
    """The caller has made as many calls as it may. retry_seconds: when it may make one more."""

    reason = "QUOTA_EXCEEDED"

    def __init__(self, retry_seconds: float) -> None:
        super().__init__(
            f"more calls than the caller's roles allow; one more in {retry_seconds:.1f} seconds",
            metadata={"retry_millis": f"{1_000 * retry_seconds:.0f}"},
        )
        self.retry_seconds = retry_seconds


@dataclass(slots=True)
class _Bucket:
    calls: float
    at: float


class Permissions:
    """roles: of the config. clock: seconds that only go forward."""

    def __init__(self, roles: Sequence[RoleSection], clock: Callable[[], float] = time.monotonic) -> None:
        self._roles = {role.id: role for role in roles}
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def check_method(self, caller: Caller, method: str) -> None:
        """method: such as ``StockService/SetStock``. Raises PermissionDenied, QuotaExceeded."""
        self._allowing(caller, method)
        self._count(caller)

    def check_request(self, caller: Caller, method: str, request: Any, nodes: Mapping[str, Node]) -> None:
        """Of a call that may be made at all: may it change what it names? nodes: by id. Raises
        PermissionDenied."""
        if method.rpartition("/")[2] in HOLDING and not request.validate_only:
            self._allowing(caller, method, "reserve", " without validate_only")
        if method not in NODE_BOUND:
            return
        roles = self._allowing(caller, method)
        if any(role.nodes is None for role in roles):
            return
        labels = {label for role in roles for label in role.nodes or ()}
        for node_id in written_nodes(request):
            node = nodes.get(node_id)
            if node is not None and labels.isdisjoint(node.labels):
                message = f"{caller.subject!r} may not change node {node_id!r}"
                raise PermissionDenied(message, metadata={"node_id": node_id})

    def _allowing(self, caller: Caller, method: str, group: str = "", how: str = "") -> list[RoleSection]:
        """Roles that name the method or its group; with ``group``, that one."""
        wanted = {group} if group else {method, GROUP_OF.get(method, "nobody")}
        known = (self._roles.get(role) for role in caller.roles)
        roles = [role for role in known if role is not None and not wanted.isdisjoint(role.allow)]
        if not roles:
            group = group or GROUP_OF.get(method, "nobody")
            message = f"no role of {caller.subject!r} allows {method}{how}, which is of the group {group!r}"
            raise PermissionDenied(message, metadata={"group": group})
        return roles

    def _count(self, caller: Caller) -> None:
        """The most generous of the roles counts; one without a limit lifts it."""
        roles = [self._roles[role] for role in caller.roles if role in self._roles]
        if any(role.calls_per_second is None for role in roles):
            return
        best = max(roles, key=lambda role: role.calls_per_second or 0.0)
        rate, now = best.calls_per_second or 0.0, self._clock()
        with self._lock:
            if caller.subject not in self._buckets and len(self._buckets) >= MAX_CALLERS:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets.setdefault(caller.subject, _Bucket(float(best.burst), now))
            bucket.calls = min(float(best.burst), bucket.calls + (now - bucket.at) * rate)
            bucket.at = now
            if bucket.calls < 1:
                raise QuotaExceeded((1 - bucket.calls) / rate)
            bucket.calls -= 1


def written_nodes(request: Any) -> Iterable[str]:
    """That a request changes, or speaks for."""
    for name in ("levels", "adjustments", "rejections"):
        if rows := getattr(request, name, None):
            return {row.node_id for row in rows}
    return {getattr(request, "node_id", "")}
