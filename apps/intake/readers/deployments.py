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
_OF_ACCOUNT = re.compile(r"/accounts/([^/]+)(?:/deployments/([^/]+))?", re.I)
_MODEL_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:[^/]*:foundation-model/([^/]+)$", re.I)
_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):(\d+):[a-z-]+/.+$", re.I)
_PROFILES, _THROUGHPUTS = "inferenceProfileSummaries", "provisionedModelSummaries"


# --- Azure ----------------------------------------------------------------------------------------


def read_azure(body: bytes) -> Document:
    document = Document(maker="az")
    for place, row in _azure_rows(load_json(body)):
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
                    account=as_text(row.get("id"), 1_000),
                    where=place,
                    upgrades=as_text(properties.get("versionUpgradeOption")),
                )
            )
    return document


def azure_deployment(
    name: str, model: Mapping[str, Any], *, account: str, where: str, upgrades: str
) -> DescribedDeployment:
    """Return an Azure deployment; `account` is a resource id of the account or of anything in it.

    Without `upgrades` Azure moves a deployment to newer versions by itself."""
    found = _OF_ACCOUNT.search(account)
    return DescribedDeployment(
        host=AZURE,
        account=found[1].lower() if found else "",
        name=name,
        model=as_text(model.get("name")),
        version=as_text(model.get("version"), 60),
        upgrades=upgrades.lower() != NO_UPGRADE,
        where=where,
    )


def redact_azure(body: bytes) -> bytes:
    """Return names, ids, models and upgrades; tags and networks are not stored."""
    kept = [
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
        for _, row in _azure_rows(load_json(body))
        for properties in [as_mapping(row.get("properties"))]
    ]
    return orjson.dumps(kept)


def _azure_rows(said: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return (JSON pointer, deployment) pairs; UnreadableError if the document lists none of the
    kind."""
    base = ""
    if isinstance(said, Mapping):
        rows, base = (
            (said["value"], "/value") if isinstance(said.get("value"), list) else ([said], "")
        )
    else:
        rows = said
    found = list(enumerate(as_mappings(rows)))
    if not isinstance(rows, list) or (
        found and not any("model" in as_mapping(row.get("properties")) for _, row in found)
    ):
        raise UnreadableError(
            "The document is not a list of Azure deployments with a name and properties.model "
            "each. Send the output of `az cognitiveservices account deployment list --output "
            "json`."
        )
    _check_count(len(found))
    for number, row in found:
        yield f"{base}/{number}" if isinstance(said, list) or base else "/", row


# --- Bedrock --------------------------------------------------------------------------------------


def read_bedrock(body: bytes) -> Document:
    document = Document(maker="aws")
    said = _bedrock(body)
    for number, row in enumerate(as_mappings(said.get(_PROFILES))):
        where = f"/{_PROFILES}/{number}"
        if as_text(row.get("type")).upper() == "SYSTEM_DEFINED":
            # tells its model by its own id
            continue
        arns = [as_text(model.get("modelArn")) for model in as_mappings(row.get("models"))]
        bedrock_deployment(
            as_text(row.get("inferenceProfileArn")), arns, where=where, document=document
        )
    for number, row in enumerate(as_mappings(said.get(_THROUGHPUTS))):
        arns = [as_text(row.get("foundationModelArn"))]
        where = f"/{_THROUGHPUTS}/{number}"
        if as_text(row.get("modelArn")) not in {"", *arns}:
            document.ignored.append(
                SkippedPart(where, "It serves a custom model, which is not in the catalogue.")
            )
            continue
        bedrock_deployment(
            as_text(row.get("provisionedModelArn")), arns, where=where, document=document
        )
    return document


def bedrock_deployment(arn: str, model_arns: list[str], *, where: str, document: Document) -> None:
    """Return the profile or throughput `arn` over these models, one per region, as a deployment of
    `document`."""
    own = _ARN.match(arn)
    models = {found[1].lower() for each in model_arns if (found := _MODEL_ARN.match(each))}
    if own is None or not models:
        document.rejected.append(
            SkippedPart(where, "The profile has no ARN or no foundation model.")
        )
    elif len(models) > 1:
        document.ignored.append(
            SkippedPart(where, f"{arn} leads to several models: {', '.join(sorted(models))}.")
        )
    else:
        document.deployments.append(
            DescribedDeployment(
                host=BEDROCK,
                account=f"{own[2]}/{own[1]}".lower(),
                name=arn,
                model=models.pop(),
                where=where,
            )
        )


def redact_bedrock(body: bytes) -> bytes:
    said = _bedrock(body)
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
                for row in as_mappings(said.get(_PROFILES))
            ],
            _THROUGHPUTS: [
                {
                    key: as_text(row.get(key))
                    for key in ("provisionedModelArn", "modelArn", "foundationModelArn")
                }
                for row in as_mappings(said.get(_THROUGHPUTS))
            ],
        }
    )


def _bedrock(body: bytes) -> Mapping[str, Any]:
    said = as_mapping(load_json(body))
    if not any(isinstance(said.get(key), list) for key in (_PROFILES, _THROUGHPUTS)):
        raise UnreadableError(
            "The document is not a list of Bedrock. Send the JSON output of `aws bedrock "
            "list-inference-profiles --type-equals APPLICATION` or `aws bedrock "
            "list-provisioned-model-throughputs`."
        )
    _check_count(len(as_list(said.get(_PROFILES))) + len(as_list(said.get(_THROUGHPUTS))))
    return said


def _check_count(n: int) -> None:
    if n > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has {n:,} deployments; at most {MAX_DEPLOYMENTS:,} can be read. Split "
            "it."
        )
