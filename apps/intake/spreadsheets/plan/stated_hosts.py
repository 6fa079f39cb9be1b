"""Hosts that the rows of a spreadsheet state: providers of the registry, those that the import
creates, own machines, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from apps.catalog.identity.named_models import HOST_NOT_STATED, OWN_HOSTING
from apps.catalog.identity.names.places import OWN
from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.identity.names.reading import Kind, Reading
from apps.intake.spreadsheets.columns.values import (
    NO_WORDS,
    YES_WORDS,
    fold_name,
    is_empty_text,
)
from apps.intake.spreadsheets.plan.known_models import KnownProvider
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.values.distinct import CREATE


@dataclass(frozen=True, slots=True)
class StatedHost:
    """Host that a row states: `party` is a provider of the registry, `new_name` the name of one
    that the import creates. Neither: not stated, or not to be created (`problem`)."""

    party: KnownProvider | None = None
    slug: str = HOST_NOT_STATED
    new_name: str = ""
    problem: str = ""
    via: KnownProvider | None = None  # a gateway in place of a host


NOT_STATED = StatedHost()


class HostFinder:
    """Finder of the hosts of a file, by its model cells and the cells beside them."""

    def __init__(
        self, catalogue: CatalogueLookup, *, choices: Mapping[str, Any], may_create: bool
    ) -> None:
        """`choices` are those of users for host cells (the values of `use.host`); `may_create`:
        unknown vendors become providers."""
        self._catalogue = catalogue
        self._choices = choices
        self._may_create = may_create

    def find(self, reading: Reading, host_text: str) -> StatedHost:
        """Return the host that the model cell names, else that of the host cell: a choice of a
        user, a provider of the registry, one to be created, or none."""
        if reading.host == OWN:
            return StatedHost(self._catalogue.party_by_slug(OWN_HOSTING), OWN_HOSTING)
        chosen = self._choices.get(fold_name(host_text)) if host_text else None
        stated = self._catalogue.party(host_text) if host_text else None
        if chosen and chosen != CREATE:
            # a host in the model cell comes before the choice for the host cell
            slug = self._catalogue.name_reader.read_name(reading.text).host or str(chosen)
            slug = OWN_HOSTING if slug == OWN else slug
            return StatedHost(self._catalogue.party_by_slug(slug), slug)
        if reading.host:
            party = self._catalogue.party_by_slug(reading.host)
            if stated is not None and reading.kind is Kind.UNKNOWN:
                party = stated
            return StatedHost(party, reading.host)
        if stated is not None:
            if stated.is_gateway and "host" not in stated.roles:
                return StatedHost(via=stated)
            return StatedHost(stated, stated.slug)
        return self.new_host(host_text, chosen=chosen)

    def new_host(self, text: str, *, chosen: Any = None) -> StatedHost:
        """Return the provider that an unknown host cell becomes, or the reason why not."""
        name = " ".join(text.split())[:200]
        slug = slugify(name)[:60]
        if not slug or is_empty_text(name) or not _names_something(name):
            return NOT_STATED
        if chosen is None and fold_name(name) in self._choices:
            return NOT_STATED
        if not self._may_create:
            return StatedHost(
                problem=f"'{name}' is not a known provider. Use the name or ID of a provider in "
                "the registry. A governance user can add providers."
            )
        return StatedHost(None, slug, name)

    def find_vendor(self, reading: Reading, slug: str) -> StatedHost:
        """Return the vendor of a product; one that the registry does not have is created."""
        party = self._catalogue.party_by_slug(slug)
        if party is not None:
            return StatedHost(party, slug)
        product = BY_SLUG[reading.product or reading.candidates[0]]
        return StatedHost(None, slug, product.vendor.partition(" (")[0].strip())


def _names_something(text: str) -> bool:
    """Return whether a host cell has a name, instead of a number, a date, a letter or an answer."""
    return sum(map(str.isalpha, text)) > 1 and text.casefold() not in YES_WORDS | NO_WORDS
