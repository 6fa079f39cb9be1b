"""Approval targets: providers, foundations, versions and offerings, named by a URL or found by
search."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.inventory.governance.approvals import TARGET_COLUMNS, ApprovalTarget

MAX_RESULTS_PER_KIND = 6


@dataclass(frozen=True, slots=True)
class SelectedTarget:
    """Target as pages show it; `kind` and `key` name it in a URL."""

    kind: str
    key: str
    name: str
    note: str
    url: str

    @property
    def word(self) -> str:
        return kind_words()[self.kind]

    @property
    def query(self) -> str:
        return urlencode({self.kind: self.key})


def kind_words() -> dict[str, str]:
    return {
        "provider": "provider",
        "foundation": "foundation",
        "version": "version",
        "offering": "offering",
    }


def load_target(target: ApprovalTarget) -> SelectedTarget:
    """Present an approval target without a statement; an offering must be loaded with its
    `host`."""
    kind = TARGET_COLUMNS[type(target)]
    if isinstance(target, Offering):
        key, name, note = str(target.pk), target.api_id, f"on {target.host.name}"
        url = reverse("offerings:detail", args=[target.pk])
    elif isinstance(target, Version):
        key, name, note, url = (
            str(target.pk),
            target.identifier,
            "",
            reverse("versions:detail", args=[target.pk]),
        )
    elif isinstance(target, Foundation):
        key, name, note, url = (
            target.slug,
            target.name,
            "",
            reverse("foundations:detail", args=[target.slug]),
        )
    else:
        key, name, note, url = (
            target.slug,
            target.name,
            "",
            reverse("providers:detail", args=[target.slug]),
        )
    return SelectedTarget(kind, key, name, note, url)


def requested_target(fields: QueryDict, *, user: Any) -> ApprovalTarget | None:
    """Return the target that the URL parameters identify, or None; one statement."""
    for kind, key in ((kind, fields.get(kind, "")) for kind in kind_words()):
        if not key:
            continue
        if kind == "provider":
            return Provider.objects.visible_to(user).filter(slug=key).first()
        if kind == "foundation":
            return Foundation.objects.visible_to(user).filter(slug=key).first()
        if not key.isdecimal() or len(key) > 18:
            return None
        if kind == "version":
            return Version.objects.visible_to(user).filter(pk=key).first()
        return Offering.objects.visible_to(user).select_related("host").filter(pk=key).first()
    return None


def search_targets(text: str, *, user: Any) -> list[SelectedTarget]:
    """Return at most MAX_RESULTS_PER_KIND targets of each kind; four statements."""
    if len(text) < 2:
        return []
    providers = Provider.objects.visible_to(user).filter(
        Q(name__icontains=text) | Q(slug__icontains=text)
    )
    foundations = Foundation.objects.visible_to(user).filter(
        Q(name__icontains=text) | Q(line__icontains=text)
    )
    versions = Version.objects.visible_to(user).filter(identifier__icontains=text)
    offerings = (
        Offering.objects.model_ids()
        .visible_to(user)
        .filter(api_id__icontains=text)
        .select_related("host")
    )
    targets: list[ApprovalTarget] = [
        *providers.order_by("name", "pk")[:MAX_RESULTS_PER_KIND],
        *foundations.order_by("name", "pk")[:MAX_RESULTS_PER_KIND],
        *versions.order_by("identifier")[:MAX_RESULTS_PER_KIND],
        *offerings.order_by("api_id", "host__name", "pk")[:MAX_RESULTS_PER_KIND],
    ]
    return [load_target(target) for target in targets]
