"""Encryption of credentials for other systems, with keys that can be replaced.

A sealed text is a Fernet token (AES-128-CBC and HMAC-SHA-256) of `cryptography`. The first key of
CREDENTIAL_KEYS seals; all of them open. Without that setting the keys are derived from SECRET_KEY
and SECRET_KEY_FALLBACKS.

Each sealed text names its purpose, such as the row that it belongs to, so that a text copied into
another row does not open there."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.db import models

# separates these keys from the others that are derived from SECRET_KEY
_PURPOSE = b"foundation registry: credentials for other systems"


class UnreadableCredentialsError(Exception):
    """The credentials cannot be decrypted with the configured keys; the text is a sentence for
    users."""

    def __init__(self) -> None:
        super().__init__(
            "The stored credentials cannot be decrypted, because the key with which they were "
            "encrypted is not configured. Enter the credentials again, or ask the operator to add "
            "the former key to CREDENTIAL_KEYS."
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """Decrypted credentials by name. They are in no text of this object: neither `repr` nor a
    traceback with values shows them."""

    _values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")

    def __contains__(self, text: object) -> bool:
        """Return whether a text contains one of the values."""
        return isinstance(text, str) and any(
            value in text for value in self._values.values() if value
        )

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, value in self._values.items() if value)


def encrypt_credentials(values: Mapping[str, str], *, purpose: str) -> str:
    """Return the sealed text of the values."""
    content = json.dumps({"purpose": purpose, "values": dict(values)}, ensure_ascii=False)
    return _fernet().encrypt(content.encode()).decode("ascii")


def decrypt_credentials(sealed: str, *, purpose: str) -> Credentials:
    """Open a sealed text. Raises UnreadableCredentialsError if no key fits, or if it was sealed for
    another purpose."""
    try:
        content = json.loads(_fernet().decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        raise UnreadableCredentialsError from None
    if content["purpose"] != purpose:
        raise UnreadableCredentialsError
    return Credentials(content["values"])


def is_sealed_by_former_key(sealed: str) -> bool:
    """Return whether another key than the first one opens the text."""
    try:
        _first_fernet().decrypt(sealed.encode())
    except (InvalidToken, ValueError):
        return True
    return False


def reencrypt_credentials(sealed: str) -> str:
    """Return the text sealed with the first key. Raises UnreadableCredentialsError if no key
    fits."""
    try:
        return _fernet().rotate(sealed.encode()).decode("ascii")
    except (InvalidToken, ValueError):
        raise UnreadableCredentialsError from None


def open_stored_credentials(row: Any, *, purpose: str) -> Credentials:
    """Decrypt the text of a row with the columns `sealed`, `names` and `set_at`, and write it
    encrypted with the first key if a former one opened it. Raises UnreadableCredentialsError."""
    credentials = decrypt_credentials(row.sealed, purpose=purpose)
    if is_sealed_by_former_key(row.sealed):
        # unless other secrets were entered meanwhile; the history compares no column that this
        # changes
        type(row)._default_manager.filter(pk=row.pk, sealed=row.sealed).update(
            sealed=reencrypt_credentials(row.sealed)
        )
    return credentials


def read_former_values(row: Any | None, *, purpose: str) -> dict[str, str]:
    """Return the secrets of a row by name, for values that are entered for some of them; none if
    there is no row or no key opens its text."""
    if row is None:
        return {}
    try:
        credentials = decrypt_credentials(row.sealed, purpose=purpose)
    except UnreadableCredentialsError:
        return {}
    return {name: credentials[name] for name in credentials.names}


def store_credentials[M: models.Model](
    model: type[M], values: Mapping[str, str], *, purpose: str, at: datetime, **owner: Any
) -> M:
    """Store the secrets of a record, encrypted, in place of all former ones; return the row. The
    caller has the permission, a lock on the record and an audit context."""
    row, _ = model._default_manager.update_or_create(
        **owner,
        defaults={
            "sealed": encrypt_credentials(values, purpose=purpose),
            "names": sorted(values),
            "set_at": at,
        },
    )
    return row


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column with sealed texts. `model` is app label and name, `owner` the lookup path to the
    name of the record to which a text belongs."""

    model: str
    column: str
    owner: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """Result of a rotation; `unreadable` are the names of records whose text no key opens."""

    n_renewed: int
    n_current: int
    unreadable: tuple[str, ...]


_SEALED_COLUMNS: list[SealedColumn] = []


def declare_sealed_column(model: str, column: str, *, owner: str) -> None:
    """Declare a column with sealed texts, which `rotate_credentials` then keeps readable."""
    sealed_column = SealedColumn(model, column, owner)
    if sealed_column not in _SEALED_COLUMNS:
        _SEALED_COLUMNS.append(sealed_column)


@dataclass(frozen=True, slots=True)
class CredentialsState:
    """How the configured keys fit the stored texts: the names of records whose text no key opens,
    and the number of texts that only a former key opens."""

    unreadable: tuple[str, ...]
    n_former: int


def check_stored_credentials() -> CredentialsState:
    """Try the configured keys on the texts of all declared columns; changes nothing."""
    unreadable: list[str] = []
    n_former = 0
    for declared in _SEALED_COLUMNS:
        model: Any = apps.get_model(declared.model)
        rows = model._default_manager.order_by("pk")
        for sealed, owner in rows.values_list(declared.column, declared.owner):
            if not is_sealed_by_former_key(sealed):
                continue
            try:
                reencrypt_credentials(sealed)
            except UnreadableCredentialsError:
                unreadable.append(owner)
            else:
                n_former += 1
    return CredentialsState(tuple(unreadable), n_former)


def rotate_credentials() -> Rotation:
    """Encrypt the texts of all declared columns with the first key."""
    n_renewed = n_current = 0
    unreadable: list[str] = []
    for declared in _SEALED_COLUMNS:
        model: Any = apps.get_model(declared.model)
        rows = model._default_manager.order_by("pk")
        for pk, sealed, owner in rows.values_list("pk", declared.column, declared.owner):
            if not is_sealed_by_former_key(sealed):
                n_current += 1
                continue
            try:
                renewed = reencrypt_credentials(sealed)
            except UnreadableCredentialsError:
                unreadable.append(owner)
                continue
            # unless other secrets were entered meanwhile
            n_renewed += rows.filter(pk=pk, **{declared.column: sealed}).update(
                **{declared.column: renewed}
            )
    return Rotation(n_renewed, n_current, tuple(unreadable))


def _fernet() -> MultiFernet:
    return MultiFernet([_derive_fernet(key) for key in _key_texts()])


def _first_fernet() -> Fernet:
    return _derive_fernet(_key_texts()[0])


def _key_texts() -> list[str]:
    """Return the key texts, the one that seals first. Those of SECRET_KEY also open if
    CREDENTIAL_KEYS is set later, so that setting it needs no rotation first."""
    return [
        *settings.CREDENTIAL_KEYS,
        str(settings.SECRET_KEY),
        *map(str, settings.SECRET_KEY_FALLBACKS),
    ]


def _derive_fernet(text: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derive.derive(text.encode())))
