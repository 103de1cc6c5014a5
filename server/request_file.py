"""Files of commands that have one form: a request in the JSON form of protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from router.errors import InvalidInput, Violation
from server.order_file import json_path, read_json_object

Request = TypeVar("Request", bound=Message)


@dataclass(frozen=True, slots=True)
class RequestFile(Generic[Request]):
    """A file's request; ``document`` is its JSON."""

    name: str
    request: Request
    document: Any

    def located(self, violation: Violation) -> Violation:
        """The same violation by the names of the file: ``return.json: items[2].skuId``."""
        return Violation(f"{self.name}: {json_path(violation.field, self.document)}", violation.message)


def read_request_file(name: str, message: type[Request]) -> RequestFile[Request]:
    """A file with a ``message``; ``-`` is the standard input. Raises InvalidInput naming the file and what is
    wrong in it."""
    text, document = read_json_object(name, f"a {message.DESCRIPTOR.name}")
    request = message()
    try:
        json_format.Parse(text, request)
    except json_format.ParseError as error:
        raise InvalidInput.at(name, str(error)) from error
    return RequestFile(name, request, document)
