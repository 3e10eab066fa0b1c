"""A certificate authority that nobody trusts but who is told to."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """As PEM files, and as the key itself; `certificate` is what the others are about."""

    certificate: x509.Certificate
    key: RSAPrivateKey
    file: Path
    key_file: Path


def make_authority(folder: Path) -> Certificate:
    key, name = _new_key(), _name("an authority of the lab")
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    return _saved(folder, "authority", key, _signed(name, key, constraints, name, key))


def make_certificate(folder: Path, authority: Certificate, *names: str) -> Certificate:
    """For a server of these names, of which IP addresses are some, or for signing in general."""
    key = _new_key()
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    places = x509.SubjectAlternativeName([_place(name) for name in names])
    issuer = authority.certificate.subject
    made = _signed(_name(names[0]), key, constraints, issuer, authority.key, places)
    return _saved(folder, "certificate", key, made)


def _place(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _signed(
    subject: x509.Name,
    key: RSAPrivateKey,
    constraints: x509.BasicConstraints,
    issuer: x509.Name,
    issuer_key: RSAPrivateKey,
    *more: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    serial = x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial)
    builder = builder.not_valid_before(now - LIFETIME).not_valid_after(now + LIFETIME)
    builder = builder.add_extension(constraints, critical=True)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, SHA256())


def _saved(
    folder: Path, stem: str, key: RSAPrivateKey, certificate: x509.Certificate
) -> Certificate:
    folder.mkdir(parents=True, exist_ok=True)
    file, key_file = folder / f"{stem}.pem", folder / f"{stem}.key"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Certificate(certificate, key, file, key_file)


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
