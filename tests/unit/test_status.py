"""The table of errors."""

from __future__ import annotations

import inspect

import grpc
import pytest
from google.rpc import error_details_pb2

from router import errors
from router.errors import InvalidInput, NotFound, SourcierError, Violation
from router.ledger import Hold
from server import status
from server.status import TABLE, SoldOut, code_of, failure_of, is_internal, parse_status, row_of, to_status

TRAILERS_BYTES = 8_192
"""What a client takes by default."""


def test_every_error_raised_on_purpose_has_a_row_with_its_reason() -> None:
    members = [*vars(errors).values(), *vars(status).values()]
    kinds = [
        m for m in members if inspect.isclass(m) and issubclass(m, SourcierError) and m is not SourcierError
    ]
    assert len(kinds) >= 12
    for kind in kinds:
        row = next(row for row in TABLE if issubclass(kind, row.error))
        assert row.error is not Exception, kind
        assert kind.reason == row.reason


def test_no_row_hides_a_later_one() -> None:
    for at, row in enumerate(TABLE):
        assert not any(issubclass(row.error, earlier.error) for earlier in TABLE[:at]), row


def test_only_faults_of_the_program_are_internal() -> None:
    assert is_internal(KeyError("x"))
    assert is_internal(errors.BrokenInvariant("x"))
    assert not is_internal(NotFound("x"))
    assert code_of(NotFound("x")) is grpc.StatusCode.NOT_FOUND
    assert row_of(KeyError("x")).error is Exception


def test_fields_and_metadata_arrive() -> None:
    wrong = InvalidInput([Violation("a.b[1]", "is missing"), Violation("c", "is 3")], reason="FINER")
    found = parse_status(to_status(wrong))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (found.reason, found.metadata) == ("FINER", {"violation_count": "2"})
    assert found.violations == wrong.violations
    assert found.message == "a.b[1]: is missing; c: is 3"
    gone = parse_status(to_status(NotFound("unknown 'x'", metadata={"id": "x"})))
    assert (gone.message, gone.metadata, gone.violations) == ("unknown 'x'", {"id": "x"}, ())


def test_what_was_not_raised_on_purpose_keeps_its_words() -> None:
    found = parse_status(to_status(ValueError("card 4111"), incident="abc"))
    assert (found.message, found.metadata) == ("internal error (incident abc)", {"incident": "abc"})


@pytest.mark.parametrize("letter", ["x", "é", "\N{GRINNING FACE}", "\n"])
def test_whatever_is_wrong_fits_into_trailers(letter: str) -> None:
    many = InvalidInput([Violation(letter * 5000, letter * 5000) for _ in range(5000)])
    sold_out = SoldOut([Hold(sku_id=letter * 128, node_id=letter * 128, quantity=0)] * 1000)
    for error in (many, sold_out, NotFound(letter * 9999, metadata={"id": letter * 9999})):
        encoded = to_status(error)
        # The message travels once more as a header of its own, three characters for each odd byte.
        assert encoded.ByteSize() + 3 * len(encoded.message.encode()) < TRAILERS_BYTES
        assert parse_status(encoded).metadata
    assert len(parse_status(to_status(many)).violations) >= 3
    assert parse_status(to_status(many)).metadata["violation_count"] == "5000"


def test_the_first_violation_is_always_there() -> None:
    found = parse_status(to_status(InvalidInput.at("f" * 10_000, "m" * 10_000)))
    assert len(found.violations) == 1
    assert found.violations[0].field.endswith("…")


def test_shortages_say_what_is_left() -> None:
    encoded = to_status(SoldOut([Hold(sku_id="k", node_id="n", quantity=2)]))
    left = error_details_pb2.PreconditionFailure()
    assert encoded.details[1].Unpack(left)
    assert [(v.type, v.subject, v.description) for v in left.violations] == [("STOCK", "k@n", "2 left")]
    assert "2 of 'k' at 'n'" in encoded.message


def test_within_the_process_nothing_is_cut_short() -> None:
    many = InvalidInput([Violation(f"f{i}", "m" * 1000) for i in range(300)])
    found = failure_of(many)
    assert found.violations == many.violations
    assert failure_of(KeyError("x")).code is grpc.StatusCode.INTERNAL


def test_a_code_that_is_none_is_unknown() -> None:
    encoded = to_status(NotFound("x"))
    encoded.code = 4711
    assert parse_status(encoded).code is grpc.StatusCode.UNKNOWN
