"""How commands reach a server: in the clear, or encrypted, with a certificate or a token."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from router.errors import InvalidConfig

CA_VARIABLE = "SOURCIER_CA"
CERTIFICATE_VARIABLE = "SOURCIER_CERTIFICATE"
KEY_VARIABLE = "SOURCIER_KEY"
TOKEN_FILE_VARIABLE = "SOURCIER_TOKEN_FILE"
LOCAL = ("localhost:", "127.0.0.1:", "[::1]:", "unix:")


@dataclass(frozen=True, slots=True)
class Connection:
    """Files, each of which may be missing. ca: roots in PEM, and TLS. cert, key: the caller's own, in PEM
    (mutual TLS). token_file: has a bearer token."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token_file: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Connection:
        """As the environment says."""
        names = (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE, TOKEN_FILE_VARIABLE)
        return cls(*(Path(environ[name]) if environ.get(name) else None for name in names))


CURRENT: ContextVar[Connection | None] = ContextVar("connection", default=None)
"""Of the command that runs, if one does."""


def use_connection(
    context: typer.Context,
    ca: Annotated[
        Path | None, typer.Option(envvar=CA_VARIABLE, help="Roots of the server's certificate, PEM: TLS.")
    ] = None,
    cert: Annotated[
        Path | None, typer.Option(envvar=CERTIFICATE_VARIABLE, help="Your certificate, PEM: mutual TLS.")
    ] = None,
    key: Annotated[Path | None, typer.Option(envvar=KEY_VARIABLE, help="Its private key, PEM.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(envvar=TOKEN_FILE_VARIABLE, help="A file with a bearer token.")
    ] = None,
) -> None:
    """Decide where orders come from. Exit codes and examples: docs/cli.md."""
    before = CURRENT.set(Connection(ca, cert, key, token_file))
    context.call_on_close(lambda: CURRENT.reset(before))


def open_channel(target: str, connection: Connection | None = None) -> grpc.Channel:
    """To a server, by default as the options of the command say, else the environment. A token goes over TLS
    or to this host only. Raises InvalidConfig."""
    chosen = connection or CURRENT.get() or Connection.of(os.environ)
    # Whoever asks wants the answer, however large; by default gRPC refuses what exceeds 4 MiB.
    options = [("grpc.max_receive_message_length", -1)]
    ca, certificate, key = _read("--ca", chosen.ca), _read("--cert", chosen.cert), _read("--key", chosen.key)
    token = _read("--token-file", chosen.token_file)
    if (certificate is None) != (key is None) or (certificate is not None and ca is None):
        raise InvalidConfig.at("--cert", "needs --ca and --key beside it")
    if ca is None:
        if token is not None and not target.startswith(LOCAL):
            raise InvalidConfig.at("--token-file", "a token goes over TLS only: state --ca")
        channel = grpc.insecure_channel(target, options)
    else:
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, certificate), options)
    if token is None:
        return channel
    return grpc.intercept_channel(channel, _Bearer(token.decode(errors="replace").strip()))


def _read(option: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidConfig.at(option, f"{str(path)!r} cannot be read: {error.strerror}") from error


class _Bearer(grpc.UnaryUnaryClientInterceptor):
    """Adds the token to every call."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)
