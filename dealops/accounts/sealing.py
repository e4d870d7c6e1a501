"""Secrets of others at rest: tokens of accounting, CRM and the like lie encrypted in the database (F94).

    from dealops.accounts.sealing import EncryptedTextField, seal, unseal

Keys come from ENCRYPTION_KEYS: the first one seals, every one opens. To change a key, put the new one in front, run
`manage.py reseal`, then drop the old one.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ValidationError
from django.db import models

MARK = "sealed:"


class Unreadable(Exception):
    """A secret that none of the keys opens. The message names the way out and never the secret."""


def seal(text: str) -> str:
    """`text` encrypted with the first key, marked and timestamped; twice the same text gives two different answers."""
    return MARK + _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again. Raises Unreadable when no key fits, or when the sealed text was tampered with."""
    try:
        return _box().decrypt(sealed.removeprefix(MARK).encode()).decode()
    except InvalidToken:
        raise Unreadable(
            "A stored secret cannot be opened with the keys in ENCRYPTION_KEYS. Add the key it was sealed with, or connect again."
        ) from None


def resealed(sealed: str) -> str:
    """The same secret under the first key. Raises Unreadable like `unseal`."""
    unseal(sealed)
    return MARK + _box().rotate(sealed.removeprefix(MARK).encode()).decode()


class EncryptedTextField(models.TextField):
    """Text that the database only ever holds sealed. In Python it is the plain text; NULL and the empty text stay as they are.

    Cannot be searched or ordered by: equal texts are sealed differently. Reading a row raises Unreadable when no key fits;
    `defer()` the field to read the rest. Dumps carry the sealed text, and loading one reads it back.
    """

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> str | None:
        text = super().get_prep_value(value)
        return seal(text) if text else text

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return unseal(value) if value else value

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(MARK):
            return value
        try:
            return unseal(value)
        except Unreadable as unreadable:
            raise ValidationError(str(unreadable)) from None

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be searched, only read.")
        return super().get_lookup(lookup_name)


def _box() -> MultiFernet:
    return _made_of(tuple(settings.ENCRYPTION_KEYS), (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _made_of(named: tuple[str, ...], secrets: tuple[str, ...]) -> MultiFernet:
    """With no key named (production refuses that), keys are derived from SECRET_KEY and its fallbacks."""
    return MultiFernet([Fernet(key) for key in named or [_derived(secret) for secret in secrets]])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"dealops at rest\0" + secret.encode()).digest())
