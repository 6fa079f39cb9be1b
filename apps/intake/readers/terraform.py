"""Terraform and OpenTofu state (`terraform show -json`): Azure deployments and own Bedrock
profiles.

The state is read, that is what exists; of a plan the prior state, since what is planned may never
be applied. Nothing else of a state is read or kept: it holds passwords. (developer.hashicorp.com,
JSON output format 1.x; resources of the providers azurerm, azapi and aws.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from apps.intake.documents.records import Document, SkippedPart, UnreadableError
from apps.intake.readers.deployments import MAX_DEPLOYMENTS, azure_deployment, bedrock_deployment
from apps.intake.readers.json_text import as_mapping, as_mappings, as_moment, as_text, load_json

_AZURE, _AZAPI = "azurerm_cognitive_deployment", "azapi_resource"
_PROFILE, _THROUGHPUT = "aws_bedrock_inference_profile", "aws_bedrock_provisioned_model_throughput"
_DEPLOYMENTS_OF_ARM = re.compile(r"^Microsoft\.CognitiveServices/accounts/deployments@", re.I)
# of each kind of resource, what is kept
_KEPT: Mapping[str, tuple[str, ...]] = {
    _AZURE: ("name", "model", "cognitive_account_id", "version_upgrade_option"),
    _AZAPI: ("type", "name", "parent_id", "body"),
    _PROFILE: ("arn", "type", "models", "model_source"),
    _THROUGHPUT: ("provisioned_model_arn", "model_arn"),
}


def read_terraform(body: bytes) -> Document:
    said = _load(body)
    document = Document(
        maker="terraform",
        deployments_are_uses=True,
        maker_version=as_text(said.get("terraform_version"), 60),
    )
    document.made_at = as_moment(said.get("timestamp"))
    for resource in _resources(said):
        _read(resource, document)
    if len(document.deployments) > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_DEPLOYMENTS:,} deployments. Send each state "
            "separately."
        )
    if "planned_values" in said:
        document.ignored.append(
            SkippedPart(
                "/planned_values",
                "The document is a plan. Apply it, then send the output of `terraform show -json`.",
            )
        )
    if not document.deployments and not document.rejected:
        kinds = ", ".join(_KEPT)
        document.ignored.append(
            SkippedPart("/", f"The document has no supported resource: {kinds}.")
        )
    return document


def redact_terraform(body: bytes) -> bytes:
    """Return the resources that are read, with the values that are read of them, and nothing else
    of the state."""
    said = _load(body)
    kept: dict[str, Any] = {
        key: as_text(said.get(key), 60)
        for key in ("format_version", "terraform_version", "timestamp")
        if key in said
    }
    if "planned_values" in said:
        kept["planned_values"] = {}
    kept["values"] = {
        "root_module": {
            "resources": [
                {
                    "address": as_text(resource.get("address"), 300),
                    "mode": "managed",
                    "type": resource["type"],
                    "values": _redacted_resource(resource),
                }
                for resource in _resources(said)
            ]
        }
    }
    return orjson.dumps(kept)


def _redacted_resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in _values(resource).items() if key in _KEPT[resource["type"]]
    }
    if "body" in kept:
        properties = as_mapping(_body(kept["body"]).get("properties"))
        kept["body"] = {
            "properties": {
                key: properties[key]
                for key in ("model", "versionUpgradeOption")
                if key in properties
            }
        }
    return kept


def _load(body: bytes) -> Mapping[str, Any]:
    said = as_mapping(load_json(body))
    if "format_version" not in said or not any(
        key in said for key in ("values", "prior_state", "planned_values")
    ):
        raise UnreadableError(
            "The document is not the output of `terraform show -json`, which has format_version "
            "and values. A .tfstate file has another format and contains passwords: do not send "
            "it."
        )
    return said


def _resources(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    state = as_mapping(said.get("values")) or as_mapping(
        as_mapping(said.get("prior_state")).get("values")
    )
    modules = [as_mapping(state.get("root_module"))]
    while modules:
        module = modules.pop()
        modules += reversed(as_mappings(module.get("child_modules")))
        for resource in as_mappings(module.get("resources")):
            kind = resource.get("type")
            if (
                not isinstance(kind, str)
                or kind not in _KEPT
                or resource.get("mode", "managed") != "managed"
            ):
                continue
            if kind != _AZAPI or _DEPLOYMENTS_OF_ARM.match(as_text(_values(resource).get("type"))):
                yield resource


def _values(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_mapping(resource.get("values"))


def _read(resource: Mapping[str, Any], document: Document) -> None:
    values, where = _values(resource), as_text(resource.get("address"), 300)
    if resource["type"] == _AZURE:
        model = next(iter(as_mappings(values.get("model"))), {})
        _azure(
            values,
            model,
            as_text(values.get("cognitive_account_id"), 1_000),
            as_text(values.get("version_upgrade_option")),
            where,
            document,
        )
    elif resource["type"] == _AZAPI:
        properties = as_mapping(_body(values.get("body")).get("properties"))
        _azure(
            values,
            as_mapping(properties.get("model")),
            as_text(values.get("parent_id"), 1_000),
            as_text(properties.get("versionUpgradeOption")),
            where,
            document,
        )
    elif resource["type"] == _PROFILE:
        arns = [as_text(model.get("model_arn")) for model in as_mappings(values.get("models"))]
        bedrock_deployment(as_text(values.get("arn")), arns, where=where, document=document)
    else:
        bedrock_deployment(
            as_text(values.get("provisioned_model_arn")),
            [as_text(values.get("model_arn"))],
            where=where,
            document=document,
        )


def _azure(
    values: Mapping[str, Any],
    model: Mapping[str, Any],
    account: str,
    upgrades: str,
    where: str,
    document: Document,
) -> None:
    name = as_text(values.get("name"))
    if not name or not as_text(model.get("name")):
        document.rejected.append(SkippedPart(where, "The deployment has no name or no model."))
        return
    document.deployments.append(
        azure_deployment(name, model, account=account, where=where, upgrades=upgrades)
    )


def _body(said: Any) -> Mapping[str, Any]:
    """Return the body that azapi stores as a mapping, in its first generation as JSON in a text."""
    if isinstance(said, str):
        try:
            return as_mapping(orjson.loads(said))
        except orjson.JSONDecodeError:
            return {}
    return as_mapping(said)
