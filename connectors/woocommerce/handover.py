"""The shop's own way to hand over keys: its owner agrees on a page of the shop, which then posts
the keys to us and sends the owner back.

https://woocommerce.github.io/woocommerce-rest-api-docs/#rest-api-keys. The post is not signed:
anybody may send keys of some shop to our address. So `user_id`, which the shop repeats, is a random
text made for this one hand-over, kept with the person who began it and good for once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from connectors import signing
from core.errors import AmendsError
from core.ports import Malformed, Unverified

_KEY = re.compile(r"ck_[0-9a-f]{40}", re.ASCII)
_SECRET = re.compile(r"cs_[0-9a-f]{40}", re.ASCII)
_STATE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SIZE_MAX = 4096
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class BadAddress(AmendsError):
    """The shop's or our own address cannot be used for a hand-over of keys."""


def authorize_url(shop: str, *, state: str, callback_url: str, return_url: str) -> str:
    """Where to send the shop's owner. Raises `BadAddress`.

    state: 256 random bits, kept with the person who begins and compared in `keys_of`.
    callback_url: where the shop posts the keys; it insists on https (a stand-in on this machine
    does not). return_url: where the owner comes back to, with `success=1` or `success=0`.
    """
    parts = urlsplit(shop)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        raise BadAddress("write the shop's address as in https://shop.example")
    callback = urlsplit(callback_url)
    if callback.scheme != "https" and callback.hostname not in _LOOPBACK:
        raise BadAddress("the shop sends keys only to an https address; set public_url to one")
    asked = {
        "app_name": "Amends",
        "scope": "read_write",
        "user_id": state,
        "return_url": return_url,
        "callback_url": callback_url,
    }
    return f"{shop.rstrip('/')}/wc-auth/v1/authorize?{urlencode(asked)}"


def keys_of(body: bytes, *, state: str) -> Mapping[str, str]:
    """The settings in a shop's post: `consumer_key` and `consumer_secret`.

    Raises `Malformed`; `Unverified` where it does not belong to the hand-over of `state`, or the
    keys may not do what was asked for.
    """
    said = signing.read_json(body, size_max=_SIZE_MAX, depth_max=4)
    if not isinstance(said, dict):
        raise Malformed("the body is not a JSON object")
    if not _STATE.fullmatch(state):
        raise Unverified("no hand-over of keys has begun")
    signing.check_secret(str(said.get("user_id")), [state])
    key, secret = said.get("consumer_key"), said.get("consumer_secret")
    if not isinstance(key, str) or not isinstance(secret, str):
        raise Malformed("the keys are missing")
    if _KEY.fullmatch(key) is None or _SECRET.fullmatch(secret) is None:
        raise Malformed("the keys are not of the form WooCommerce's keys have")
    if said.get("key_permissions") != "read_write":
        raise Unverified("the keys do not allow to read and write")
    return {"consumer_key": key, "consumer_secret": secret}
