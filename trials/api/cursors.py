"""Opaque places in a list: sealed, so that a client learns nothing from them and cannot make one.

A place in an audit chain is a number, and numbers tell how much happened at other sites. The text of a cursor is
therefore encrypted and authenticated. The same place always gives the same text (as in a synthetic initialisation
vector, RFC 5297), so that an answer in which nothing changed keeps its ETag.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256, shake_256
from typing import Any

import orjson
from django.conf import settings

from trials.records.domain.errors import DomainError, refuse

_TAG = 16
_LONGEST = 1000


def seal(purpose: str, *parts: object) -> str:
    """Return the text of a place; ``purpose`` names the list, and a cursor of one list opens no other."""
    plain = orjson.dumps(parts)
    key = _key(settings.SECRET_KEY, purpose)
    tag = _tag(key, plain)
    return base64.urlsafe_b64encode(tag + _mixed(key, tag, plain)).decode().rstrip("=")


def unseal(purpose: str, text: str) -> list[Any]:
    """Return the parts of a place; a text that this list did not give is refused."""
    sealed = _bytes(text)
    tag, mixed = sealed[:_TAG], sealed[_TAG:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = _key(secret, purpose)
        plain = _mixed(key, tag, mixed)
        if hmac.compare_digest(_tag(key, plain), tag):
            parts = orjson.loads(plain)
            return list(parts)
    raise _not_ours()


def _bytes(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise _not_ours()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as fault:
        raise _not_ours() from fault


def _key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), f"dayzero.cursor:{purpose}".encode(), sha256)


def _tag(key: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, b"tag" + plain, sha256)[:_TAG]


def _mixed(key: bytes, tag: bytes, text: bytes) -> bytes:
    stream = shake_256(key + tag).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))


def _not_ours() -> DomainError:
    return refuse(
        "cursor",
        expected="a cursor that this list gave",
        found="another text",
        action="Start again without a cursor.",
        where="cursor",
    )
