"""Requests and results of the release gate, as the OpenAPI document describes them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.framework.row_reader import EnumNameField
from apps.gate.matching import RequestedModel
from apps.gate.models import GateRun
from apps.gate.rules.definitions import FINDING_LEVELS, MATCHING_CHOICES, Decision, Rule
from apps.gate.runs import MAX_MODELS
from apps.inventory.models import Criticality

_MODEL = {
    "oneOf": [
        {"type": "string", "minLength": 1, "maxLength": 256},
        {
            "type": "object",
            "required": ["model"],
            "additionalProperties": False,
            "properties": {
                "model": {"type": "string", "minLength": 1, "maxLength": 256},
                "host": {
                    "type": "string",
                    "maxLength": 120,
                    "description": "Host: name or slug.",
                },
                "region": {"type": "string", "maxLength": 60},
                "file": {
                    "type": "string",
                    "maxLength": 300,
                    "description": "Path of the file, relative to the repository.",
                },
                "line": {"type": ["integer", "null"], "minimum": 1, "maximum": 2_000_000_000},
                "alias": {
                    "type": "boolean",
                    "description": "Whether the name is an alias of a gateway, not a model ID.",
                },
            },
        },
    ]
}
_TEXTS = {"host": 120, "region": 60, "file": 300}


@extend_schema_field(_MODEL)
class ModelField(serializers.Field[Any, Any, Any, Any]):
    """A model: its name, or an object with its name, host and place."""

    def to_internal_value(self, data: Any) -> RequestedModel:
        if isinstance(data, str):
            data = {"model": data}
        if not isinstance(data, dict):
            raise serializers.ValidationError(
                "Send a model as its name, or as an object with model, host, file and line."
            )
        if unknown := sorted(set(map(str, data)) - {"model", "line", "alias", *_TEXTS}):
            raise serializers.ValidationError(
                f"'{unknown[0][:60]}' is not a valid field of a model. Use model, host, "
                "region, file, line or alias."
            )
        name = data.get("model")
        if not isinstance(name, str) or not name.strip() or len(name) > 256:
            raise serializers.ValidationError("Enter the name of the model: 1 to 256 characters.")
        for field, longest in _TEXTS.items():
            value = data.get(field, "")
            if not isinstance(value, str) or len(value) > longest:
                raise serializers.ValidationError(
                    f"'{field}' must be text of at most {longest} characters."
                )
        line = data.get("line")
        if line is not None and (
            isinstance(line, bool) or not isinstance(line, int) or not 0 < line <= 2_000_000_000
        ):
            raise serializers.ValidationError("The line must be a number from 1.")
        if not isinstance(data.get("alias", False), bool):
            raise serializers.ValidationError("'alias' must be true or false.")
        return RequestedModel(
            model=name.strip(),
            host=data.get("host", ""),
            region=data.get("region", ""),
            file=data.get("file", ""),
            line=line,
            alias=data.get("alias", False),
        )

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {
        "oneOf": [
            {
                "type": "object",
                "additionalProperties": True,
                "description": "Document: CycloneDX in JSON.",
            },
            {"type": "integer", "description": "ID of an import that holds the document."},
        ]
    }
)
class BomField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, dict | int):
            raise serializers.ValidationError(
                "Send the bill of materials as an object, or the ID of an import."
            )
        if isinstance(data, int) and not 0 < data < 2**63:
            raise serializers.ValidationError("This import does not exist. Check the ID.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class GateQuestionSerializer(serializers.Serializer[Any]):
    """A gate request with either `bom` or `models`."""

    application = serializers.CharField(
        max_length=120,
        required=False,
        help_text="Slug of the application; optional if the token is bound to one.",
    )
    environment = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    commit = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    ref = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")
    bom = BomField(required=False)
    models = serializers.ListField(child=ModelField(), required=False, max_length=MAX_MODELS)
    mode = serializers.ChoiceField(
        choices=GateRun.Mode.choices,
        default=GateRun.Mode.ENFORCE,
        help_text="Mode; with `report`, exit_code is always 0.",
    )
    baseline = serializers.ChoiceField(
        choices=GateRun.Baseline.choices, default=GateRun.Baseline.LAST_RELEASED
    )
    all = serializers.BooleanField(
        default=False, help_text="Whether findings of the baseline also block."
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # `import` is a Python keyword, so it cannot be a class attribute
        fields["import"] = serializers.BooleanField(
            default=False,
            help_text="Whether to import the document, as `intake/cyclonedx/` does.",
        )
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("bom" in attrs) == ("models" in attrs):
            raise serializers.ValidationError("Send either bom or models, not both.")
        if attrs["import"] and not isinstance(attrs.get("bom"), dict):
            raise serializers.ValidationError(
                {
                    "import": "Only a document in the request can be imported. Send `bom` as an "
                    "object."
                }
            )
        return attrs


class LocationSerializer(serializers.Serializer[Any]):
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)


class EvaluatedSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    resolved_id = serializers.CharField(allow_null=True)
    match = serializers.ChoiceField(choices=MATCHING_CHOICES)
    location = LocationSerializer(allow_null=True)


class FixSerializer(serializers.Serializer[Any]):
    replacement = serializers.CharField(allow_null=True)
    by_date = serializers.DateField(allow_null=True)


class WaivedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    until = serializers.DateField()


class GateFindingSerializer(serializers.Serializer[Any]):
    rule_id = serializers.ChoiceField(choices=Rule.choices)
    level = serializers.ChoiceField(choices=FINDING_LEVELS)
    model = serializers.CharField(
        allow_blank=True, help_text="Model of the finding; empty if it is about the application."
    )
    resolved_id = serializers.CharField(allow_null=True)
    message = serializers.CharField(help_text="Finding and how to fix it.")
    location = LocationSerializer(allow_null=True)
    fix = FixSerializer(allow_null=True)
    waiver = WaivedSerializer(allow_null=True)
    new_since_baseline = serializers.BooleanField()
    fingerprint = serializers.CharField(help_text="SHA-256 of rule, application, model and file.")
    url = serializers.URLField()
    ask_waiver_url = serializers.URLField()


class BaselineSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=GateRun.Baseline.choices)
    run = serializers.IntegerField(
        allow_null=True,
        help_text="Run of the last release; null if there is none, so that all findings are new.",
    )


class WaitingSerializer(serializers.Serializer[Any]):
    """A request that a worker evaluates: read `status_url` again."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=GateRun.State.choices)
    status_url = serializers.URLField()
    application = serializers.CharField(help_text="Slug of the application.")
    environment = serializers.CharField(allow_blank=True)
    commit = serializers.CharField(allow_blank=True)
    ref = serializers.CharField(allow_blank=True)
    mode = serializers.ChoiceField(choices=GateRun.Mode.choices)
    n_models = serializers.IntegerField()
    report_url = serializers.URLField()


