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
    NOTICES,
    ChangedSinceError,
    InvalidSourceError,
    NoSampleError,
    add_source,
    change_source,
    fetch_sample,
    outline_sample,
    set_source_enabled,
    undo_source_change,
)
from apps.web.pages.flash_messages import flash_error, flash_success
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
    """Editor state of one request: the forms, the sample, and what the mapping reads from it."""

    def __init__(self, request: HttpRequest, user: User, source: Source | None, kind: str) -> None:
        self.request, self.user, self.source, self.kind = request, user, source, kind
        posted = request.POST if request.method == "POST" else None
        self.act = request.POST.get("act", "read") if posted is not None else ""
        stored = self._stored()
        self.form = SourceForm(posted, row=source, stored=stored, judges=self.act in SAVING)
        self.mapped = kind == KIND
        self.mapping = MappingForm(posted, initial=MappingForm.initial_of(stored))
        self.prices = PriceForms(posted, initial=stored.get("prices") or [], prefix="p")
        self.sample_form = SampleForm(posted, request.FILES or None)
        self.sample: samples.Sample | None = None
        self.preview: MappingPreview | None = None
        self.was_proposed = False
        self.settings: dict[str, Any] | None = None

    def _stored(self) -> dict[str, Any]:
        row = SourceMapping.objects.filter(source=self.source).first() if self.source else None
        return dict(row.settings) if row else {}

    def work(self) -> None:
        """Read the sample, propose a mapping if the user has entered none, and try it."""
        if not self.mapped or not self.act:
            return
        self._take_sample()
        if self.sample is not None and self.mapping.is_blank() and self.act != "save":
            self._propose()
        self._read_settings()
        if self.sample is not None:
            self.preview = preview_mapping(self.sample.body, self.settings, source=self.source)
            if self.preview.mapping_errors:
                self._blame(self.preview.mapping_errors)
        elif self.settings is not None:
            self._check_settings()

    def _take_sample(self) -> None:
        form = self.sample_form
        if not form.is_valid():
            return
        try:
            self.sample = self._new_sample(form.cleaned_data["file"])
            if self.sample is not None:
                # it stands for what was pasted before
                self.sample_form = SampleForm()
            else:
                self.sample = self._sample_again(
                    form.cleaned_data["text"], form.cleaned_data["kept"]
                )
        except NoSampleError as none:
            form.add_error(None, str(none))

    def _new_sample(self, file: Any) -> samples.Sample | None:
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
            return self._last_payload()
        return None

    def _sample_again(self, text: str, token: str) -> samples.Sample | None:
        if text.strip():
            return samples.Sample(text.encode(errors="replace"), "pasted text", now())
        if token and (sample := samples.load_sample(token, self.user)) is not None:
            return sample
        if token:
            raise NoSampleError("The sample is no longer stored. Upload it again.")
        return None

    def _last_payload(self) -> samples.Sample:
        kept = Payload.objects.filter(source=self.source).order_by("-received_at", "-pk").first()
        if kept is None:
            raise NoSampleError("No body of this source is stored yet. Download one, or upload it.")
        origin = f"the body of {kept.received_at:%Y-%m-%d %H:%M} UTC"
        return samples.store_sample(gzip.decompress(bytes(kept.body)), origin, self.user)

    def _propose(self) -> None:
        assert self.sample is not None
        proposed = proposal_for(self.sample.body)
        if proposed:
            self.was_proposed = True
            initial = MappingForm.initial_of(proposed)
            fields = {f"m-{name}": value for name, value in _usual_choices(initial).items()}
            self.mapping = MappingForm(fields, initial=initial)
            prices = proposed.get("prices") or []
            data = {"p-TOTAL_FORMS": str(len(prices)), "p-INITIAL_FORMS": "0"}
            for number, price in enumerate(prices):
                data |= {f"p-{number}-{name}": str(value) for name, value in price.items()}
            self.prices = PriceForms(data, prefix="p")

    def _read_settings(self) -> None:
        if self.mapping.is_valid() and self.prices.is_valid():
            self.settings = self.mapping.settings | {"prices": prices_of(self.prices)}

    def _check_settings(self) -> None:
        from_nothing = preview_mapping(b"", self.settings, source=self.source)
        if from_nothing.mapping_errors:
            self._blame(from_nothing.mapping_errors)

    def _blame(self, errors: dict[str, str]) -> None:
        for name, sentence in errors.items():
            self.mapping.add_error(name if name in self.mapping.fields else None, sentence)

    @property
    def is_sound(self) -> bool:
        if not self.form.is_valid():
            return False
        return not self.mapped or (self.settings is not None and not self.mapping.errors)

    def save(self) -> Source | None:
        """Return the stored source, or None with the errors in the forms."""
        if not self.is_sound:
            return None
        switch_on = self.act == "enable"
        if switch_on and self.mapped and (self.preview is None or self.preview.refusal):
            self.form.add_error(
                None,
                "Test the mapping on a readable sample before you enable the source, or save it "
                "disabled.",
            )
            return None
        facts = self.form.facts | (
            {"enabled": switch_on} if self.source is None or switch_on else {}
        )
        mapping = self.settings if self.mapped else None
        reason = self.form.cleaned_data["reason"]
        try:
            if self.source is None:
                return add_source(
                    kind=self.kind, by=self.user, mapping=mapping, reason=reason, **facts
                )
            change_source(source=self.source, by=self.user, mapping=mapping, reason=reason, **facts)
        except InvalidSourceError as refused:
            for name, sentences in refused.message_dict.items():
                target: forms.BaseForm = self.mapping if name == "mapping" else self.form
                target.add_error(
                    name if name in target.fields else None,
                    [ValidationError(said) for said in sentences],
                )
            return None
        return self.source

    def answer(self) -> HttpResponse:
        failed = self.act and (
            self.form.errors or (self.mapped and (self.mapping.errors or self.sample_form.errors))
        )
        return render_page(
            self.request,
            "feeds/source.html",
            title=self.source.name if self.source else "New source",
            crumbs=self._crumbs(),
            status=422 if failed else 200,
            sentence=self._sentence(),
            source=self.source,
            kind=self.kind,
            mapped=self.mapped,
            form=self.form,
            mapping=self.mapping,
            prices=self._prices_with_room(),
            sample_form=self.sample_form,
            sample=self.sample,
            preview=self.preview,
            outline=outline_sample(self.sample.body, self.mapping.data.get("m-rows", ""))
            if self.sample
            else None,
            was_proposed=self.was_proposed,
        )

    def _prices_with_room(self) -> Any:
        """The prices as they stand, with further empty lines."""
        if not self.prices.is_bound or not self.prices.is_valid():
            return self.prices
        return PriceForms(initial=prices_of(self.prices), prefix="p")

    def _crumbs(self) -> tuple[tuple[str, str], ...]:
        feeds = ("Feeds", reverse("feeds:list"))
        return (
            (feeds, (self.source.name, reverse("feeds:detail", args=[self.source.slug])))
            if self.source
            else (feeds,)
        )

    def _sentence(self) -> Headline:
        if self.preview is not None:
            return self.preview.sentence
        if self.source is not None:
            return Headline(f"How is {self.source.name} read?")
        if self.kind == NOTICES:
            return Headline("Whose notices should people here read?")
        return Headline("Where does what you want to know lie in the document?")


