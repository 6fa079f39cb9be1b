"""Document formats that become observations; a new one needs a reader and an entry here.

Senders can send those of `FORMATS`. `ALL_FORMATS` also has those that the registry writes itself.

`csv` and `xlsx` are read by spreadsheets/, evaluation results become evidence in apps/risks, and
calls arrive at the endpoints of telemetry/."""

from collections import ChainMap
from collections.abc import Mapping

from apps.intake.documents.records import DocumentFormat
from apps.intake.readers import (
    backstage,
    cloud_account,
    deployments,
    litellm_config,
    spdx,
    terraform,
    usage,
)
from apps.intake.readers.cyclonedx import bill_of_materials
from apps.intake.readers.focus import reader as focus

_MIB = 1024 * 1024
_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "application/json")

_CYCLONEDX = (
    "application/vnd.cyclonedx+json",
    "application/vnd.cyclonedx+xml",
    "application/json",
    "application/xml",
    "text/xml",
)
_CSV = ("text/csv", "text/tab-separated-values", "application/csv", "application/vnd.ms-excel")
_JSON = ("application/json",)
_SPDX = ("application/spdx+json", "application/json", "application/ld+json")

FORMATS: dict[str, DocumentFormat] = {
    form.name: form
    for form in (
        DocumentFormat(
            "cyclonedx",
            "CycloneDX bill of materials",
            bill_of_materials.read_cyclonedx,
            _CYCLONEDX,
            natural_key=bill_of_materials.natural_key_of,
        ),
        DocumentFormat("spdx", "SPDX bill of materials", spdx.read_spdx, _SPDX),
        DocumentFormat(
            "litellm-config",
            "LiteLLM proxy configuration",
            litellm_config.read_litellm,
            _YAML,
            most_bytes=_MIB,
            most_inflated=2 * _MIB,
            redact=litellm_config.redact_litellm,
        ),
        DocumentFormat(
            "backstage",
            "Backstage catalogue",
            backstage.read_backstage,
            _YAML,
            most_bytes=5 * _MIB,
            most_inflated=20 * _MIB,
        ),
        DocumentFormat(
            "azure-deployments",
            "Azure deployments",
            deployments.read_azure,
            _JSON,
            redact=deployments.redact_azure,
            holds_for_all=True,
        ),
        DocumentFormat(
            "bedrock-profiles",
            "Bedrock inference profiles",
            deployments.read_bedrock,
            _JSON,
            redact=deployments.redact_bedrock,
            holds_for_all=True,
        ),
        DocumentFormat(
            "terraform",
            "Terraform state",
            terraform.read_terraform,
            _JSON,
            redact=terraform.redact_terraform,
            holds_for_all=True,
        ),
        DocumentFormat("usage", "Daily usage, CSV", usage.read_usage, _CSV, most_bytes=20 * _MIB),
        DocumentFormat(
            "focus",
            "Bill in the FOCUS format, CSV",
            focus.read_focus,
            _CSV,
            most_bytes=100 * _MIB,
            most_inflated=100 * _MIB,
            reduce=focus.reduce_focus,
        ),
    )
}

# the content of a cloud account, written by its pull
CLOUD_ACCOUNT = DocumentFormat(
    "cloud-account",
    "Cloud account",
    cloud_account.read_cloud_account,
    _JSON,
    natural_key=cloud_account.natural_key_of_account,
    holds_for_all=True,
)
ALL_FORMATS: Mapping[str, DocumentFormat] = ChainMap(FORMATS, {CLOUD_ACCOUNT.name: CLOUD_ACCOUNT})
