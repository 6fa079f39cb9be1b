"""Sources: their priority and health; sources with a mapping are added and changed here."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.alerts.base import require_governance
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import ReasonMixin
from apps.catalog.claims.feed_rows import FeedRow, RejectedRow
from apps.catalog.claims.values import lifecycle_value, price_value
from apps.catalog.filters import SourceFilter
from apps.catalog.models import Provider, Source
from apps.common.http.installation_policy import installation_policy
from apps.common.time import now
from apps.feeds.mapping.definition import KIND, InvalidMappingError
from apps.feeds.mapping.reader import MappingResult
from apps.feeds.models import Health, PollState
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.sources.adapters import MAPPED_KINDS
from apps.feeds.sources.configuration import (
    ADDABLE_KINDS,
    InvalidSourceError,
    NoSampleError,
    add_source,
    change_source,
    fetch_sample,
    read_sample,
)
from apps.feeds.sources.page_payload import read_page_sample

# rows and set-aside rows that a preview shows
MAX_SHOWN_ROWS = 50


@extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
class MappingField(serializers.JSONField):
    """A mapping in its stored form (docs/feeds.md): rows, external_id, host, api_id and the paths
    of the facts; of a lifecycle page host, tables, columns and dates."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError(
                "Send the mapping as an object: with rows, external_id, host and api_id for JSON, "
                "with host for a lifecycle page."
            )
        return super().to_internal_value(data)


