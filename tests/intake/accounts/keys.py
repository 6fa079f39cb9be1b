"""A key of a service account, made for this run."""

import json

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

RSA_KEY = generate_private_key(65537, 2048)
PRIVATE_KEY = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SERVICE_ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "client_email": "reader@claims-1.iam.gserviceaccount.com",
        "private_key": PRIVATE_KEY,
        "private_key_id": "key-1",
        # an attacker who supplies a key file must not choose where the assertion is sent
        "token_uri": "http://169.254.169.254/token",
    }
)
