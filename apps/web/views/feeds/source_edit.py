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
from apps.feeds.models import Payload, SourceMapping
from apps.feeds.sources.configuration import (
    ADDABLE_KINDS,
    NOTICES,
    InvalidSourceError,
    NoSampleError,
    add_source,
    change_source,
    fetch_sample,
    outline_sample,
    set_source_enabled,
    undo_source_change,
)
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.feeds import samples
from apps.web.views.feeds.mapping_preview import MappingPreview, preview_mapping, proposal_for
from apps.web.views.feeds.queries import source_or_404
from apps.web.views.feeds.source_forms import (
    MappingForm,
    PriceForms,
    SampleForm,
    SourceForm,
    prices_of,
)

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
        self.has_mapping = kind == KIND
        self.mapping = MappingForm(data, initial=MappingForm.initial_of(mapping))
        self.prices = PriceForms(data, initial=mapping.get("prices") or [], prefix="p")
        self.sample_form = SampleForm(data, request.FILES or None)
        self.sample: samples.Sample | None = None
        self.preview: MappingPreview | None = None
        self.was_proposed = False
        self.settings: dict[str, Any] | None = None

    def _load_mapping(self) -> dict[str, Any]:
        row = SourceMapping.objects.filter(source=self.source).first() if self.source else None
        return dict(row.settings) if row else {}

    def process_input(self) -> None:
        """Read the sample, propose a mapping if the user has entered none, and try it."""
        if not self.has_mapping or not self.act:
            return
        self._load_sample()
        if self.sample is not None and self.mapping.is_blank() and self.act != "save":
            self._propose_mapping()
        self._read_settings()
        if self.sample is not None:
            self.preview = preview_mapping(self.sample.body, self.settings, source=self.source)
            if self.preview.mapping_errors:
                self._add_mapping_errors(self.preview.mapping_errors)
        elif self.settings is not None:
            self._check_settings()

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

    def _propose_mapping(self) -> None:
        assert self.sample is not None
        proposal = proposal_for(self.sample.body)
        if proposal:
            self.was_proposed = True
            initial = MappingForm.initial_of(proposal)
            fields = {f"m-{name}": value for name, value in _add_default_choices(initial).items()}
            self.mapping = MappingForm(fields, initial=initial)
            prices = proposal.get("prices") or []
            data = {"p-TOTAL_FORMS": str(len(prices)), "p-INITIAL_FORMS": "0"}
            for number, price in enumerate(prices):
                data |= {f"p-{number}-{name}": str(value) for name, value in price.items()}
            self.prices = PriceForms(data, prefix="p")

    def _read_settings(self) -> None:
        if self.mapping.is_valid() and self.prices.is_valid():
            self.settings = self.mapping.settings | {"prices": prices_of(self.prices)}

    def _check_settings(self) -> None:
        preview = preview_mapping(b"", self.settings, source=self.source)
        if preview.mapping_errors:
            self._add_mapping_errors(preview.mapping_errors)

    def _add_mapping_errors(self, errors: dict[str, str]) -> None:
        for name, sentence in errors.items():
            self.mapping.add_error(name if name in self.mapping.fields else None, sentence)

    @property
    def is_ready_to_save(self) -> bool:
        if not self.form.is_valid():
            return False
        return not self.has_mapping or (self.settings is not None and not self.mapping.errors)

    def save(self) -> Source | None:
        """Return the stored source, or None with the errors in the forms."""
        if not self.is_ready_to_save:
            return None
        is_enabling = self.act == "enable"
        if is_enabling and self.has_mapping and (self.preview is None or self.preview.refusal):
            self.form.add_error(
                None,
                "Test the mapping on a readable sample before you enable the source, or save it "
                "disabled.",
            )
            return None
        facts = self.form.facts | (
            {"enabled": is_enabling} if self.source is None or is_enabling else {}
        )
        mapping = self.settings if self.has_mapping else None
        reason = self.form.cleaned_data["reason"]
        try:
            if self.source is None:
                return add_source(
                    kind=self.kind, by=self.user, mapping=mapping, reason=reason, **facts
                )
            change_source(source=self.source, by=self.user, mapping=mapping, reason=reason, **facts)
        except InvalidSourceError as error:
            for name, sentences in error.message_dict.items():
                target: forms.BaseForm = self.mapping if name == "mapping" else self.form
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
            or (self.has_mapping and (self.mapping.errors or self.sample_form.errors))
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
            mapped=self.has_mapping,
            form=self.form,
            mapping=self.mapping,
            prices=self._build_price_forms(),
            sample_form=self.sample_form,
            sample=self.sample,
            preview=self.preview,
            outline=outline_sample(self.sample.body, self.mapping.data.get("m-rows", ""))
            if self.sample
            else None,
            was_proposed=self.was_proposed,
        )

    def _build_price_forms(self) -> Any:
        """Return the price forms with the entered prices and further empty lines."""
        if not self.prices.is_bound or not self.prices.is_valid():
            return self.prices
        return PriceForms(initial=prices_of(self.prices), prefix="p")

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
        return Headline("Add a JSON feed with a mapping.")


def _add_default_choices(initial: dict[str, Any]) -> dict[str, Any]:
    return {"zero": "unknown", "absence": "notices"} | initial


@require_http_methods(["GET", "HEAD", "POST"])
def new_source(request: HttpRequest) -> HttpResponse:
    """Add a source that is read by a mapping, or of the kind that `kind` names. Only `save` and
    `enable` write."""
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
