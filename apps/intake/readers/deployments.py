"""Deployment listings of Azure and Bedrock: the names an application requests, and the models
behind them.

Azure: `az cognitiveservices account deployment list`, one deployment of `… show`, or ARM's own
response with `value`. Bedrock: `aws bedrock list-inference-profiles`, of which the account's own
profiles count, and `aws bedrock list-provisioned-model-throughputs`. (learn.microsoft.com, Azure
CLI and ARM 2024-10-01; docs.aws.amazon.com, Amazon Bedrock API reference.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from apps.intake.documents.records import (
    DescribedDeployment,
    Document,
    SkippedPart,
    UnreadableError,
)
from apps.intake.readers.json_text import as_list, as_mapping, as_mappings, as_text, load_json

MAX_DEPLOYMENTS = 10_000
AZURE, BEDROCK = "azure", "amazon-bedrock"
NO_UPGRADE = "noautoupgrade"
_ACCOUNT_PATH = re.compile(r"/accounts/([^/]+)(?:/deployments/([^/]+))?", re.I)
_MODEL_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:[^/]*:foundation-model/([^/]+)$", re.I)
_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):(\d+):[a-z-]+/.+$", re.I)
_PROFILES, _THROUGHPUTS = "inferenceProfileSummaries", "provisionedModelSummaries"


# --- Azure ----------------------------------------------------------------------------------------


def read_azure(body: bytes) -> Document:
    """Read the deployments in the output of `az cognitiveservices account deployment list`. Failed
    or deleted ones are ignored."""
    document = Document(maker="az")
    for place, row in _list_azure_rows(load_json(body)):
        name = as_text(row.get("name"))
        properties = as_mapping(row.get("properties"))
        model = as_mapping(properties.get("model"))
        state = as_text(properties.get("provisioningState"))
        if not name or not as_text(model.get("name")):
            document.rejected.append(
                SkippedPart(place, "The deployment has no name or no properties.model.name.")
            )
        elif state.lower() in {"failed", "canceled", "deleting"}:
            document.ignored.append(
                SkippedPart(place, f"{name} has the state {state.lower()}: it does not respond.")
            )
        else:
            document.deployments.append(
                azure_deployment(
                    name,
                    model,
                    resource_id=as_text(row.get("id"), 1_000),
                    location=place,
                    upgrade_option=as_text(properties.get("versionUpgradeOption")),
                )
            )
    return document


def azure_deployment(
    name: str, model: Mapping[str, Any], *, resource_id: str, location: str, upgrade_option: str
) -> DescribedDeployment:
    """Return an Azure deployment; `resource_id` is the id of the account or of anything in it.

    Unless `upgrade_option` forbids it, Azure upgrades a deployment to newer versions by itself."""
    match = _ACCOUNT_PATH.search(resource_id)
    return DescribedDeployment(
        host=AZURE,
        account=match[1].lower() if match else "",
        name=name,
        model=as_text(model.get("name")),
        version=as_text(model.get("version"), 60),
        upgrades=upgrade_option.lower() != NO_UPGRADE,
        where=location,
    )


def redact_azure(body: bytes) -> bytes:
    """Return the listing with names, ids, models and upgrade options only: tags and networks are
    not stored."""
    deployments = [
        {
            "name": as_text(row.get("name")),
            "id": as_text(row.get("id"), 1_000),
            "properties": {
                "model": {
                    key: as_text(value)
                    for key, value in as_mapping(properties.get("model")).items()
                    if key in {"name", "version", "format"}
                },
                "versionUpgradeOption": as_text(properties.get("versionUpgradeOption")),
                "provisioningState": as_text(properties.get("provisioningState")),
            },
        }
        for _, row in _list_azure_rows(load_json(body))
        for properties in [as_mapping(row.get("properties"))]
    ]
    return orjson.dumps(deployments)


def _list_azure_rows(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (JSON pointer, deployment) pairs. Raise UnreadableError if the document is not a list
    of Azure deployments."""
    base = ""
    if isinstance(data, Mapping):
        rows, base = (
            (data["value"], "/value") if isinstance(data.get("value"), list) else ([data], "")
        )
    else:
        rows = data
    numbered_rows = list(enumerate(as_mappings(rows)))
    if not isinstance(rows, list) or (
        numbered_rows
        and not any("model" in as_mapping(row.get("properties")) for _, row in numbered_rows)
    ):
        raise UnreadableError(
            "The document is not a list of Azure deployments with a name and properties.model "
            "each. Send the output of `az cognitiveservices account deployment list --output "
            "json`."
        )
    _check_count(len(numbered_rows))
    for number, row in numbered_rows:
        yield f"{base}/{number}" if isinstance(data, list) or base else "/", row


