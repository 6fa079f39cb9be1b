"""Source settings: adding a source without code, editing, enabling and disabling it, and undo."""

import gzip
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.catalog.models import Source
from apps.common.history.context import current_change_id
from apps.common.http.installation_policy import installation_policy
from apps.common.time import now
from apps.feeds.mapping.definition import KIND
from apps.feeds.models import Payload
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.sources.adapters import mapping_settings
from apps.feeds.sources.configuration import (
    ADDABLE_KINDS,
    NOTICES,
    InvalidSourceError,
    NoSampleError,
    add_source,
    change_source,
    fetch_sample,
    set_source_enabled,
    undo_source_change,
)
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.feeds import samples
from apps.web.views.feeds.mapping_inputs import build_mapping_input
from apps.web.views.feeds.mapping_preview import MappingPreview
from apps.web.views.feeds.queries import source_or_404
from apps.web.views.feeds.source_forms import SampleForm, SourceForm

GOVERNANCE_ONLY = "You need the governance role to add and change sources."
SAVING = frozenset({"save", "enable"})


class _SourceEditor:
    """Editor state of one request: the forms, the sample, and the preview of the mapping on it."""

    def __init__(self, request: HttpRequest, user: User, source: Source | None, kind: str) -> None:
        self.request, self.user, self.source, self.kind = request, user, source, kind
        data = request.POST if request.method == "POST" else None
        self.act = request.POST.get("act", "read") if data is not None else ""
        mapping = self._load_mapping()
        self.form = SourceForm(
            data, row=source, mapping=mapping, reports_errors=self.act in SAVING, kind=kind
        )
        self.input = build_mapping_input(kind, data, mapping)
        self.sample_form = SampleForm(data, request.FILES or None)
        self.sample: samples.Sample | None = None
        self.preview: MappingPreview | None = None
        self.was_proposed = False
        self.settings: dict[str, Any] | None = None

    def _load_mapping(self) -> dict[str, Any]:
        return (mapping_settings(self.source) if self.source else None) or {}

    def process_input(self) -> None:
        """Read the sample, propose a mapping if the user has entered none, and try it."""
        if self.input is None or not self.act:
            return
        self._load_sample()
        if self.sample is not None and self.input.is_blank() and self.act != "save":
            self.was_proposed = self.input.propose(self.sample.body)
        self.settings = self.input.read_settings()
        self._check_mapping()

    def _load_sample(self) -> None:
        form = self.sample_form
        if not form.is_valid():
            return
        try:
            self.sample = self._read_new_sample(form.cleaned_data["file"])
            if self.sample is not None:
                # the new sample replaces the one pasted before
                self.sample_form = SampleForm()
            else:
                self.sample = self._reload_sample(
                    form.cleaned_data["text"], form.cleaned_data["kept"]
                )
        except NoSampleError as error:
            form.add_error(None, str(error))

    def _read_new_sample(self, file: Any) -> samples.Sample | None:
        if file:
            body = samples.decompress_sample(file.read(samples.MAX_SAMPLE_BYTES + 1))
            if body is None:
                raise NoSampleError("The file is larger than 32 MB unpacked. Upload a part of it.")
            return samples.store_sample(body, file.name[:80], self.user)
        if self.act == "fetch":
            url = self.request.POST.get("url", "").strip()
            return samples.store_sample(
                fetch_sample(url, by=self.user, policy=installation_policy()), url, self.user
            )
        if self.act == "last" and self.source is not None:
            return self._load_last_payload()
        return None

    def _reload_sample(self, text: str, token: str) -> samples.Sample | None:
        if text.strip():
            return samples.Sample(text.encode(errors="replace"), "pasted text", now())
        if token and (sample := samples.load_sample(token, self.user)) is not None:
            return sample
        if token:
            raise NoSampleError("The sample is no longer stored. Upload it again.")
        return None

    def _load_last_payload(self) -> samples.Sample:
        payload = Payload.objects.filter(source=self.source).order_by("-received_at", "-pk").first()
        if payload is None:
            raise NoSampleError("No body of this source is stored yet. Download one, or upload it.")
        origin = f"the body of {payload.received_at:%Y-%m-%d %H:%M} UTC"
        return samples.store_sample(gzip.decompress(bytes(payload.body)), origin, self.user)

    def _check_mapping(self) -> None:
        """Preview the mapping on the sample, or check it without one; errors go to the forms."""
        assert self.input is not None
        if self.sample is None and self.settings is None:
            return
        preview = self.input.preview(
            self.sample.body if self.sample is not None else b"",
            self.settings,
            source=self.source,
            url=self.request.POST.get("url", "").strip(),
        )
        if self.sample is not None:
            self.preview = preview
        for name, sentence in preview.mapping_errors.items():
            self.input.mapping.add_mapping_error(name, sentence)

    @property
    def is_ready_to_save(self) -> bool:
        if not self.form.is_valid():
            return False
        return self.input is None or (self.settings is not None and not self.input.mapping.errors)

    def save(self) -> Source | None:
        """Return the stored source, or None with the errors in the forms."""
        if not self.is_ready_to_save:
            return None
        is_enabling = self.act == "enable"
        if (
            is_enabling
            and self.input is not None
            and (self.preview is None or self.preview.refusal)
        ):
            self.form.add_error(
                None,
                "Test the mapping on a readable sample before you enable the source, or save it "
                "disabled.",
            )
            return None
        facts = self.form.facts | (
            {"enabled": is_enabling} if self.source is None or is_enabling else {}
        )
        mapping = self.settings if self.input is not None else None
        reason = self.form.cleaned_data["reason"]
        try:
            if self.source is None:
                return add_source(
                    kind=self.kind, by=self.user, mapping=mapping, reason=reason, **facts
                )
            change_source(source=self.source, by=self.user, mapping=mapping, reason=reason, **facts)
        except InvalidSourceError as error:
            for name, sentences in error.message_dict.items():
                target: forms.BaseForm = self.form
                if name == "mapping" and self.input is not None:
                    target = self.input.mapping
                target.add_error(
                    name if name in target.fields else None,
                    [ValidationError(sentence) for sentence in sentences],
                )
            return None
        return self.source

    def render_response(self) -> HttpResponse:
        """Render the form with sample and preview; status 422 if submitted values have errors."""
        has_errors = self.act and (
            self.form.errors
            or (self.input is not None and (self.input.mapping.errors or self.sample_form.errors))
        )
        return render_page(
            self.request,
            "feeds/source.html",
            title=self.source.name if self.source else "New feed",
            crumbs=self._build_crumbs(),
            status=422 if has_errors else 200,
            sentence=self._build_headline(),
            source=self.source,
            kind=self.kind,
            mapped=self.input is not None,
            form=self.form,
            mapping=self.input.mapping if self.input is not None else None,
            sample_form=self.sample_form,
            sample=self.sample,
            preview=self.preview,
            was_proposed=self.was_proposed,
            **self._build_mapping_context(),
        )

    def _build_mapping_context(self) -> dict[str, Any]:
        if self.input is None:
            return {}
        return self.input.build_context(self.sample.body if self.sample else None)

    def _build_crumbs(self) -> tuple[tuple[str, str], ...]:
        feeds = ("Feeds", reverse("feeds:list"))
        return (
            (feeds, (self.source.name, reverse("feeds:detail", args=[self.source.slug])))
            if self.source
            else (feeds,)
        )

    def _build_headline(self) -> Headline:
        if self.preview is not None:
            return self.preview.sentence
        if self.source is not None:
            return Headline(f"Edit the feed {self.source.name}.")
        if self.kind == Source.STATUS:
            return Headline("Add the status page of a host.")
        if self.kind == NOTICES:
            return Headline("Add a feed of provider notices.")
        if self.kind == PAGE:
            return Headline("Add the lifecycle page of a provider.")
        return Headline("Add a JSON feed with a mapping.")


