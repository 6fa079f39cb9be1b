"""Preview of the mapping of a lifecycle page: the tables and rows that it reads from a sample, and
the proposal of a mapping. Writes nothing."""

from dataclasses import replace
from typing import Any

from apps.catalog.models import Source
from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.mapping.reader import MappingResult
from apps.feeds.models import PollState
from apps.feeds.parsers.payload import InvalidPayloadError
from apps.feeds.sources.adapters import compare_with_last_form
from apps.feeds.sources.page_form import FormChange, PagePayload
from apps.feeds.sources.page_payload import propose_page_mapping, read_page_sample
from apps.web.views.feeds.mapping_preview import MappingPreview, PreviewTable, build_preview


def preview_page(
    body: bytes, settings: dict[str, Any] | None, *, source: Source | None, url: str
) -> MappingPreview:
    """Preview `body` as read by `settings` (in their stored form); an empty body only checks them.

    Two statements, five more if `source` has been polled before."""
    if settings is None:
        return MappingPreview()
    try:
        payload = read_page_sample(body, settings, url=url)
    except InvalidMappingError as error:
        return MappingPreview(mapping_errors=error.errors)
    except InvalidPayloadError as error:
        return MappingPreview(refusal=str(error))
    if payload is None:
        return MappingPreview()
    changes = _compare_form(source, payload) if source is not None else []
    preview = build_preview(
        MappingResult(parsed=payload.feed),
        source,
        doubts=[change.doubt for change in changes],
    )
    return replace(
        preview,
        is_page=True,
        tables=tuple(
            PreviewTable(
                table.heading,
                tuple(header for header in table.columns.values() if header),
                table.n_rows,
                len(table.skipped),
            )
            for table in payload.tables
        ),
    )


def _compare_form(source: Source, payload: PagePayload) -> list[FormChange]:
    state = PollState.objects.filter(source=source).first()
    if state is None:
        return []
    return compare_with_last_form(source, state.page_form, payload.form)


def page_proposal_for(body: bytes) -> dict[str, Any]:
    """Propose a mapping for the sample; empty if it has no table of models and dates, which the
    preview then says."""
    try:
        return propose_page_mapping(body)
    except InvalidPayloadError:
        return {}
