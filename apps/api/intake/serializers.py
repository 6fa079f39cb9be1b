"""An import as it is answered with: where it stands in one word, its counts, and what was not taken
as it stood."""

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
# what makes a taken document only partly understood
_OPEN_QUESTIONS = ("unresolved", "unclaimed", "rejected")
PARTS = {
    "unresolved": "unresolved",
    "ignored": "ignored",
    "rejected": "rejected",
    "open_routes": "open_routes",
    "schema_errors": "schema",
}


def import_status(state: str, kind: str, counts: dict[str, Any]) -> str:
    """The word for where it stands. A sheet that was not sent by a program waits to be completed by
    its person."""
    if state == Import.State.RECEIVED and kind == Import.Kind.SHEET:
        return "to_confirm"
    if state == Import.State.APPLIED:
        n_refused = counts.get("rows", {}).get("refused", 0) if kind == Import.Kind.SHEET else 0
        return (
            "partial" if n_refused or any(counts.get(name) for name in _OPEN_QUESTIONS) else "done"
        )
    return STATUSES[Import.State(state)]


def _parts(kept: str) -> ComputedField:
    return ComputedField(("problems",), lambda problems: problems.get(kept, []))


COMPUTED_FIELDS = {
    "status": ComputedField(("state", "kind", "counts"), import_status),
    **{name: _parts(kept) for name, kept in PARTS.items()},
}


class PartSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(
        help_text="A JSON pointer, a line, or where in the source it was found."
    )
    reason = serializers.CharField(help_text="Why, as a sentence.")


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
        help_text="partial: taken, and something in it could not be understood.",
    )
    application = serializers.CharField(
        source="application.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    by = serializers.CharField(source="by.username", read_only=True, allow_null=True)
    counts = serializers.DictField(
        read_only=True,
        help_text="created, updated, unchanged: dependencies; the lists below by their "
        "lengths; names_ai: false where"
        " the document names no model and no AI service, and so confirms and ends nothing.",
    )
    unresolved = PartSerializer(
        many=True, read_only=True, help_text="Names of models that nobody knows yet."
    )
    ignored = PartSerializer(
        many=True, read_only=True, help_text="What is no model, or not for us."
    )
    rejected = PartSerializer(many=True, read_only=True, help_text="What breaks the format.")
    open_routes = PartSerializer(
        many=True, read_only=True, help_text="Doors to any model, which name none."
    )
    schema_errors = PartSerializer(
        many=True, read_only=True, help_text="The first 20, by JSON pointer."
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
    """An import as its sender is answered: with the word by which a program may ask how far it
    is."""

    token = serializers.UUIDField(read_only=True, help_text="For GET /api/v1/bom/token/{token}.")
    note = serializers.CharField(
        read_only=True, help_text="What the sender should know; mostly empty."
    )

    class Meta(ImportSerializer.Meta):
        fields = [*ImportSerializer.Meta.fields, "token", "note"]
        read_only_fields = fields