def _usual_choices(initial: dict[str, Any]) -> dict[str, Any]:
    return {"zero": "unknown", "absence": "notices"} | initial


@require_http_methods(["GET", "HEAD", "POST"])
def new_source(request: HttpRequest) -> HttpResponse:
    """Add a source that is read by a mapping, or (?kind=notices) one of notices. Only `save` and
    `enable` write."""
    user = governance_user(request, GOVERNANCE_ONLY)
    kind = NOTICES if request.GET.get("kind") == NOTICES else KIND
    desk = _SourceEditor(request, user, None, kind)
    if request.method == "POST":
        desk.work()
        if desk.act in SAVING and (made := desk.save()) is not None:
            if made.enabled:
                flash_success(
                    request,
                    "Saved. The source is polled within a minute. Its first payload is the "
                    "baseline and raises no events.",
                )
            else:
                flash_success(
                    request, "Saved and disabled. The source is not polled until you enable it."
                )
            return redirect("feeds:detail", slug=made.slug)
    return desk.answer()


@require_http_methods(["GET", "HEAD", "POST"])
def edit_source(request: HttpRequest, slug: str) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    if request.method != "POST" or request.POST.get("act", "read") not in SAVING:
        desk = _SourceEditor(request, user, source, source.kind)
        desk.work()
        return desk.answer()
    with transaction.atomic():
        source = Source.objects.select_for_update().get(pk=source.pk)
        desk = _SourceEditor(request, user, source, source.kind)
        desk.work()
        if desk.save() is None:
            return desk.answer()
        flash_success(
            request, "Saved. The change applies from the next poll.", undo=_undo_of(source)
        )
    return redirect("feeds:detail", slug=slug)


def _undo_of(source: Source) -> str:
    return reverse("feeds:undo", args=[source.slug, current_change_id()])


@require_POST
def toggle_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Enable a disabled source, or disable an enabled one, as the button says."""
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    enabled = request.POST.get("enabled") == "true"
    try:
        changed = set_source_enabled(
            source=source, enabled=enabled, by=user, reason=request.POST.get("reason", "")[:500]
        )
    except InvalidSourceError as refused:
        flash_error(request, " ".join(refused.messages))
        return redirect("feeds:detail", slug=slug)
    if changed:
        said = (
            "It is polled from now on."
            if enabled
            else "It is no longer polled. What it said stands, and counts as late before long."
        )
        flash_success(request, said, undo=_undo_of(source))
    return redirect("feeds:detail", slug=slug)


@require_POST
def undo_edit(request: HttpRequest, slug: str, change: UUID) -> HttpResponse:
    user = governance_user(request, GOVERNANCE_ONLY)
    source = source_or_404(request, slug)
    try:
        undo_source_change(source=source, change=change, by=user)
    except ChangedSinceError as since:
        flash_error(request, str(since))
    else:
        flash_success(request, "The change of the source was undone.", undo=_undo_of(source))
    return redirect("feeds:detail", slug=slug)


__all__ = ["edit_source", "new_source", "toggle_source", "undo_edit"]