# --- Bedrock --------------------------------------------------------------------------------------


def read_bedrock(body: bytes) -> Document:
    """Read the inference profiles and provisioned throughputs in the output of the aws command,
    except for system-defined profiles and custom models."""
    document = Document(maker="aws")
    data = _load_bedrock(body)
    for number, row in enumerate(as_mappings(data.get(_PROFILES))):
        location = f"/{_PROFILES}/{number}"
        if as_text(row.get("type")).upper() == "SYSTEM_DEFINED":
            # the id of a system-defined profile contains the model
            continue
        arns = [as_text(model.get("modelArn")) for model in as_mappings(row.get("models"))]
        add_bedrock_deployment(
            as_text(row.get("inferenceProfileArn")), arns, location=location, document=document
        )
    for number, row in enumerate(as_mappings(data.get(_THROUGHPUTS))):
        arns = [as_text(row.get("foundationModelArn"))]
        location = f"/{_THROUGHPUTS}/{number}"
        if as_text(row.get("modelArn")) not in {"", *arns}:
            document.ignored.append(
                SkippedPart(location, "It serves a custom model, which is not in the catalogue.")
            )
            continue
        add_bedrock_deployment(
            as_text(row.get("provisionedModelArn")), arns, location=location, document=document
        )
    return document


def add_bedrock_deployment(
    arn: str, model_arns: list[str], *, location: str, document: Document
) -> None:
    """Add the profile or throughput `arn` to the deployments of `document`, or to its skipped parts
    if `model_arns` (one per region) do not name exactly one model."""
    arn_match = _ARN.match(arn)
    models = {
        model_match[1].lower()
        for model_arn in model_arns
        if (model_match := _MODEL_ARN.match(model_arn))
    }
    if arn_match is None or not models:
        document.rejected.append(
            SkippedPart(location, "The profile has no ARN or no foundation model.")
        )
    elif len(models) > 1:
        document.ignored.append(
            SkippedPart(location, f"{arn} leads to several models: {', '.join(sorted(models))}.")
        )
    else:
        document.deployments.append(
            DescribedDeployment(
                host=BEDROCK,
                account=f"{arn_match[2]}/{arn_match[1]}".lower(),
                name=arn,
                model=models.pop(),
                where=location,
            )
        )


def redact_bedrock(body: bytes) -> bytes:
    """Return the body with only those fields that `read_bedrock` reads, so that nothing else is
    stored."""
    data = _load_bedrock(body)
    return orjson.dumps(
        {
            _PROFILES: [
                {
                    "inferenceProfileArn": as_text(row.get("inferenceProfileArn")),
                    "type": as_text(row.get("type")),
                    "models": [
                        {"modelArn": as_text(model.get("modelArn"))}
                        for model in as_mappings(row.get("models"))
                    ],
                }
                for row in as_mappings(data.get(_PROFILES))
            ],
            _THROUGHPUTS: [
                {
                    key: as_text(row.get(key))
                    for key in ("provisionedModelArn", "modelArn", "foundationModelArn")
                }
                for row in as_mappings(data.get(_THROUGHPUTS))
            ],
        }
    )


def _load_bedrock(body: bytes) -> Mapping[str, Any]:
    data = as_mapping(load_json(body))
    if not any(isinstance(data.get(key), list) for key in (_PROFILES, _THROUGHPUTS)):
        raise UnreadableError(
            "The document is not a list of Bedrock. Send the JSON output of `aws bedrock "
            "list-inference-profiles --type-equals APPLICATION` or `aws bedrock "
            "list-provisioned-model-throughputs`."
        )
    _check_count(len(as_list(data.get(_PROFILES))) + len(as_list(data.get(_THROUGHPUTS))))
    return data


def _check_count(n_deployments: int) -> None:
    if n_deployments > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has {n_deployments:,} deployments; at most {MAX_DEPLOYMENTS:,} can be "
            "read. Split it."
        )
