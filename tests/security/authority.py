"""Certificates and tokens of authorities that exist for a test only."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates of servers and clients."""

    def __init__(self, name: str = "Test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = _builder(self._name, self._name, self._key.public_key(), now - HOUR, now + HOUR)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, common_name: str, *, expired: bool = False) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        begin, end = (now - 2 * HOUR, now - HOUR) if expired else (now - HOUR, now + HOUR)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        made = _builder(self._name, name, key.public_key(), begin, end).add_extension(names, critical=False)
        signed = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return Pair(signed, private_pem(key))


def _builder(issuer: Any, subject: Any, key: Any, begin: Any, end: Any) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


class Issuer:
    """Signs tokens. key_id: named by them; none: they name no key."""

    def __init__(self, key_id: str = "") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._headers = {"kid": key_id} if key_id else {}

    @property
    def public_pem(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a member of a JSON Web Key Set."""
        made: dict[str, Any] = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return made | self._headers

    def token(self, *roles: str, **claims: Any) -> str:
        now = datetime.datetime.now(datetime.UTC)
        plain = {
            "sub": "anna", "iss": "shop", "aud": "sourcier", "exp": now + HOUR, "roles": list(roles)
        }  # fmt: skip
        kept = {name: value for name, value in (plain | claims).items() if value is not None}
        return jwt.encode(kept, self._key, algorithm="ES256", headers=self._headers)


def write_pair(folder: Path, name: str, pair: Pair) -> tuple[Path, Path]:
    files = folder / f"{name}.pem", folder / f"{name}.key"
    for file, content in zip(files, (pair.certificate, pair.key), strict=True):
        file.write_bytes(content)
    return files
