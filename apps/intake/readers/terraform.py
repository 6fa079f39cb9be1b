"""Terraform and OpenTofu state (`terraform show -json`): Azure deployments and Bedrock inference
profiles of the account.

The state is read because it describes what exists; of a plan only the prior state is read, since a
plan might never be applied. Nothing else of a state is read or stored: it contains passwords.
(developer.hashicorp.com, JSON output format 1.x; resources of the providers azurerm, azapi and
aws.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from apps.intake.documents.records import Document, SkippedPart, UnreadableError
from apps.intake.readers.deployments import (
    MAX_DEPLOYMENTS,
    add_bedrock_deployment,
    azure_deployment,
)
from apps.intake.readers.json_text import as_mapping, as_mappings, as_moment, as_text, load_json

_AZURE, _AZAPI = "azurerm_cognitive_deployment", "azapi_resource"
_PROFILE, _THROUGHPUT = "aws_bedrock_inference_profile", "aws_bedrock_provisioned_model_throughput"
_ARM_DEPLOYMENT_TYPE = re.compile(r"^Microsoft\.CognitiveServices/accounts/deployments@", re.I)
# by type of resource, the values that are stored
_STORED_VALUES: Mapping[str, tuple[str, ...]] = {
    _AZURE: ("name", "model", "cognitive_account_id", "version_upgrade_option"),
    _AZAPI: ("type", "name", "parent_id", "body"),
    _PROFILE: ("arn", "type", "models", "model_source"),
    _THROUGHPUT: ("provisioned_model_arn", "model_arn"),
}


def read_terraform(body: bytes) -> Document:
    """Read the deployments of models in the output of `terraform show -json`: of a state, or of the
    prior state of a plan. Raises UnreadableError."""
    data = _load_state(body)
    document = Document(
        maker="terraform",
        deployments_are_uses=True,
        maker_version=as_text(data.get("terraform_version"), 60),
    )
    document.made_at = as_moment(data.get("timestamp"))
    for resource in _list_resources(data):
        _add_resource(resource, document)
    if len(document.deployments) > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_DEPLOYMENTS:,} deployments. Send each state "
            "separately."
        )
    if "planned_values" in data:
        document.ignored.append(
            SkippedPart(
                "/planned_values",
                "The document is a plan. Apply it, then send the output of `terraform show -json`.",
            )
        )
    if not document.deployments and not document.rejected:
        kinds = ", ".join(_STORED_VALUES)
        document.ignored.append(
            SkippedPart("/", f"The document has no supported resource: {kinds}.")
        )
    return document


def redact_terraform(body: bytes) -> bytes:
    """Return the document reduced to the supported resources and to the values that the reader
    uses."""
    data = _load_state(body)
    redacted: dict[str, Any] = {
        key: as_text(data.get(key), 60)
        for key in ("format_version", "terraform_version", "timestamp")
        if key in data
    }
    if "planned_values" in data:
        redacted["planned_values"] = {}
    redacted["values"] = {
        "root_module": {
            "resources": [
                {
                    "address": as_text(resource.get("address"), 300),
                    "mode": "managed",
                    "type": resource["type"],
                    "values": _redact_resource(resource),
                }
                for resource in _list_resources(data)
            ]
        }
    }
    return orjson.dumps(redacted)


def _redact_resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a resource that are stored: those that this reader needs, without
    settings and secrets."""
    values = {
        key: value
        for key, value in _values(resource).items()
        if key in _STORED_VALUES[resource["type"]]
    }
    if "body" in values:
        properties = as_mapping(_parse_body(values["body"]).get("properties"))
        values["body"] = {
            "properties": {
                key: properties[key]
                for key in ("model", "versionUpgradeOption")
                if key in properties
            }
        }
    return values


def _load_state(body: bytes) -> Mapping[str, Any]:
    data = as_mapping(load_json(body))
    if "format_version" not in data or not any(
        key in data for key in ("values", "prior_state", "planned_values")
    ):
        raise UnreadableError(
            "The document is not the output of `terraform show -json`, which has format_version "
            "and values. A .tfstate file has another format and contains passwords: do not send "
            "it."
        )
    return data


def _list_resources(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the supported managed resources of all modules, in the order of the document."""
    state = as_mapping(data.get("values")) or as_mapping(
        as_mapping(data.get("prior_state")).get("values")
    )
    modules = [as_mapping(state.get("root_module"))]
    while modules:
        module = modules.pop()
        modules += reversed(as_mappings(module.get("child_modules")))
        for resource in as_mappings(module.get("resources")):
            kind = resource.get("type")
            if (
                not isinstance(kind, str)
                or kind not in _STORED_VALUES
                or resource.get("mode", "managed") != "managed"
            ):
                continue
            if kind != _AZAPI or _ARM_DEPLOYMENT_TYPE.match(as_text(_values(resource).get("type"))):
                yield resource


def _values(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_mapping(resource.get("values"))


def _add_resource(resource: Mapping[str, Any], document: Document) -> None:
    """Add the deployment of a supported resource to `document`, or the reason why it was
    rejected."""
    values, location = _values(resource), as_text(resource.get("address"), 300)
    if resource["type"] == _AZURE:
        model = next(iter(as_mappings(values.get("model"))), {})
        _add_azure_deployment(
            values,
            model,
            as_text(values.get("cognitive_account_id"), 1_000),
            as_text(values.get("version_upgrade_option")),
            location,
            document,
        )
    elif resource["type"] == _AZAPI:
        properties = as_mapping(_parse_body(values.get("body")).get("properties"))
        _add_azure_deployment(
            values,
            as_mapping(properties.get("model")),
            as_text(values.get("parent_id"), 1_000),
            as_text(properties.get("versionUpgradeOption")),
            location,
            document,
        )
    elif resource["type"] == _PROFILE:
        arns = [as_text(model.get("model_arn")) for model in as_mappings(values.get("models"))]
        add_bedrock_deployment(
            as_text(values.get("arn")), arns, location=location, document=document
        )
    else:
        add_bedrock_deployment(
            as_text(values.get("provisioned_model_arn")),
            [as_text(values.get("model_arn"))],
            location=location,
            document=document,
        )


def _add_azure_deployment(
    values: Mapping[str, Any],
    model: Mapping[str, Any],
    resource_id: str,
    upgrade_option: str,
    location: str,
    document: Document,
) -> None:
    """Add a deployment of Azure to `document`; without a name or a model it is rejected."""
    name = as_text(values.get("name"))
    if not name or not as_text(model.get("name")):
        document.rejected.append(SkippedPart(location, "The deployment has no name or no model."))
        return
    document.deployments.append(
        azure_deployment(
            name, model, resource_id=resource_id, location=location, upgrade_option=upgrade_option
        )
    )


def _parse_body(value: Any) -> Mapping[str, Any]:
    """Return the body of an azapi resource; the first generation of azapi stores it as JSON
    text."""
    if isinstance(value, str):
        try:
            return as_mapping(orjson.loads(value))
        except orjson.JSONDecodeError:
            return {}
    return as_mapping(value)
