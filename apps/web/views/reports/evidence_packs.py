"""Evidence packs: requested, followed while they are made, downloaded."""

import contextlib
from datetime import timedelta

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.exports.jobs import ExportError, is_available, read_parts
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import progress_of, request_pack
from apps.reports.tasks import make_one_pack
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import Headline, render_page
from apps.web.views.reports.headlines import pack_headline
from apps.web.wording import count_of

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
        said: dict[str, object] = super().clean() or {}
        about = said.get("about")
        said["subject"] = None
        if about == EvidencePack.Scope.APPLICATION:
            said["subject"] = _called(
                Application.objects.visible_to(self.user), said.get("application")
            )
            if said["subject"] is None:
                self.add_error(
                    "application", "No application with this name found. Check the spelling."
                )
        if about == EvidencePack.Scope.PROVIDER:
            said["subject"] = _called(Provider.objects.visible_to(self.user), said.get("provider"))
            if said["subject"] is None:
                self.add_error("provider", "No provider with this name found. Check the spelling.")
        return said


def _called[M: (Application, Provider)](seen: "QuerySet[M]", word: object) -> M | None:
    """By short name first, then by name, whatever its case."""
    text = str(word or "").strip()
    return seen.filter(slug=text).first() or seen.filter(name__iexact=text).order_by("pk").first()


def _form(request: HttpRequest, user: User) -> PackForm:
    today = day_of(now())
    initial = {
        "since": today - DEFAULT_PERIOD,
        "until": today,
        "application": request.GET.get("application", ""),
        "provider": request.GET.get("provider", ""),
        "about": EvidencePack.Scope.APPLICATION
        if request.GET.get("application")
        else EvidencePack.Scope.PROVIDER
        if request.GET.get("provider")
        else EvidencePack.Scope.ORGANISATION,
    }
    return PackForm(request.POST if request.method == "POST" else None, user=user, initial=initial)


@require_safe
def pack_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    return _list(request, user, _form(request, user))


def _list(request: HttpRequest, user: User, form: PackForm) -> HttpResponse:
    seen = (
        EvidencePack.objects.visible_to(user)
        .select_related("application", "provider", "requested_by")
        .defer("manifest")
    )
    listing = PaginatedList(request, seen.order_by("-as_of", "-pk"), size=25)
    return render_page(
        request,
        "reports/packs.html",
        fragment="listing",
        title="Evidence packs",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Packs that you may fetch",
        as_of=now(),
        sentence=Headline(
            "No pack was asked for yet."
            if not listing.n_found
            else "{packs} on record, with the digests of every file.".format(
                packs=count_of(listing.n_found, "evidence pack", "evidence packs").capitalize()
            )
        ),
        listing=listing,
        form=form,
        today=day_of(now()),
        status=422 if form.is_bound and not form.is_valid() else 200,
    )


@require_POST
def submit_pack_request(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    form = _form(request, user)
    if not form.is_valid():
        return _list(request, user, form)
    said = form.cleaned_data
    subject = said["subject"]
    try:
        asked = request_pack(
            by=user,
            at=now(),
            since=said["since"],
            until=said["until"] + timedelta(days=1),
            application=subject if isinstance(subject, Application) else None,
            provider=subject if isinstance(subject, Provider) else None,
        )
    except ExportError as why:
        form.add_error(None, str(why))
        return _list(request, user, form)
    # without a broker the sweep finds it within a minute
    with contextlib.suppress(OperationalError):
        make_one_pack.delay(asked.pk)
    return redirect("evidence-packs:detail", pk=asked.pk)


def _pack(request: HttpRequest, pk: int) -> EvidencePack:
    seen = EvidencePack.objects.visible_to(signed_in_user(request)).select_related(
        "application", "provider", "requested_by"
    )
    return get_object_or_404(seen, pk=pk)


@require_safe
def pack_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = _pack(request, pk)
    done, n, title = progress_of(found, at=now())
    return render_page(
        request,
        "reports/pack.html",
        title=f"Evidence pack {found.pk}",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("Evidence packs", reverse("evidence-packs:list")),
        ),
        counts="What the person who asked may see",
        as_of=found.as_of,
        sentence=pack_headline(found),
        pack=found,
        is_kept=is_available(found),
        done=done,
        n=n,
        under_way=title,
        again=reverse("evidence-packs:list") + _again(found),
    )


def _again(found: EvidencePack) -> str:
    if found.application is not None:
        return f"?application={found.application.slug}"
    return f"?provider={found.provider.slug}" if found.provider is not None else ""


@require_safe
def pack_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress again, or reload the page once the pack is made."""
    found = _pack(request, pk)
    if found.state not in EvidencePack.OPEN:
        answer = HttpResponse(status=200)
        answer["HX-Refresh"] = "true"
        return answer
    done, n, title = progress_of(found, at=now())
    return render(
        request,
        "reports/pack.html#progress",
        {"pack": found, "done": done, "n": n, "under_way": title},
    )


@require_safe
def pack_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the zip, slice by slice."""
    found = _pack(request, pk)
    if not is_available(found):
        raise Http404("The file of this pack is no longer stored. Request it again.")
    return StreamingHttpResponse(
        read_parts(found),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "Content-Length": str(found.n_bytes),
        },
    )