class BundleSerializer(serializers.Serializer[Any]):
    algorithm = serializers.ChoiceField(choices=[("ed25519", "ed25519")])
    key = serializers.CharField(
        help_text="Public key, 64 hexadecimal digits. Pin it; do not read it from here."
    )
    payload = serializers.CharField(help_text="Signed bytes, a JSON object, as base64.")
    signature = serializers.CharField(help_text="Signature of the payload, as base64.")


class SourceReadingSerializer(serializers.Serializer[Any]):
    """A source of retirement dates that the result is based on."""

    slug = serializers.CharField()
    name = serializers.CharField()
    read_at = serializers.DateTimeField()


class AnswerHorizonSerializer(serializers.Serializer[Any]):
    """Days before a retirement for FR003, as they apply to this request."""

    environment = serializers.CharField(help_text="Environment of the days; * for all others.")
    criticality = EnumNameField(Criticality)
    warning_days = serializers.IntegerField(
        help_text="FR003 warns if a model retires within this number of days."
    )
    error_days = serializers.IntegerField(
        help_text="FR003 blocks if a model retires within this number of days; 0 for never."
    )


class GateAnswerSerializer(WaitingSerializer):
    decision = serializers.ChoiceField(choices=Decision.choices)
    exit_code = serializers.IntegerField(help_text="Exit code: 0 pass or warn, 1 block, 3 unknown.")
    summary = serializers.CharField()
    policy_version = serializers.CharField()
    catalogue_as_of = serializers.DateTimeField(allow_null=True)
    catalogue_sources = SourceReadingSerializer(
        many=True, help_text="Up-to-date sources, newest first; empty if there are none."
    )
    horizon = AnswerHorizonSerializer(
        allow_null=True, help_text="Days before a retirement for FR003; null for older runs."
    )
    baseline = BaselineSerializer()
    all = serializers.BooleanField()
    evaluated = EvaluatedSerializer(many=True)
    findings = GateFindingSerializer(many=True)
    released_at = serializers.DateTimeField(allow_null=True)
