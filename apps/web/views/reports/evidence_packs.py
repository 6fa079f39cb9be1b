"""Evidence packs: the list, requests, the progress of a pack, and its file."""

import contextlib
from collections.abc import Mapping
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.exports.jobs import is_available, read_parts
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import progress_of, request_pack
from apps.reports.tasks import make_one_pack
from apps.web.lists.columns import NO_VALUE, Column, FileColumn, format_day, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.reports.headlines import pack_headline
from apps.web.wording import day

DEFAULT_PERIOD = timedelta(days=365)


class PackForm(forms.Form):
    about = forms.ChoiceField(
        label="Scope",
        choices=EvidencePack.Scope.choices,
        initial=EvidencePack.Scope.ORGANISATION,
        widget=forms.RadioSelect,
    )
    application = forms.CharField(
        label="Application",
        required=False,
        help_text="Name or slug.",
    )
    provider = forms.CharField(
        label="Provider",
        required=False,
        help_text="Name or slug.",
    )
    since = DayField(label="From", help_text="First day of the period.")
    until = DayField(label="To", help_text="Last day of the period (included).")

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean(self) -> dict[str, object]:
        """Set `subject` to the application or provider of the scope; None for the whole
        organisation."""
        cleaned: dict[str, object] = super().clean() or {}
        scope = cleaned.get("about")
        cleaned["subject"] = None
        if scope == EvidencePack.Scope.APPLICATION:
            cleaned["subject"] = _find_by_name(
                Application.objects.visible_to(self.user), cleaned.get("application")
            )
            if cleaned["subject"] is None:
                self.add_error(
                    "application", "No application with this name found. Check the spelling."
                )
        if scope == EvidencePack.Scope.PROVIDER:
            cleaned["subject"] = _find_by_name(
                Provider.objects.visible_to(self.user), cleaned.get("provider")
            )
            if cleaned["subject"] is None:
                self.add_error("provider", "No provider with this name found. Check the spelling.")
        return cleaned


def _find_by_name[M: (Application, Provider)](queryset: "QuerySet[M]", value: object) -> M | None:
    """Return the record with this slug, else with this name in any case; None if none matches."""
    text = str(value or "").strip()
    return (
        queryset.filter(slug=text).first()
        or queryset.filter(name__iexact=text).order_by("pk").first()
    )


def build_pack_form(query: QueryDict, data: QueryDict | None, user: User, today: date) -> PackForm:
    """Return the form with the subject that the query of the address names."""
    initial = {
        "since": today - DEFAULT_PERIOD,
        "until": today,
        "application": query.get("application", ""),
        "provider": query.get("provider", ""),
        "about": EvidencePack.Scope.APPLICATION
        if query.get("application")
        else EvidencePack.Scope.PROVIDER
        if query.get("provider")
        else EvidencePack.Scope.ORGANISATION,
    }
    return PackForm(data, user=user, initial=initial)


def describe_pack_scope(pack: EvidencePack) -> str:
    if pack.about:
        return pack.about
    return "The whole organisation" if pack.whole_organisation else f"Teams of {pack.requested_by}"


class EvidencePackList(ListPage[EvidencePack, EvidencePack]):
    """Evidence packs of the user, latest first, with the form to request one."""

    namespace = "evidence-packs"
    title = "Evidence packs"
    nouns = ("evidence pack", "evidence packs")
    counts = "Evidence packs that you can download"
    columns = (
        Column[EvidencePack](
            "pack",
            "Pack",
            attrgetter("pk"),
            format=lambda pk: f"Pack {pk}",
            note=lambda pack: format_moment(pack.as_of),
            url=lambda pack: reverse("evidence-packs:detail", args=[pack.pk]),
        ),
        Column[EvidencePack]("scope", "Scope", describe_pack_scope),
        Column[EvidencePack](
            "period",
            "Period from",
            attrgetter("since"),
            format=format_day,
            note=lambda pack: f"to {day(pack.last_day)}",
        ),
        Column[EvidencePack]("requested_by", "Requested by", attrgetter("requested_by")),
        Column[EvidencePack](
            "state",
            "State",
            EvidencePack.get_state_display,
            css=lambda pack: "state late" if pack.state == EvidencePack.State.FAILED else "state",
        ),
        Column[EvidencePack](
            "digest",
            "Digest of the manifest",
            attrgetter("digest"),
            format=lambda digest: f"{digest[:16]}…" if digest else NO_VALUE,
            css=lambda pack: "id" if pack.digest else "",
        ),
    )
    file_columns = (
        FileColumn[EvidencePack]("Period to", attrgetter("last_day")),
        FileColumn[EvidencePack]("Requested at", attrgetter("as_of")),
        FileColumn[EvidencePack]("Files", attrgetter("n_files")),
        FileColumn[EvidencePack]("Download until", attrgetter("expires_on")),
    )
    default_order = ("", ("-as_of", "-pk"))
    page_size = 25
    template = "reports/packs.html"

    def get_queryset(self) -> "QuerySet[EvidencePack]":
        return (
            EvidencePack.objects.visible_to(self.user)
            .select_related("application", "provider", "requested_by")
            .defer("manifest")
        )

    @cached_property
    def is_filtered(self) -> bool:
        # the query of the address fills in the form
        return False

    def get_lead(self) -> Headline:
        if not self.listing.n_found:
            return Headline("No evidence packs yet.")
        return Headline(f"{self.count_records()} recorded, with the digest of every file.")

    def get_basis(self) -> str:
        return (
            "A pack contains what you can view. The latest 20 files of each user are stored for 90 "
            "days; their digests are kept."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No evidence packs yet.",
            "A pack is one zip file with the inventory, decisions and notifications of a period. "
            "Request the first with the form on this page.",
        )

    def get_context(self) -> Mapping[str, Any]:
        return {"form": build_pack_form(self.request.GET, None, self.user, self.today)}


