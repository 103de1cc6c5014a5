"""The kernels between bytes and columns: numbers, tags, what is plain and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.errors import BrokenInvariant, NotFound
from router.kernels import wire, wire_decode, wire_encode
from router.kernels.geo import fill_unit_vectors, unit_vectors
from router.network import Zone
from router.snapshot import Snapshot
from server import fast_batch
from server.api.sourcing.v1 import sourcing_pb2
from server.decision_log import DecisionLog, Remembered
from server.fast_batch import Batch, FastBatch
from server.wire_tables import DECODE_TAGS, ENCODE_TAGS, tag_of
from tests.engine import snapshot_of
from tests.small_shop import small_shop

NOW = 1_750_000_000


def varint(value: int) -> bytes:
    """A slow twin of the kernel's encoder."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def columns(raw: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(raw, np.uint8)


NUMBERS = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**31, 2**56 - 1, 2**56, 2**63 - 1]


@pytest.mark.parametrize("value", [*NUMBERS, -1, -(2**31), -(2**63)])
def test_numbers_are_written_as_short_as_can_be(value: int) -> None:
    buffer = np.zeros(20, np.uint8)
    start = wire_encode.put_number(buffer, 15, np.int64(value))
    assert buffer[start:15].tobytes() == varint(value)
    assert not buffer[:start].any()
    assert not buffer[15:].any()


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_are_read(value: int) -> None:
    raw = columns(b"\xff" + varint(value) + b"\xff")
    assert wire_decode.read_varint(raw, 1, len(raw)) == (value, len(raw) - 1)
    assert wire_decode.read_varint(raw, 1, len(raw) - 2)[1] == -1


def test_numbers_may_be_longer_than_needed_but_not_beyond_63_bits() -> None:
    assert wire_decode.read_varint(columns(b"\x81\x80\x00"), 0, 3) == (1, 3)
    assert wire_decode.read_varint(columns(varint(-1)), 0, 10)[1] == -1
    assert wire_decode.read_varint(columns(b"\x80" * 12 + b"\x00"), 0, 13)[1] == -1


ALWAYS_SLOW = {"deliveries", "selling_node_id", "delivery_id", "fill", "exclusions", "substitutes"}
"""Orders with these are answered in the general way."""


def test_every_field_of_an_order_is_known_to_the_kernel() -> None:
    """A field that is added to the contract makes orders that use it not plain, which is right but slow."""
    names = sourcing_pb2.DESCRIPTOR.message_types_by_name
    for m, message in enumerate(wire.MESSAGES):
        fields = {name for name in wire.SLOTS[m] if name}
        if message in names:
            assert fields == {f.name for f in names[message].fields if f.name not in ALWAYS_SLOW}
        assert sorted(DECODE_TAGS[m][DECODE_TAGS[m] >= 0]) == sorted(
            i for i, name in enumerate(wire.SLOTS[m]) if name
        )


def test_tags_are_those_of_the_encoder_it_replaces() -> None:
    assert tag_of("OrderLine.sku_id") == sourcing_pb2.OrderLine(sku_id="k").SerializeToString()[0]
    assert tag_of("Destination.latitude") == sourcing_pb2.Destination(latitude=1.0).SerializeToString()[0]
    assert tag_of("Cost.split_cents") == sourcing_pb2.Cost(split_cents=1).SerializeToString()[0]
    assert len(ENCODE_TAGS) == len(wire_encode.FIELDS)


def test_the_same_place_has_the_same_vector_however_many_are_asked_for() -> None:
    degrees = np.random.default_rng(1).uniform(-90, 90, (50, 2))
    many = unit_vectors(degrees[:, 0].copy(), degrees[:, 1].copy())
    one = np.empty((1, 3))
    for i in range(len(many)):
        fill_unit_vectors(degrees[i, :1], degrees[i, 1:], one)
        assert one.tobytes() == many[i].tobytes()


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    world = small_shop()
    zones = (
        Zone(zone_id="france", country="FR"),
        Zone(zone_id="paris", country="FR", postal_prefixes=("75",)),
        Zone(zone_id="louvre", country="FR", postal_prefixes=("75 001",)),
        Zone(zone_id="berlin", country="DE", postal_prefixes=("10",)),
    )
    return snapshot_of(replace(world, network=replace(world.network, zones=zones)))


