"""Whether a request only asks: of a message that is read elsewhere, just this field."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from router.errors import InvalidInput
from server.api.sourcing.v1 import sourcing_pb2
from server.security.methods import HOLDING

FLAG = "validate_only"


def _flag_type(number: int) -> type[Message]:
    """A message whose only field is the flag with that number: to read it takes time per field, not per field
    of the fields."""
    flag = descriptor_pb2.FieldDescriptorProto(
        name=FLAG,
        number=number,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
        label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
    )
    name = f"asking_{number}"
    message = descriptor_pb2.DescriptorProto(name=name, field=[flag])
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", syntax="proto3", message_type=[message])
    pool: Any = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _number(method: str) -> int:
    service, _, name = method.partition("/")
    request = sourcing_pb2.DESCRIPTOR.services_by_name[service].methods_by_name[name].input_type
    return int(request.fields_by_name[FLAG].number)


_FLAGS = {method: _flag_type(_number(method)) for method in HOLDING}


def only_asks(method: str, request: Message | bytes) -> bool:
    """Is a request of one of HOLDING a question, after which nothing is held? Raises InvalidInput for bytes
    that are no message."""
    try:
        read = _FLAGS[method].FromString(request) if isinstance(request, bytes) else request
    except DecodeError as error:
        raise InvalidInput.at("request", "is no message of the type the method takes") from error
    return bool(getattr(read, FLAG))
