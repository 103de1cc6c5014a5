"""Encrypted connections: the server's certificates, which may be renewed while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from router.errors import InvalidConfig
from server.security.watched import Watched


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files. client_ca: None where clients need no certificate."""

    certificate: Path
    key: Path
    client_ca: Path | None

    def paths(self) -> tuple[Path, ...]:
        return (self.certificate, self.key, *(() if self.client_ca is None else (self.client_ca,)))


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Read again whenever a file has changed; what cannot be used leaves those in force. Raises InvalidConfig
    for files that cannot be used at first."""
    watched = Watched("certificates", files.paths(), lambda: _configuration(files))
    last = first = watched.value()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal last
        before, last = last, watched.value()
        return None if last is before else last

    # None stands for no change, which the stubs do not know.
    told = cast(Callable[[], grpc.ServerCertificateConfiguration], renewed)
    return grpc.dynamic_ssl_server_credentials(first, told, files.client_ca is not None)


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    """Raises InvalidConfig; no word of a key is repeated."""
    chain, key = _read("certificate", files.certificate), _read("key", files.key)
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as error:
        raise _unusable("certificate", "is no certificate in PEM") from error
    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable("key", "is no private key in PEM without a password") from error
    if private.public_key() != certificate.public_key():
        raise _unusable("key", "is not that of the certificate")
    roots = None
    if files.client_ca is not None:
        roots = _read("client_ca", files.client_ca)
        try:
            x509.load_pem_x509_certificates(roots)
        except ValueError as error:
            raise _unusable("client_ca", "has no certificate in PEM") from error
    return grpc.ssl_server_certificate_configuration([(key, chain)], roots)


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(name, f"{str(path)!r} cannot be read: {error.strerror}") from error


def _unusable(name: str, what: str) -> InvalidConfig:
    return InvalidConfig.at(f"security.tls.{name}", what)
