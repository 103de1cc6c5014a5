"""What callers may do: groups of methods, labels of nodes, calls a second."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.errors import SourcierError
from router.network import Node
from server.security.asking import only_asks
from server.security.callers import Caller
from server.security.methods import BY_NODE, GROUP_OF, HOLDING, changed_nodes
from server.security.section import RoleSection

MAX_CALLERS = 10_000
"""Whose calls are counted at a time, those who called last."""


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
        self._buckets: OrderedDict[tuple[bool, str], _Bucket] = OrderedDict()

    def check_method(self, caller: Caller, method: str) -> None:
        """method: such as ``StockService/SetStock``. Raises PermissionDenied."""
        self._allowing(caller, method)

    def needs_request(self, caller: Caller, method: str) -> bool:
        """Does it depend on the request whether a call of an allowed method may be made?"""
        if method in HOLDING:
            return not self._may_reserve(caller)
        return method in BY_NODE and all(role.nodes is not None for role in self._allowing(caller, method))

    def check_request(self, caller: Caller, method: str, request: Any, nodes: Mapping[str, Node]) -> None:
        """Where it depends on that. request: decoded, or its bytes where the method takes those. nodes: by
        id. Raises PermissionDenied."""
        if method in HOLDING:
            if not only_asks(method, request):
                raise _denied(caller, f"{method} without validate_only", "reserve")
            return
        labels = {label for role in self._allowing(caller, method) for label in role.nodes or ()}
        for node_id in sorted(changed_nodes(method, request)):
            node = nodes.get(node_id)
            if node is not None and labels.isdisjoint(node.labels):
                message = f"{caller.subject!r} may not change node {node_id!r}"
                raise PermissionDenied(message, metadata={"node_id": node_id})

    def _allowing(self, caller: Caller, method: str) -> list[RoleSection]:
        """The roles that allow a method, one at least."""
        group = GROUP_OF.get(method, "nobody")
        roles = [role for role in self._roles_of(caller) if group in role.allow or method in role.allow]
        if not roles:
            raise _denied(caller, method, group)
        return roles

    def _may_reserve(self, caller: Caller) -> bool:
        return any("reserve" in role.allow for role in self._roles_of(caller))

    def _roles_of(self, caller: Caller) -> list[RoleSection]:
        return [self._roles[role] for role in caller.roles if role in self._roles]

    def count(self, caller: Caller) -> None:
        """A call that may be made. The most generous of the roles counts; one without a limit lifts it.
        Raises QuotaExceeded."""
        roles = self._roles_of(caller)
        if any(role.calls_per_second is None for role in roles):
            return
        best = max(roles, key=lambda role: (role.calls_per_second or 0.0, role.burst))
        rate, now = best.calls_per_second or 0.0, self._clock()
        with self._lock:
            key = (caller.by_token, caller.subject)
            bucket = self._buckets.setdefault(key, _Bucket(float(best.burst), now))
            self._buckets.move_to_end(key)
            if len(self._buckets) > MAX_CALLERS:
                self._buckets.popitem(last=False)
            bucket.calls = min(float(best.burst), bucket.calls + (now - bucket.at) * rate)
            bucket.at = now
            if bucket.calls < 1:
                raise QuotaExceeded((1 - bucket.calls) / rate)
            bucket.calls -= 1


def _denied(caller: Caller, what: str, group: str) -> PermissionDenied:
    message = f"no role of {caller.subject!r} allows {what}, which is of the group {group!r}"
    return PermissionDenied(message, metadata={"group": group})
