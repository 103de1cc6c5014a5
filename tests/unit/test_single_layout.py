"""SourceOrder quotes are answered by the batch kernels: that rests on how the contract lays messages out."""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor

from server.api.sourcing.v1 import sourcing_pb2

TYPES: dict[str, Descriptor] = sourcing_pb2.DESCRIPTOR.message_types_by_name


def layout(message: str) -> dict[int, tuple[int, str]]:
    """Type and message type of each field, by number."""
    return {
        field.number: (field.type, field.message_type.name if field.message_type else "")
        for field in TYPES[message].fields
    }


def test_a_request_for_one_order_is_a_batch_request_with_more_to_ask() -> None:
    one, many = layout("SourceOrderRequest"), layout("SourceOrdersRequest")
    assert {number: one[number] for number in many} == many
    assert [TYPES["SourceOrderRequest"].fields_by_number[n].name for n in set(one) - set(many)] == ["explain"]


def test_a_result_without_error_is_a_response() -> None:
    one, many = layout("SourceOrderResponse"), layout("SourceOrdersResult")
    names = [TYPES["SourceOrderResponse"].fields_by_number[n].name for n in (1, 2, 3)]
    assert {n: one[n] for n in (1, 2, 3)} == {n: many[n] for n in (1, 2, 3)}
    assert names == ["decision", "reservation_id", "hold_expire_time"]
