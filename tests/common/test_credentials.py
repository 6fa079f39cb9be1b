"""Encrypted credentials: what opens them, what does not, and how keys are replaced."""

import pytest

from apps.common.credentials import (
    Credentials,
    UnreadableCredentialsError,
    decrypt_credentials,
    encrypt_credentials,
    is_sealed_by_former_key,
    reencrypt_credentials,
)

FIRST, SECOND = "first-key-0123456789-0123456789-01", "second-key-0123456789-0123456789-01"
VALUES = {"client_secret": "zß-very-secret"}


@pytest.fixture(autouse=True)
def keys(settings):
    settings.CREDENTIAL_KEYS = [FIRST]


def test_the_purpose_opens_what_it_sealed():
    sealed = encrypt_credentials(VALUES, purpose="cloud account 1")

    assert (
        decrypt_credentials(sealed, purpose="cloud account 1")["client_secret"]
        == (VALUES["client_secret"])
    )
    assert "secret" not in sealed


def test_a_text_copied_to_another_row_does_not_open():
    sealed = encrypt_credentials(VALUES, purpose="cloud account 1")

    with pytest.raises(UnreadableCredentialsError):
        decrypt_credentials(sealed, purpose="cloud account 2")


def test_a_former_key_opens_and_is_replaced(settings):
    sealed = encrypt_credentials(VALUES, purpose="p")
    settings.CREDENTIAL_KEYS = [SECOND, FIRST]

    assert is_sealed_by_former_key(sealed)
    renewed = reencrypt_credentials(sealed)
    settings.CREDENTIAL_KEYS = [SECOND]

    assert decrypt_credentials(renewed, purpose="p")["client_secret"] == VALUES["client_secret"]
    assert not is_sealed_by_former_key(renewed)


@pytest.mark.parametrize("sealed", ["", "gAAAA", "not base64 ä", "x" * 200])
def test_what_no_key_opens_is_a_sentence(sealed):
    with pytest.raises(UnreadableCredentialsError, match="Enter the credentials again"):
        decrypt_credentials(sealed, purpose="p")
    with pytest.raises(UnreadableCredentialsError):
        reencrypt_credentials(sealed)
    assert is_sealed_by_former_key(sealed)


def test_a_wrong_key_is_a_sentence(settings):
    sealed = encrypt_credentials(VALUES, purpose="p")
    settings.CREDENTIAL_KEYS = [SECOND]

    with pytest.raises(UnreadableCredentialsError, match="CREDENTIAL_KEYS"):
        decrypt_credentials(sealed, purpose="p")


def test_without_the_setting_the_keys_follow_secret_key(settings):
    settings.CREDENTIAL_KEYS = []
    sealed = encrypt_credentials(VALUES, purpose="p")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another one"

    assert decrypt_credentials(sealed, purpose="p").names == {"client_secret"}
    assert is_sealed_by_former_key(sealed)

    settings.CREDENTIAL_KEYS = [FIRST]
    assert decrypt_credentials(sealed, purpose="p").names == {"client_secret"}


def test_no_text_of_the_object_has_a_value():
    credentials = Credentials(VALUES)

    for text in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]!r}"):
        assert "zß" not in text
    assert "the key zß-very-secret is wrong" in credentials
    assert "the key is wrong" not in credentials
