"""The stubs are what proto/generate.sh writes, and the contract says what everything in it means."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.rpc.status_pb2
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "proto"
STUBS = Path("server/api/sourcing/v1")


def test_the_stubs_are_what_the_contract_makes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "OUT": str(tmp_path)}
    subprocess.run([PROTO / "generate.sh"], env=environment, check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in (tmp_path / STUBS).iterdir()}
    kept = {path.name: path.read_bytes() for path in (ROOT / STUBS).glob("*_pb2*")}
    assert sorted(made) == sorted(kept)
    assert len(made) == 4 * len(list(PROTO.rglob("*.proto")))
    assert [name for name in made if made[name] != kept[name]] == [], "run `make proto`"


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    """The files of the contract, with their comments."""
    out = tmp_path_factory.mktemp("contract") / "contract.bin"
    common = Path(google.rpc.status_pb2.__file__).parents[2]
    files = [str(path.relative_to(PROTO)) for path in sorted(PROTO.rglob("*.proto"))]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTO), "-I", str(common)]
    options = ["--include_source_info", f"--descriptor_set_out={out}"]
    subprocess.run([*command, *options, *files], check=True, capture_output=True)
    return list(descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file)


PARTS = {
    "FileDescriptorProto": ("message_type", "enum_type", "service"),
    "DescriptorProto": ("field", "nested_type", "enum_type"),
    "EnumDescriptorProto": ("value",),
    "ServiceDescriptorProto": ("method",),
}


def named(part: Any, name: str, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Everything with a name inside ``part``, with its path as source locations have it."""
    kind = part.DESCRIPTOR
    for field in PARTS.get(kind.name, ()):
        for ix, inner in enumerate(getattr(part, field)):
            here = (*path, kind.fields_by_name[field].number, ix)
            yield f"{name}.{inner.name}", here
            yield from named(inner, f"{name}.{inner.name}", here)


def uncommented(file: FileDescriptorProto) -> list[str]:
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    return [name for name, path in named(file, file.package, ()) if not comments.get(path, "").strip()]


def test_everything_public_is_commented(contract: list[FileDescriptorProto]) -> None:
    assert [name for file in contract for name in uncommented(file)] == []
    names = {name for file in contract for name, _ in named(file, file.package, ())}
    assert "sourcing.v1.Certificate.Kind.EXACT" in names
    assert "sourcing.v1.StockService.SetStock" in names
    assert "sourcing.v1.Destination.postal_code" in names


def test_a_missing_comment_is_seen(contract: list[FileDescriptorProto]) -> None:
    file = next(file for file in contract if file.name.endswith("sourcing.proto"))
    names = dict(named(file, file.package, ()))
    wanted = names["sourcing.v1.Order.order_id"]
    for place in file.source_code_info.location:
        if tuple(place.path) == wanted:
            changed = FileDescriptorProto()
            changed.CopyFrom(file)
            for copy in changed.source_code_info.location:
                if tuple(copy.path) == wanted:
                    copy.leading_comments = ""
    assert uncommented(changed) == ["sourcing.v1.Order.order_id"]


def test_quantities_carry_their_unit_and_a_sign(contract: list[FileDescriptorProto]) -> None:
    """No unsigned integers, and no floating point but for degrees."""
    kinds = descriptor_pb2.FieldDescriptorProto
    unsigned = {kinds.TYPE_UINT32, kinds.TYPE_UINT64, kinds.TYPE_FIXED32, kinds.TYPE_FIXED64}
    floating = {kinds.TYPE_DOUBLE, kinds.TYPE_FLOAT}
    fields = [field for file in contract for message in file.message_type for field in message.field]
    assert [field.name for field in fields if field.type in unsigned] == []
    assert {field.name for field in fields if field.type in floating} == {"latitude", "longitude"}


def test_every_call_has_messages_of_its_own(contract: list[FileDescriptorProto]) -> None:
    """A request or response shared by two calls could not grow for one of them; a resource may
    be the answer itself."""
    for file in contract:
        for service in file.service:
            for method in service.method:
                assert method.input_type == f".sourcing.v1.{method.name}Request"
                own = f".sourcing.v1.{method.name}Response"
                assert method.output_type in {own, ".sourcing.v1.Reservation", ".sourcing.v1.NodeState"}
