"""Passwords of accounts: made from one secret, so that none is stored anywhere.

The digest is jupyterhub-hashauthenticator's. It is computed here because importing that
package loads the hub, which would make every ``sandlot`` command seconds slower; a test
holds the two together.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

SECRET_MINIMUM = 32
"""Length of the shortest secret that is accepted, in characters."""

_ROUNDS = 25_000
_DIGITS = 20
_GROUP = 5
_CANDIDATE_MAXIMUM = 200


def new_secret() -> str:
    """Return a new secret for the passwords of all accounts: 256 random bits, as text."""
    return secrets.token_hex(32)


def account_password(name: str, secret: str) -> str:
    """Return the password of one account: 80 bits, in groups that can be read aloud.

    The password of one account tells nothing about the secret or another account's.
    It changes when the secret does, and only then: an account that is removed and made
    again has the same one.

    Parameters
    ----------
    name
        The account's name, normalised.
    secret
        As `new_secret` returns it.
    """
    digits = hashlib.pbkdf2_hmac("sha256", name.encode(), secret.encode(), _ROUNDS).hex()[:_DIGITS]
    return "-".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


def is_password(candidate: str, password: str) -> bool:
    """Return whether somebody typed the password, in a time that does not tell how nearly.

    Spaces, hyphens and capitals make no difference: they carry nothing of its strength.
    """
    if len(candidate) > _CANDIDATE_MAXIMUM:
        return False
    return hmac.compare_digest(
        _digits(candidate).encode("utf-8", "replace"), _digits(password).encode()
    )


def _digits(text: str) -> str:
    return "".join(text.split()).replace("-", "").lower()
