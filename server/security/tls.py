"""Encrypted connections: the server's certificates, which may be renewed while it runs, and the clients'."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc

from router.errors import InvalidConfig
from server.logs import event

CA_VARIABLE = "SOURCIER_CA"
CERTIFICATE_VARIABLE = "SOURCIER_CERTIFICATE"
KEY_VARIABLE = "SOURCIER_KEY"
TOKEN_FILE_VARIABLE = "SOURCIER_TOKEN_FILE"
LOCAL = ("localhost:", "127.0.0.1:", "[::1]:", "unix:")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files. client_ca: None where clients need no certificate."""

    certificate: Path
    key: Path
    client_ca: Path | None

    def paths(self) -> tuple[Path, ...]:
        return (self.certificate, self.key, *(() if self.client_ca is None else (self.client_ca,)))


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Read again whenever a file has changed; what cannot be read leaves those in force. Raises InvalidConfig
    for files that cannot be read at first."""
    seen = _marks(files)
    try:
        first = _configuration(files)
    except OSError as error:
        raise InvalidConfig.at("security.tls", f"{error.filename}: {error.strerror}") from error

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal seen
        marks = _marks(files)
        if marks == seen:
            return None
        seen = marks
        try:
            found = _configuration(files)
        except OSError as error:
            event("certificates_failed", level=logging.ERROR, file=error.filename, reason=error.strerror)
            return None
        event("certificates_renewed", file=files.certificate)
        return found

    # None stands for no change, which the stubs do not know.
    told = cast(Callable[[], grpc.ServerCertificateConfiguration], renewed)
    return grpc.dynamic_ssl_server_credentials(first, told, files.client_ca is not None)


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    pair = (files.key.read_bytes(), files.certificate.read_bytes())
    roots = None if files.client_ca is None else files.client_ca.read_bytes()
    return grpc.ssl_server_certificate_configuration([pair], roots)


def _marks(files: TlsFiles) -> list[tuple[int, int] | None]:
    def mark(path: Path) -> tuple[int, int] | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    return [mark(path) for path in files.paths()]


def open_channel(target: str, environ: Mapping[str, str] | None = None) -> grpc.Channel:
    """To a server, as the environment says: SOURCIER_CA (a file of roots: TLS), SOURCIER_CERTIFICATE and
    SOURCIER_KEY (mutual TLS), SOURCIER_TOKEN_FILE (a bearer token, over TLS or to this host only). Raises
    InvalidConfig."""
    environ = os.environ if environ is None else environ
    # Whoever asks wants the answer, however large; by default gRPC refuses what exceeds 4 MiB.
    options = [("grpc.max_receive_message_length", -1)]
    ca, certificate, key = (
        _read(environ, name) for name in (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
    )
    token = _read(environ, TOKEN_FILE_VARIABLE)
    if (certificate is None) != (key is None) or (certificate is not None and ca is None):
        raise InvalidConfig.at(CERTIFICATE_VARIABLE, f"needs {CA_VARIABLE} and {KEY_VARIABLE} beside it")
    if ca is None:
        if token is not None and not target.startswith(LOCAL):
            raise InvalidConfig.at(TOKEN_FILE_VARIABLE, f"a token goes over TLS only: set {CA_VARIABLE}")
        channel = grpc.insecure_channel(target, options)
    else:
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, certificate), options)
    if token is None:
        return channel
    return grpc.intercept_channel(channel, _Bearer(token.decode().strip()))


def _read(environ: Mapping[str, str], name: str) -> bytes | None:
    path = environ.get(name)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidConfig.at(name, f"{path!r} cannot be read: {error.strerror}") from error


class _Bearer(grpc.UnaryUnaryClientInterceptor):
    """Adds the token to every call."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation, details, request):  # type: ignore[no-untyped-def]
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)