@require_http_methods(["GET", "HEAD", "POST"])
def new_source(request: HttpRequest) -> HttpResponse:
    """Add a source that is read by a mapping of JSON, or of the kind that `kind` names. Only `save`
    and `enable` write."""
    user = governance_user(request, GOVERNANCE_ONLY)
    requested = request.GET.get("kind", "")
    kind = requested if requested in ADDABLE_KINDS else KIND
    editor = _SourceEditor(request, user, None, kind)
    if request.method == "POST":
        editor.process_input()
        if editor.act in SAVING and (source := editor.save()) is not None:
            if source.enabled:
                flash_success(
                    request,
                    "Saved. The source is polled within a minute. Its first payload is the "
                    "baseline and raises no events.",
                )
            else:
                flash_success(
                    request, "Saved and disabled. The source is not polled until you enable it."
                )
            return redirect("feeds:detail", slug=source.slug)
    return editor.render_response()


@require_http_methods(["GET", "HEAD", "POST"])
def edit_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit a source: the form with a preview of its mapping, and on `save` and `enable` the change.

    Other values of `act` (read, fetch, last) only load a sample and show the form again.
    """
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    if request.method != "POST" or request.POST.get("act", "read") not in SAVING:
        editor = _SourceEditor(request, user, source, source.kind)
        editor.process_input()
        return editor.render_response()
    with transaction.atomic():
        # the form compares the entered values with the stored ones, which must not change meanwhile
        source = Source.objects.select_for_update().get(pk=source.pk)
        editor = _SourceEditor(request, user, source, source.kind)
        editor.process_input()
        if editor.save() is None:
            return editor.render_response()
        flash_success(
            request, "Saved. The change applies from the next poll.", undo=_build_undo_url(source)
        )
    return redirect("feeds:detail", slug=slug)


def _build_undo_url(source: Source) -> str:
    return reverse("feeds:undo", args=[source.slug, current_change_id()])


@require_POST
def toggle_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Enable or disable the source, as the field `enabled` requests."""
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    is_enabling = request.POST.get("enabled") == "true"
    message = (
        "Feed enabled. It is polled at its interval."
        if is_enabling
        else "Feed disabled. Its values stay in the catalogue and become out of date."
    )
    return action_view(
        request,
        action=lambda _form: set_source_enabled(
            source=source, enabled=is_enabling, by=user, reason=request.POST.get("reason", "")[:500]
        ),
        done=lambda has_changed: (
            Confirmation(message, _build_undo_url(source)) if has_changed else ""
        ),
        back=reverse("feeds:detail", args=[slug]),
    )


@require_POST
def undo_edit(request: HttpRequest, slug: str, change: UUID) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    return action_view(
        request,
        action=lambda _form: undo_source_change(source=source, change=change, by=user),
        done=lambda _result: Confirmation(
            "The change of the feed was undone.", _build_undo_url(source)
        ),
        back=reverse("feeds:detail", args=[slug]),
    )


__all__ = ["edit_source", "new_source", "toggle_source", "undo_edit"]