class SourceSerializer(ReasonMixin, serializers.ModelSerializer[Source]):
    kind = serializers.CharField(
        max_length=30,
        default=KIND,
        help_text="Kind of the source, which cannot be changed. Kinds that can be "
        f"added: {', '.join(ADDABLE_KINDS)}.",
    )
    host = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of the host whose own page it is; required for a status page.",
    )
    mapping = MappingField(
        source="mapping.settings",
        required=False,
        help_text="Mapping of the document; null for sources with an adapter of their own, and for "
        "lifecycle pages with the built-in mapping.",
    )
    health = serializers.ChoiceField(
        source="poll_state.health",
        choices=Health.choices,
        read_only=True,
        help_text="Health by the last successful poll.",
    )
    last_success_at = serializers.DateTimeField(
        source="poll_state.last_success_at", read_only=True, allow_null=True
    )
    last_attempt_at = serializers.DateTimeField(
        source="poll_state.last_attempt_at", read_only=True, allow_null=True
    )
    last_change_at = serializers.DateTimeField(
        source="poll_state.last_change_at", read_only=True, allow_null=True
    )
    next_due_at = serializers.DateTimeField(
        source="poll_state.next_due_at", read_only=True, allow_null=True
    )
    as_of = serializers.DateTimeField(
        source="poll_state.as_of",
        read_only=True,
        allow_null=True,
        help_text="Time of publication as the feed states it; null if it states none.",
    )
    failures = serializers.IntegerField(
        source="poll_state.failures",
        read_only=True,
        allow_null=True,
        help_text="Consecutive failed polls; null if never polled.",
    )
    error = serializers.CharField(source="poll_state.error", read_only=True, allow_null=True)

    class Meta:
        model = Source
        fields = [
            "id",
            "slug",
            "name",
            "kind",
            "url",
            "host",
            "interval_minutes",
            "stale_after_minutes",
            "frozen_after_days",
            "trust_rank",
            "enabled",
            "licence_note",
            "mapping",
            "health",
            "last_success_at",
            "last_attempt_at",
            "last_change_at",
            "as_of",
            "next_due_at",
            "failures",
            "error",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["id", "slug", "created_at", "updated_at"]


class SourceChangeSerializer(SourceSerializer):
    kind = serializers.CharField(read_only=True)


class TrySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(
        choices=list(MAPPED_KINDS),
        default=KIND,
        help_text="Kind of the source that the mapping is for.",
    )
    mapping = MappingField()
    sample = serializers.JSONField(
        required=False,
        help_text="Sample document as JSON or text, a page as Markdown or HTML; instead of `url`.",
    )
    url = serializers.CharField(
        required=False,
        max_length=500,
        help_text="URL of a sample, on the public internet or in an allowed network. It "
        "is requested once.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("sample" in attrs) == bool(attrs.get("url")):
            raise serializers.ValidationError("Send either a sample or the URL of one.")
        return attrs


class ReadRowSerializer(serializers.Serializer[Any]):
    """A row as the mapping reads it. `lifecycle` and `price` have the form of assertions."""

    external_id = serializers.CharField()
    host = serializers.CharField(help_text="Slug of the host.")
    api_id = serializers.CharField()
    region = serializers.CharField()
    tier = serializers.CharField()
    name = serializers.CharField()
    source_url = serializers.CharField()
    lifecycle = serializers.DictField(
        allow_null=True, help_text="Value in the row; null if the row does not state it."
    )
    price = serializers.DictField(allow_null=True)


class SetAsideSerializer(serializers.Serializer[Any]):
    external_id = serializers.CharField()
    reason = serializers.CharField()
    excerpt = serializers.CharField()


class ReadTableSerializer(serializers.Serializer[Any]):
    """A table of a lifecycle page that the mapping reads."""

    heading = serializers.CharField(help_text="Headings above the table, joined by ` > `.")
    columns = serializers.DictField(
        child=serializers.CharField(), help_text="Header on the page, by column of the mapping."
    )
    n_rows = serializers.IntegerField()
    n_skipped = serializers.IntegerField(help_text="Rows of which nothing was read.")


class TriedSerializer(serializers.Serializer[Any]):
    refusal = serializers.CharField(
        help_text="Reason why the document cannot be used; empty otherwise."
    )
    unfound = serializers.DictField(
        child=serializers.CharField(),
        help_text="Paths that find nothing in any row, by field, with the keys available there.",
    )
    n_rows = serializers.IntegerField()
    n_set_aside = serializers.IntegerField()
    tables = ReadTableSerializer(
        many=True, help_text="Tables read; empty unless the sample is a lifecycle page."
    )
    rows = ReadRowSerializer(many=True, help_text=f"Rows read, the first {MAX_SHOWN_ROWS}.")
    set_aside = SetAsideSerializer(
        many=True, help_text=f"Quarantined rows, the first {MAX_SHOWN_ROWS}."
    )


def _health(
    last_success_at: datetime | None,
    last_change_at: datetime | None,
    as_of: datetime | None,
    failures: int | None,
    suspect: bool | None,
    stale_after_minutes: int,
    frozen_after_days: int | None,
) -> str:
    """Return the health of the source now, from the columns of its polling state."""
    state = PollState(
        last_success_at=last_success_at,
        last_change_at=last_change_at,
        as_of=as_of,
        failures=failures or 0,
        suspect=bool(suspect),
    )
    frozen_after = timedelta(days=frozen_after_days) if frozen_after_days else None
    return state.health(now(), timedelta(minutes=stale_after_minutes), frozen_after).value


class SourceViewSet(ReadViewSet[Source]):
    """Sources with their priority and health. Governance users can add sources that are read by a
    mapping, and change all of them. Sources are not deleted, because their values stay recorded;
    `enabled` switches polling on and off."""

    model = Source
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    computed = {
        "health": ComputedField(
            (
                "poll_state__last_success_at",
                "poll_state__last_change_at",
                "poll_state__as_of",
                "poll_state__failures",
                "poll_state__suspect",
                "stale_after_minutes",
                "frozen_after_days",
            ),
            _health,
        )
    }

    @extend_schema(responses={201: SourceSerializer})
    def create(self, request: Request) -> Response:
        """Add a source; its slug is derived from its name. It is polled immediately unless
        `enabled` is false. The first payload raises no events."""
        require_governance(self, "sources")
        facts = _source_values(self.validated(SourceSerializer))
        try:
            source = add_source(by=self.user, **facts)
        except InvalidSourceError as error:
            raise ValidationError(_errors_by_field(error)) from None
        return self.answer(source, status.HTTP_201_CREATED)

    @extend_schema(request=SourceChangeSerializer, responses=SourceSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a source. After a change of URL or mapping, the next poll reads all rows again,
        and differences are changes like those of any poll."""
        source = self.subject()
        require_governance(self, "sources")
        if source.kind in Source.UNPOLLED:
            raise ValidationError(
                {
                    "non_field_errors": "This source is not polled, so it has no polling settings "
                    "to change."
                }
            )
        facts = _source_values(
            self.validated(SourceChangeSerializer, instance=source, partial=True)
        )
        try:
            change_source(source=source, by=self.user, **facts)
        except InvalidSourceError as error:
            raise ValidationError(_errors_by_field(error)) from None
        return self.answer(source)

    @extend_schema(
        operation_id="sources_preview", request=TrySerializer, responses={200: TriedSerializer}
    )
    @action(detail=False, methods=["post"], url_path="preview")
    def preview(self, request: Request) -> Response:
        """Read a sample with a mapping, without writing: rows, quarantined rows and paths that find
        nothing."""
        require_governance(self, "sources")
        data = self.validated(TrySerializer)
        try:
            body = self._load_sample(data)
            if data["kind"] == PAGE:
                return Response(_preview_page_body(body, data))
            reading = read_sample(body, data["mapping"])
        except InvalidMappingError as error:
            raise ValidationError({"mapping": error.errors}) from None
        except NoSampleError as error:
            raise ValidationError({"url": str(error)}) from None
        return Response(_preview_body(reading))

    def _load_sample(self, data: dict[str, Any]) -> bytes:
        if data.get("url"):
            return fetch_sample(data["url"], by=self.user, policy=installation_policy())
        sample = data["sample"]
        return (sample if isinstance(sample, str) else json.dumps(sample)).encode(errors="replace")


def _source_values(validated: dict[str, Any]) -> dict[str, Any]:
    """Return the body in the form of the actions."""
    facts = dict(validated)
    mapping = facts.pop("mapping", None)
    if mapping is not None:
        facts["mapping"] = mapping["settings"]
    return facts


def _errors_by_field(error: ModelError) -> dict[str, Any]:
    return {
        ("non_field_errors" if name == "__all__" else name): messages
        for name, messages in error.message_dict.items()
    }


def _preview_body(reading: MappingResult) -> dict[str, Any]:
    rows = reading.parsed.rows if reading.parsed else ()
    rejects = reading.parsed.rejects if reading.parsed else ()
    return {
        "refusal": reading.refusal,
        "unfound": reading.unfound,
        "n_rows": len(rows),
        "n_set_aside": len(rejects),
        "tables": [],
        "rows": [_row_body(row) for row in rows[:MAX_SHOWN_ROWS]],
        "set_aside": [_quarantined_body(reject) for reject in rejects[:MAX_SHOWN_ROWS]],
    }


def _preview_page_body(body: bytes, data: dict[str, Any]) -> dict[str, Any]:
    """Return the preview of a lifecycle page; InvalidMappingError if the mapping is not valid."""
    try:
        payload = read_page_sample(body, data["mapping"], url=data.get("url") or "")
    except InvalidPayloadError as error:
        return _preview_body(MappingResult(refusal=str(error)))
    if payload is None:
        return _preview_body(MappingResult())
    return _preview_body(MappingResult(parsed=payload.feed)) | {
        "tables": [
            {
                "heading": table.heading,
                "columns": table.columns,
                "n_rows": table.n_rows,
                "n_skipped": len(table.skipped),
            }
            for table in payload.tables
        ]
    }


def _row_body(row: FeedRow) -> dict[str, Any]:
    return {
        "external_id": row.external_id,
        "host": row.host,
        "api_id": row.api_id,
        "region": row.region,
        "tier": row.tier,
        "name": row.name,
        "source_url": row.source_url,
        "lifecycle": lifecycle_value(row.lifecycle) if row.lifecycle else None,
        "price": price_value(row.prices) if row.prices is not None else None,
    }


def _quarantined_body(reject: RejectedRow) -> dict[str, str]:
    return {"external_id": reject.external_id, "reason": reject.reason, "excerpt": reject.excerpt}
