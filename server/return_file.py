"""RETURN.json: a RankReturnNodesRequest in the JSON form of protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from router.errors import InvalidInput, Violation
from server.api.sourcing.v1 import returns_pb2
from server.order_file import json_path, read_json_object


@dataclass(frozen=True, slots=True)
class ReturnFile:
    """A file's request; ``document`` is its JSON."""

    name: str
    request: returns_pb2.RankReturnNodesRequest
    document: Any

    def located(self, violation: Violation) -> Violation:
        """The same violation by the names of the file: ``return.json: items[2].skuId``."""
        return Violation(f"{self.name}: {json_path(violation.field, self.document)}", violation.message)


def read_return_file(name: str) -> ReturnFile:
    """``-`` is the standard input. Raises InvalidInput naming the file and what is wrong in it."""
    text, document = read_json_object(name, "a RankReturnNodesRequest")
    request = returns_pb2.RankReturnNodesRequest()
    try:
        json_format.Parse(text, request)
    except json_format.ParseError as error:
        raise InvalidInput.at(name, str(error)) from error
    return ReturnFile(name, request, document)
