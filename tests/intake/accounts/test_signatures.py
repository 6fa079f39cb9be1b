"""Signatures, compared with the vectors that AWS publishes, and with the public key."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from apps.intake.accounts.clients.session import encode_query
from apps.intake.accounts.clients.signatures import (
    UnusableKeyError,
    sign_aws,
    sign_google_assertion,
)
from tests.intake.accounts.keys import PRIVATE_KEY, RSA_KEY

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
# AWS Signature Version 4 test suite (docs.aws.amazon.com/general/latest/gr/
# signature-v4-test-suite.html), as projects quote it; read on 29 November 2026
SCOPE = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
GET_VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def sign(url: str, method: str = "GET", body: bytes = b"", **facts: str) -> dict[str, str]:
    return sign_aws(
        method,
        url,
        body,
        access_key_id="AKIDEXAMPLE",
        secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region="us-east-1",
        service="service",
        at=AT,
        **facts,
    )


def test_get_vanilla_of_the_published_suite():
    headers = sign("https://example.amazonaws.com/")

    assert headers == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
        f"Signature={GET_VANILLA}",
    }


def test_parameters_are_signed_in_the_order_of_their_names():
    in_order = sign("https://example.amazonaws.com/?Param1=value1&Param2=value2")
    reversed_order = sign("https://example.amazonaws.com/?Param2=value2&Param1=value1")

    assert in_order == reversed_order
    # get-vanilla-query-order-key-case of the suite
    assert in_order["Authorization"].endswith(
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )


def test_method_body_port_and_session_token_change_the_signature():
    url = "https://example.amazonaws.com/"
    signatures = {
        sign(url)["Authorization"],
        sign(url, "POST")["Authorization"],
        sign(url, "POST", b"{}")["Authorization"],
        sign("https://example.amazonaws.com:8443/")["Authorization"],
        sign(url, session_token="token")["Authorization"],
    }

    assert len(signatures) == 5
    assert sign(url, session_token="token")["X-Amz-Security-Token"] == "token"


def test_a_query_has_the_strict_form():
    assert encode_query({"nextToken": "a+/= ~"}) == "nextToken=a%2B%2F%3D%20~"
    assert quote("a+/= ~", safe="-_.~") in encode_query({"nextToken": "a+/= ~"})


def test_the_assertion_of_a_service_account_verifies_with_its_public_key():
    assertion = sign_google_assertion(
        email="reader@example.com",
        private_key=PRIVATE_KEY,
        key_id="key-1",
        scope="scope",
        audience="https://oauth2.googleapis.com/token",
        at=AT,
    )
    header, claims, signature = assertion.split(".")

    RSA_KEY.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{header}.{claims}".encode(),
        PKCS1v15(),
        SHA256(),
    )
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "key-1",
    }
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert content["exp"] - content["iat"] == 1_800
    assert content["aud"] == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("pem", ["", "no key", PRIVATE_KEY[:200], "-----BEGIN PRIVATE KEY-----"])
def test_an_unusable_key_is_a_sentence_without_the_key(pem):
    with pytest.raises(UnusableKeyError, match="Create a new JSON key") as caught:
        sign_google_assertion(email="x", private_key=pem, key_id="", scope="s", audience="a", at=AT)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not pem or pem not in str(caught.value)
