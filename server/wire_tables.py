"""What the kernels that read requests and write responses need to know of the contract and of a snapshot's
names, made once for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from router.catalogue import Catalogue
from router.columns import IdIndex, frozen
from router.compile import Compiled
from router.domain import CertificateKind, Method
from router.errors import BrokenInvariant
from router.kernels import wire, wire_encode
from router.kernels.jit import hold
from router.kernels.types import I64, U8
from router.kernels.wire import Ids, Names
from router.kernels.wire_encode import Ready
from router.snapshot import Snapshot
from router.sourcer import versions_of
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import timestamp
from server.convert_decision import versions_to_proto

_WIRE_TYPES = {
    FieldDescriptor.TYPE_INT32: wire.VARINT,
    FieldDescriptor.TYPE_INT64: wire.VARINT,
    FieldDescriptor.TYPE_BOOL: wire.VARINT,
    FieldDescriptor.TYPE_ENUM: wire.VARINT,
    FieldDescriptor.TYPE_DOUBLE: wire.FIXED64,
    FieldDescriptor.TYPE_STRING: wire.BYTES,
    FieldDescriptor.TYPE_MESSAGE: wire.BYTES,
}


def tag_of(name: str) -> int:
    """The tag byte of a field such as ``Order.order_id``. Raises BrokenInvariant for a field whose tag is
    longer than a byte."""
    message, field = name.split(".")
    own: dict[str, Descriptor] = sourcing_pb2.DESCRIPTOR.message_types_by_name
    descriptor = own.get(message, Timestamp.DESCRIPTOR).fields_by_name[field]
    number: int = descriptor.number
    if number > 15:
        raise BrokenInvariant(f"{name} has number {number}; the kernels take up to 15")
    return number << 3 | _WIRE_TYPES[descriptor.type]


def _decode_tags() -> I64:
    """The slot of each tag byte, by message."""
    tags = np.full((len(wire.MESSAGES), 128), -1, np.int64)
    for m, message in enumerate(wire.MESSAGES):
        for slot, field in enumerate(wire.SLOTS[m]):
            if field:
                tags[m, tag_of(f"{message}.{field}")] = slot
    return frozen(tags)


DECODE_TAGS = _decode_tags()
ENCODE_TAGS = frozen(np.array([tag_of(name) for name in wire_encode.FIELDS], np.int64))


@dataclass(frozen=True, slots=True)
class WireTables:
    """What the kernels need to know of the names of a snapshot. held: a handle on (names, ready, the tags to
    read and those to write)."""

    compiled: Compiled
    catalogue: Catalogue
    names: Names
    ready: Ready
    held: Any

    @classmethod
    def of(cls, snapshot: Snapshot) -> WireTables:
        c, zones = snapshot.compiled, snapshot.compiled.zones
        names = Names(
            skus=_ids(snapshot.catalogue.ids),
            unit_value_cents=c.catalogue.unit_value_cents,
            countries=_ids(c.countries),
            segments=_ids(c.segments),
            profiles=_ids(c.profiles),
            default_profile=c.default_profile,
            zone_keys=_ids(zones.keys),
            zone_of_key=zones.zone_of_key,
            zone_longest=zones.longest,
            zone_count=zones.count,
        )
        nodes = pieces(sourcing_pb2.Shipment(node_id=name) for name in c.node_ids)
        services = pieces(sourcing_pb2.Shipment(service_id=name) for name in c.service_ids)
        strategies = pieces(sourcing_pb2.Decision(strategy_ids=[t.id]) for t in c.strategies)
        proof = sourcing_pb2.Certificate(
            kind=sourcing_pb2.Certificate.Kind.ValueType(CertificateKind.EXACT),
            method=sourcing_pb2.Certificate.Method.ValueType(Method.SUBSET_DP),
        )
        nothing = _piece(proof)[:0]
        ready = Ready(*nodes, *services, *strategies, _piece(proof), nothing, nothing)
        held = hold((names, ready, DECODE_TAGS, ENCODE_TAGS))
        return cls(c, snapshot.catalogue, names, ready, held)

    def fits(self, snapshot: Snapshot) -> bool:
        """Are they about the names of this snapshot? Stock may differ."""
        return self.compiled is snapshot.compiled and self.catalogue is snapshot.catalogue

    def ready_at(self, now_seconds: int, stock_version: int) -> Ready:
        """With the pieces that change from call to call."""
        return self.ready._replace(
            versions=versions_piece(self.compiled.rules_hash, stock_version),
            decide_time=time_piece(now_seconds),
        )


class LatestTables:
    """The tables of the snapshot asked for last; safe to use from several threads."""

    def __init__(self) -> None:
        self._tables: WireTables | None = None

    def of(self, snapshot: Snapshot) -> WireTables:
        """Made anew when the rules, the network or the catalogue are others than last time."""
        tables = self._tables
        if tables is None or not tables.fits(snapshot):
            tables = self._tables = WireTables.of(snapshot)
        return tables


@lru_cache(maxsize=16)
def versions_piece(rules_hash: str, stock_version: int) -> U8:
    """``Ready.versions``."""
    versions = versions_of(rules_hash, stock_version)
    return _piece(sourcing_pb2.Decision(versions=versions_to_proto(versions)))


@lru_cache(maxsize=16)
def time_piece(now_seconds: int) -> U8:
    """``Ready.decide_time``."""
    return _piece(sourcing_pb2.Decision(decide_time=timestamp(now_seconds)))


def _ids(index: IdIndex) -> Ids:
    return Ids(index.data, index.offsets, index.table)


def _piece(message: Message) -> U8:
    return np.frombuffer(message.SerializeToString(), np.uint8)


def pieces(messages: Iterable[Message]) -> tuple[U8, I64]:
    """Encoded fields, end to end, and where each begins."""
    encoded = [message.SerializeToString() for message in messages]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), frozen(offsets)
