"""ORDER.json: an order, or a whole request, in the JSON form of protobuf."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from router.errors import InvalidInput, Violation
from server.api.sourcing.v1 import sourcing_pb2

_STEP = re.compile(r"([a-z_][a-z0-9_]*)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A file's request; an order by itself makes one without an id. ``document`` is its JSON."""

    name: str
    request: sourcing_pb2.SourceOrderRequest
    document: Any
    is_request: bool

    def located(self, violation: Violation) -> Violation:
        """The same violation by the names of the file: ``order.json: lines[2].skuId``."""
        path = violation.field if self.is_request else violation.field.removeprefix("order.")
        return Violation(f"{self.name}: {json_path(path, self.document)}", violation.message)


def read_order_file(name: str) -> OrderFile:
    """``-`` is the standard input. Raises InvalidInput naming the file and what is wrong in it."""
    text, document = read_json_object(name, "an Order or a SourceOrderRequest")
    request = sourcing_pb2.SourceOrderRequest()
    is_request = "order" in document
    try:
        json_format.Parse(text, request if is_request else request.order)
    except json_format.ParseError as error:
        raise InvalidInput.at(name, str(error)) from error
    if not is_request:
        request.order.SetInParent()
    return OrderFile(name, request, document, is_request)


def read_json_object(name: str, what: str) -> tuple[str, dict[str, Any]]:
    """Text and JSON of a file (``-``: the standard input) that holds ``what``. Raises InvalidInput."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not UTF-8 text"
        raise InvalidInput.at(name, f"cannot be read: {reason}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"{name}:{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else name
        raise InvalidInput.at(where, f"is not JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(document, dict):
        raise InvalidInput.at(name, f"must be a JSON object: {what}")
    return text, document


def json_path(path: str, document: Any) -> str:
    """A field path by the names that the document uses: both ``sku_id`` and ``skuId`` are good JSON; a field
    that is missing is named as protobuf writes it, ``skuId``."""
    words: list[str] = []
    here = document
    for name, index in _STEP.findall(path):
        if index:
            words.append(f"[{index}]")
            here = here[int(index)] if isinstance(here, list) and int(index) < len(here) else None
            continue
        head, *tail = name.split("_")
        camel = head + "".join(word.capitalize() for word in tail)
        key = name if isinstance(here, dict) and name in here and camel not in here else camel
        words.append(f".{key}" if words else key)
        here = here.get(key) if isinstance(here, dict) else None
    return "".join(words)
