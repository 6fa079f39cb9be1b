"""An import in answers: its status, its counts, and the parts that were not imported."""

from typing import Any

from rest_framework import serializers

from apps.api.framework.row_reader import ComputedField
from apps.intake.models import Import

STATUSES = {
    Import.State.RECEIVED: "needs_application",
    Import.State.READING: "queued",
    Import.State.READ: "to_confirm",
    Import.State.APPLYING: "queued",
    Import.State.APPLIED: "done",
    Import.State.UNDOING: "queued",
    Import.State.UNDONE: "undone",
    Import.State.DROPPED: "dropped",
    Import.State.FAILED: "failed",
}
# counts that make an applied document only partly understood
_OPEN_QUESTIONS = ("unresolved", "unclaimed", "rejected")
PARTS = {
    "unresolved": "unresolved",
    "ignored": "ignored",
    "rejected": "rejected",
    "open_routes": "open_routes",
    "schema_errors": "schema",
}


def import_status(state: str, kind: str, counts: dict[str, Any]) -> str:
    """Return the status; a spreadsheet that a user uploaded waits for the user to complete it."""
    if state == Import.State.RECEIVED and kind == Import.Kind.SHEET:
        return "to_confirm"
    if state == Import.State.APPLIED:
        n_refused = counts.get("rows", {}).get("refused", 0) if kind == Import.Kind.SHEET else 0
        return (
            "partial" if n_refused or any(counts.get(name) for name in _OPEN_QUESTIONS) else "done"
        )
    return STATUSES[Import.State(state)]


def _problem_field(name: str) -> ComputedField:
    return ComputedField(("problems",), lambda problems: problems.get(name, []))


COMPUTED_FIELDS = {
    "status": ComputedField(("state", "kind", "counts"), import_status),
    **{name: _problem_field(kept) for name, kept in PARTS.items()},
}


class PartSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(
        help_text="Place: a JSON pointer, a line, or a position in the source."
    )
    reason = serializers.CharField(help_text="Reason, as a sentence.")


class ImportSerializer(serializers.ModelSerializer[Import]):
    status = serializers.ChoiceField(
        choices=[
            "queued",
            "done",
            "partial",
            "failed",
            "needs_application",
            "to_confirm",
            "undone",
            "dropped",
        ],
        read_only=True,
        help_text="Status; `partial` if a part could not be read.",
    )
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null if the document names none.",
    )
    by = serializers.CharField(source="by.username", read_only=True, allow_null=True)
    counts = serializers.DictField(
        read_only=True,
        help_text="Counts: created, updated and unchanged dependencies, and the lengths "
        "of the lists below; names_ai is false if the document names no model "
        "and no AI service, and so confirms and ends nothing.",
    )
    unresolved = PartSerializer(many=True, read_only=True, help_text="Unresolved names of models.")
    ignored = PartSerializer(
        many=True, read_only=True, help_text="Parts that are not models, or are out of scope."
    )
    rejected = PartSerializer(many=True, read_only=True, help_text="Parts that violate the format.")
    open_routes = PartSerializer(
        many=True, read_only=True, help_text="Wildcard routes that do not identify a model."
    )
    schema_errors = PartSerializer(
        many=True,
        read_only=True,
        help_text="Violations of the schema by JSON pointer, the first 20.",
    )

    class Meta:
        model = Import
        fields = [
            "id",
            "status",
            "kind",
            "format",
            "application",
            "environment",
            "file_name",
            "tool",
            "tool_version",
            "natural_key",
            "document_at",
            "is_older",
            "schema_valid",
            "counts",
            "unresolved",
            "ignored",
            "rejected",
            "open_routes",
            "schema_errors",
            "error",
            "by",
            "n_bytes",
            "digest",
            "received_at",
            "read_at",
            "applied_at",
            "undone_at",
            "change",
        ]
        read_only_fields = fields


class ReceivedSerializer(ImportSerializer):
    """An import for its sender, with the token to read its state."""

    token = serializers.UUIDField(
        read_only=True, help_text="Token for GET /api/v1/bom/token/{token}."
    )
    note = serializers.CharField(read_only=True, help_text="Message for the sender; usually empty.")

    class Meta(ImportSerializer.Meta):
        fields = [*ImportSerializer.Meta.fields, "token", "note"]
        read_only_fields = fields