@require_POST
def submit_pack_request(request: HttpRequest) -> HttpResponse:
    """Queue an evidence pack and redirect to its page."""
    user = signed_in_user(request)

    def act(form: PackForm) -> EvidencePack:
        cleaned = form.cleaned_data
        subject = cleaned["subject"]
        return request_pack(
            by=user,
            at=now(),
            since=cleaned["since"],
            until=cleaned["until"] + timedelta(days=1),
            application=subject if isinstance(subject, Application) else None,
            provider=subject if isinstance(subject, Provider) else None,
        )

    return action_view(
        request,
        form=lambda: build_pack_form(request.GET, request.POST, user, day_of(now())),
        action=act,
        done=_start_worker,
        back=lambda pack: reverse("evidence-packs:detail", args=[pack.pk]),
        page=lambda form: EvidencePackList.of_request(request).render(request, form=form),
    )


def _start_worker(pack: EvidencePack) -> str:
    """Send the pack to a worker. Return no message: the page of the pack shows the progress."""
    # without a broker, beat starts it within a minute
    with contextlib.suppress(OperationalError):
        make_one_pack.delay(pack.pk)
    return ""


def _get_pack(request: HttpRequest, pk: int) -> EvidencePack:
    packs = EvidencePack.objects.visible_to(signed_in_user(request)).select_related(
        "application", "provider", "requested_by"
    )
    return get_object_or_404(packs, pk=pk)


@require_safe
def pack_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an evidence pack: its state, and its files once it is ready."""
    pack = _get_pack(request, pk)
    n_done, n_files, current_file = progress_of(pack, at=now())
    return render_page(
        request,
        "reports/pack.html",
        title=f"Evidence pack {pack.pk}",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("Evidence packs", reverse("evidence-packs:list")),
        ),
        counts="Data that the requesting user can view",
        as_of=pack.as_of,
        sentence=pack_headline(pack),
        pack=pack,
        is_kept=is_available(pack),
        done=n_done,
        n=n_files,
        under_way=current_file,
        again=reverse("evidence-packs:list") + _repeat_query(pack),
    )


def _repeat_query(pack: EvidencePack) -> str:
    if pack.application is not None:
        return f"?application={pack.application.slug}"
    return f"?provider={pack.provider.slug}" if pack.provider is not None else ""


@require_safe
def pack_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress again, or reload the page once the pack is made."""
    pack = _get_pack(request, pk)
    if pack.state not in EvidencePack.OPEN:
        response = HttpResponse(status=200)
        response["HX-Refresh"] = "true"
        return response
    n_done, n_files, current_file = progress_of(pack, at=now())
    return render(
        request,
        "reports/pack.html#progress",
        {"pack": pack, "done": n_done, "n": n_files, "under_way": current_file},
    )


@require_safe
def pack_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the zip, slice by slice."""
    pack = _get_pack(request, pk)
    if not is_available(pack):
        raise Http404("The file of this pack is no longer stored. Request it again.")
    return StreamingHttpResponse(
        read_parts(pack),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{pack.file_name}"',
            "Content-Length": str(pack.n_bytes),
        },
    )
