"""Certificates for an hour of tests: an authority, and servers that it vouches for."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VALID = dt.timedelta(days=2)
"""Longer than any run, and than a developer keeps a cluster over night."""


class Authority:
    """A certificate authority of its own, kept in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("sandlot-test-cluster")
        usage = _usage(signs_certificates=True)
        self._certificate = (
            self._begin(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """The authority's certificate, for whoever shall trust it."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def write_server(
        self, folder: Path, name: str, *, addresses: Iterable[str] = (), hosts: Iterable[str] = ()
    ) -> tuple[Path, Path]:
        """Write ``NAME.crt`` and ``NAME.key`` for a server at these; return both paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        others: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(address)) for address in addresses
        ]
        others += [x509.DNSName(host) for host in hosts]
        certificate = (
            self._begin(_name(name), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        written = folder / f"{name}.crt", folder / f"{name}.key"
        written[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        written[1].write_bytes(private_pem(key))
        return written

    def _begin(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + VALID)
            # Python 3.13 refuses certificates without these two.
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(issuer, critical=False)
        )


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as a PEM file holds it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        # Kubernetes reads the key of service accounts in this format only.
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def write_signing_key(path: Path) -> None:
    """Write the key with which the API server signs the tokens of service accounts."""
    path.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
