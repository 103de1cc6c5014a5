"""What the kernel that writes promises needs to know of the contract and of a snapshot's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from google.protobuf.message import Message

from router.columns import frozen
from router.compile import Compiled
from router.kernels import wire_promise
from router.kernels.types import I64, U8
from router.promise import REASONS
from router.promised import Dates
from server.api.sourcing.v1 import sourcing_pb2
from server.wire_tables import pieces, tag_of

TAGS = frozen(np.array([tag_of(name) for name in wire_promise.FIELDS], np.int64))
_NO_METHODS = frozen(np.zeros(0, np.int8))


class Pieces(NamedTuple):
    """Encoded fields end to end, where each begins, and the length of the longest."""

    data: U8
    offsets: I64
    longest: int

    @classmethod
    def of(cls, messages: Iterable[Message]) -> Pieces:
        data, offsets = pieces(messages)
        return cls(data, offsets, int(np.diff(offsets).max(initial=0)))


_REASONS = Pieces.of(sourcing_pb2.Promise(reason=reason) for reason in REASONS)


@dataclass(frozen=True, slots=True)
class PromiseTables:
    """nodes: Promise.node_id of each."""

    compiled: Compiled
    nodes: Pieces

    @classmethod
    def of(cls, compiled: Compiled) -> PromiseTables:
        return cls(compiled, Pieces.of(sourcing_pb2.Promise(node_id=name) for name in compiled.node_ids))

    def encoded(self, deliveries: Sequence[Dates], origin_seconds: int) -> bytes:
        """The promises of a GetPromiseResponse, by delivery."""
        return b"".join(self._of(dates, j, origin_seconds) for j, dates in enumerate(deliveries))

    def _of(self, dates: Dates, delivery_ix: int, origin_seconds: int) -> bytes:
        reach = dates.reach
        ways = _ways(() if reach is None else tuple(reach.ids))
        most = wire_promise.MOST_BYTES + self.nodes.longest + ways.longest + _REASONS.longest
        buffer = np.empty(len(dates.found) * most, np.uint8)
        start = wire_promise.encode_promises(
            buffer,
            TAGS,
            delivery_ix,
            origin_seconds,
            dates.found,
            dates.node_count,
            dates.times,
            _NO_METHODS if reach is None else reach.methods,
            self.nodes.data,
            self.nodes.offsets,
            ways.data,
            ways.offsets,
            _REASONS.data,
            _REASONS.offsets,
        )
        return buffer[start:].tobytes()


@lru_cache(maxsize=4_096)
def _ways(ids: tuple[str, ...]) -> Pieces:
    return Pieces.of(sourcing_pb2.Promise(service_id=name) for name in ids)
