"""Tokens as Zendesk signs them, and as somebody else would; by hand, so that nothing is refused to
be made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(header: dict[str, Any], claims: Any) -> str:
    return ".".join(b64(json.dumps(part).encode()) for part in (header, claims))


def rs256(key: rsa.RSAPrivateKey, claims: Any, **header: Any) -> str:
    text = unsigned({"alg": "RS256", "typ": "JWT", **header}, claims)
    return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def hs256(secret: bytes, claims: Any, **header: Any) -> str:
    text = unsigned({"alg": "HS256", "typ": "JWT", **header}, claims)
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"