def plain_order(**more: object) -> sourcing_pb2.Order:
    line = sourcing_pb2.OrderLine(line_id="1", sku_id="K", quantity=1)
    place = sourcing_pb2.Destination(country_code="FR", latitude=48.8566, longitude=2.3522)
    return sourcing_pb2.Order(**{"order_id": "o", "lines": [line], "destination": place, **more})


def decided(snapshot: Snapshot, *orders: bytes, rest: bytes = b"\x18\x01") -> Batch | None:
    """Order messages as bytes, in a request for quotes."""
    raw = b"".join(field(2, order) for order in orders) + rest
    return FastBatch(5).decide(raw, snapshot, NOW)


@pytest.mark.parametrize(
    ("country", "postal_code", "zone"),
    [
        ("FR", "75001", 2),
        ("FR", "7 5 0 0 1 9", 2),
        ("FR", "75002", 1),
        ("FR", "7", 0),
        ("FR", "", 0),
        ("FR", "9" * 128, 0),
        ("DE", "10115", 3),
        ("DE", "75001", 4),
        ("BE", "", 4),
    ],
)
def test_the_longest_postal_prefix_gives_the_zone(
    snapshot: Snapshot, country: str, postal_code: str, zone: int
) -> None:
    place = {"country_code": country, "postal_code": postal_code, "latitude": 48.0, "longitude": 2.0}
    order = plain_order(destination=sourcing_pb2.Destination(**place))
    batch = decided(snapshot, order.SerializeToString())
    assert batch is not None
    assert batch.orders.zone.tolist() == [zone]
    assert snapshot.compiled.zones.find(country, postal_code) == zone


