"""What a user enters for an account of each kind."""

from datetime import UTC, datetime
from typing import Any

from tests.intake.accounts.cloud import SUBSCRIPTION
from tests.intake.accounts.keys import SERVICE_ACCOUNT

AT = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
MARKER = "zqsecretqz"
SECRETS: dict[str, dict[str, str]] = {
    "azure": {"client_secret": f"{MARKER}-azure"},
    "bedrock": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": f"{MARKER}-aws"},
    "vertex": {"service_account": SERVICE_ACCOUNT},
    "openai": {"admin_key": f"{MARKER}-openai-admin", "api_key": f"{MARKER}-openai"},
    "anthropic": {"admin_key": f"{MARKER}-anthropic-admin", "api_key": f"{MARKER}-anthropic"},
    "mistral": {"api_key": f"{MARKER}-mistral"},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "azure": {"tenant": "tenant-1", "client": "client-1", "subscription": SUBSCRIPTION},
    "bedrock": {"regions": ["eu-central-1"]},
    "vertex": {"project": "claims-1", "regions": ["europe-west4"]},
    "openai": {},
    "anthropic": {},
    "mistral": {},
}
