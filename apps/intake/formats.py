"""The kinds of documents that become observations; a further one is its reader and a line here.

`csv` and `xlsx` have a way of their own (sheets/), evaluation results become evidence one floor up
(apps/risks), and calls come through the doors of calls/.
"""

from apps.intake.documents import Format
from apps.intake.readers import (
    backstage,
    cyclonedx,
    deployments,
    litellm_config,
    spdx,
    terraform,
    usage,
)

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

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            "cyclonedx",
            "CycloneDX bill of materials",
            cyclonedx.read,
            _CYCLONEDX,
            natural_key=cyclonedx.natural_key_of,
        ),
        Format("spdx", "SPDX bill of materials", spdx.read, _SPDX),
        Format(
            "litellm-config",
            "LiteLLM proxy configuration",
            litellm_config.read,
            _YAML,
            most_bytes=_MIB,
            most_inflated=2 * _MIB,
            redact=litellm_config.redact,
        ),
        Format(
            "backstage",
            "Backstage catalogue",
            backstage.read,
            _YAML,
            most_bytes=5 * _MIB,
            most_inflated=20 * _MIB,
        ),
        Format(
            "azure-deployments",
            "Azure deployments",
            deployments.read_azure,
            _JSON,
            redact=deployments.redact_azure,
            holds_for_all=True,
        ),
        Format(
            "bedrock-profiles",
            "Bedrock inference profiles",
            deployments.read_bedrock,
            _JSON,
            redact=deployments.redact_bedrock,
            holds_for_all=True,
        ),
        Format(
            "terraform",
            "Terraform state",
            terraform.read,
            _JSON,
            redact=terraform.redact,
            holds_for_all=True,
        ),
        Format("usage", "Usage by day, CSV", usage.read, _CSV, most_bytes=20 * _MIB),
    )
}