PLAIN = plain_order().SerializeToString()
NOT_PLAIN = {
    "an id twice": PLAIN + field(1, b"o"),
    "a destination in two parts": PLAIN + field(3, b""),
    "an unknown field": PLAIN + field(15, b""),
    "a field with another wire type": PLAIN + b"\x08\x01",
    "a deadline of another wire type": PLAIN + b"\x38\x01",
    "a long tag": PLAIN + b"\xaa\x80\x00\x01g",
    "a letter beyond ASCII": PLAIN + field(5, "é".encode()),
    "an id that is too long": PLAIN + field(5, b"x" * 129),
    "the same line twice": PLAIN + field(2, plain_order().lines[0].SerializeToString()),
    "a line with nothing in it": PLAIN + field(2, b""),
    "an odd truth": field(2, plain_order().lines[0].SerializeToString() + b"\x30\x02") + PLAIN,
    "a channel that does not exist": PLAIN + b"\x20\x08",
    "a deadline in the past": PLAIN + field(7, b"\x08" + varint(NOW - 1)),
    "a deadline with too many nanoseconds": PLAIN + field(7, b"\x08" + varint(NOW) + b"\x10" + varint(10**9)),
    "a deadline before the epoch": PLAIN + field(7, b"\x08" + varint(-1)),
    "no lines": plain_order(lines=[]).SerializeToString(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_general_way(snapshot: Snapshot, name: str) -> None:
    batch = decided(snapshot, PLAIN, NOT_PLAIN[name], PLAIN)
    assert batch is not None
    assert batch.parsed.row.tolist() == [0, -1, 1]
    assert [place for place, _ in batch.slow] == [1]


NOT_A_PLAIN_REQUEST = {
    "a request to hold stock": b"",
    "the same said": b"\x18\x00",
    "a field twice": b"\x18\x01\x18\x01",
    "a hold of too many seconds": b"\x18\x01\x20" + varint(604_801),
    "an id that is too long": b"\x18\x01" + field(1, b"r" * 129),
    "an id that is no text": b"\x18\x01" + field(1, b"\xff"),
    "an unknown field": b"\x18\x01" + field(9, b""),
    "a tag without a number": b"\x18",
    "a tag without a length": b"\x18\x01\x12",
    "a length beyond the end": b"\x18\x01\x12\x7f",
    "a length far beyond the end": b"\x18\x01\x12\xff\xff\xff\xff\x0f",
    "an order that is none": b"\x18\x01" + field(2, b"\x0a\xff"),
}


@pytest.mark.parametrize("rest", NOT_A_PLAIN_REQUEST.values(), ids=NOT_A_PLAIN_REQUEST)
def test_what_is_not_a_plain_request_is_left_alone(snapshot: Snapshot, rest: bytes) -> None:
    assert decided(snapshot, PLAIN, rest=rest) is None
    assert decided(snapshot, PLAIN) is not None


def test_more_orders_than_allowed_are_left_alone(snapshot: Snapshot) -> None:
    assert decided(snapshot, *[PLAIN] * 5) is not None
    assert decided(snapshot, *[PLAIN] * 6) is None
    assert decided(snapshot) is None


def test_slow_answers_are_put_in_their_places(snapshot: Snapshot) -> None:
    slow = [plain_order(order_id=name).SerializeToString() for name in ("é1", "é2")]
    batch = decided(snapshot, slow[0], PLAIN, slow[1], PLAIN)
    assert batch is not None
    response = sourcing_pb2.SourceOrdersResponse.FromString(
        batch.encoded(lambda order: sourcing_pb2.SourceOrdersResult(reservation_id=order.order_id))
    )
    assert [r.reservation_id or r.decision.order_id for r in response.results] == ["é1", "o", "é2", "o"]


def test_a_buffer_that_is_too_small_is_noticed(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = decided(snapshot, PLAIN, PLAIN)
    assert batch is not None
    size = len(batch.encoded(lambda order: sourcing_pb2.SourceOrdersResult()))
    for room in range(size):
        monkeypatch.setattr(fast_batch.wire_encode, "most_bytes", lambda *_, room=room: room)
        with pytest.raises((BrokenInvariant, IndexError)):
            batch.encoded(lambda order: sourcing_pb2.SourceOrdersResult())


def test_new_rules_and_new_stock_rows_are_seen(snapshot: Snapshot) -> None:
    fast = FastBatch(5)
    raw = field(2, PLAIN) + b"\x18\x01"
    first = fast.decide(raw, snapshot, NOW)
    renamed = snapshot.rules.model_copy(deep=True)
    renamed.profiles[0].strategies[0].__dict__["id"] = "other"
    second = fast.decide(raw, snapshot.with_rules(renamed), NOW)
    assert first is not None
    assert second is not None
    ids = [
        sourcing_pb2.SourceOrdersResponse.FromString(
            batch.encoded(lambda order: sourcing_pb2.SourceOrdersResult())
        ).results[0].decision.strategy_ids[0]
        for batch in (first, second)
    ]  # fmt: skip
    assert ids == ["main", "other"]


def test_the_log_finds_quotes_by_id_and_forgets_the_oldest_call(snapshot: Snapshot) -> None:
    log = DecisionLog(capacity=3)
    batches = []
    for name in ("a", "b"):
        batch = decided(snapshot, *(plain_order(order_id=f"{name}{i}").SerializeToString() for i in range(2)))
        assert batch is not None
        log.remember_quotes(batch.quotes)
        batches.append(batch)
    keys = [[f"{a:016x}{b:016x}" for a, b in batch.quotes.keys.tolist()] for batch in batches]
    assert len(log) == 2
    found = log.get(keys[1][1])
    assert isinstance(found, Remembered)
    assert sourcing_pb2.Order.FromString(found.order_bytes).order_id == "b1"
    assert batches[0].quotes.find(keys[0][0]) is not None
    for wrong in (keys[0][0], keys[1][0].upper() + "x", "", "+" + keys[1][0][1:]):
        with pytest.raises(Exception, match="no longer"):
            log.get(wrong)


def test_a_decision_made_again_is_the_latest(snapshot: Snapshot) -> None:
    log = DecisionLog(capacity=2)
    common = {"order_bytes": b"", "now_seconds": NOW, "stock_version": 0, "plan_hash": 0}
    for decision_id in ("a", "b", "a", "c"):
        entry = Remembered(
            decision_id=decision_id, rules=snapshot.rules, compiled=snapshot.compiled, **common
        )
        log.remember(entry)
    assert [log.get(decision_id).decision_id for decision_id in "ac"] == ["a", "c"]
    with pytest.raises(NotFound):
        log.get("b")
