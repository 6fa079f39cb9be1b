"""Distinct values of an import as records: built from what its file says and what the registry has,
stored with the import."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.accounts.people.addresses import read_address
from apps.accounts.people.queries import persons_by_address
from apps.catalog.identity.named_models import OWN_HOSTING
from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.places import OWN, read_host_cell
from apps.intake.models import Import, ImportValue
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, model_key
from apps.intake.spreadsheets.columns.scan import MODEL, RawValue
from apps.intake.spreadsheets.columns.values import fold_name
from apps.intake.spreadsheets.plan.existing_records import ExistingRecords
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.model_references import ModelReference, ModelReferences
from apps.intake.spreadsheets.values.distinct import (
    CREATE,
    Certainty,
    DistinctValue,
    Guess,
    ModelKind,
    ValueKind,
)

_MAX_APPLICATIONS = 3


class ValueRecords:
    """Builder of the records of a file's distinct values."""

    def __init__(
        self,
        mapping: BookMapping,
        records: ExistingRecords,
        catalogue: CatalogueLookup,
        references: ModelReferences,
    ) -> None:
        self._mapping = mapping
        self._records = records
        self._catalogue = catalogue
        self._references = references

    def build(
        self, raw_values: Iterable[RawValue], values: Iterable[DistinctValue]
    ) -> list[ImportValue]:
        """Return unsaved records: mapped values, names of teams, people and providers, and model
        names, one for each model of a cell."""
        raw_values = list(raw_values)
        headers = {(raw.code, raw.text): raw.header for raw in raw_values}
        built = [self._of_value(value, headers[value.code, value.text]) for value in values]
        named = [raw for raw in raw_values if raw.code != MODEL]
        addresses = {
            raw.text: named_address.address
            for raw in named
            if FIELDS[raw.code].kind is ValueKind.PERSON
            and (named_address := read_address(raw.text)) is not None
        }
        persons = persons_by_address(addresses.values()) if addresses else {}
        for raw in named:
            kind = FIELDS[raw.code].kind
            if kind is ValueKind.TEAM:
                built.append(self._of_record(raw, self._guess_team(raw.text)))
            elif kind is ValueKind.PROVIDER:
                built.append(self._of_record(raw, self._guess_provider(raw.text)))
            elif kind is ValueKind.PERSON:
                address = addresses.get(raw.text)
                guess = (
                    Guess(address, Certainty.CERTAIN)
                    if address
                    else Guess(raw.text, Certainty.LIKELY, "The text names no address.")
                )
                detail = {"known": bool(address and address in persons), "address": bool(address)}
                built.append(self._of_record(raw, guess, detail))
        return built + self._of_models([raw for raw in raw_values if raw.code == MODEL])

    def _of_value(self, value: DistinctValue, header: str) -> ImportValue:
        return ImportValue(
            code=value.code,
            text=value.text,
            header=header[:200],
            n_rows=value.n_rows,
            first_row=value.first_row,
            certainty=str(value.guess.certainty),
            guess=value.guess.value,
            is_chosen=value.is_chosen,
            choice=value.choice,
            detail={"why": value.guess.why} if value.guess.why else {},
        )

    def _of_record(
        self, raw: RawValue, guess: Guess, detail: Mapping[str, Any] | None = None
    ) -> ImportValue:
        chosen = self._mapping.values.get(raw.code, {})
        key = fold_name(raw.text)
        return ImportValue(
            code=raw.code,
            text=raw.text,
            header=raw.header[:200],
            n_rows=raw.n_rows,
            first_row=raw.first_row,
            certainty=str(guess.certainty),
            guess=guess.value,
            is_chosen=key in chosen,
            choice=chosen.get(key),
            detail={**(detail or {}), **({"why": guess.why} if guess.why else {})},
        )

    def _guess_team(self, text: str) -> Guess:
        if self._records.has_team(text):
            team = self._records.team(text)
            if isinstance(team, str):
                return Guess(None, Certainty.NONE, team)
            return Guess(team.slug, Certainty.CERTAIN)
        if self._records.may_create:
            return Guess(CREATE, Certainty.CERTAIN)
        return Guess(
            None,
            Certainty.NONE,
            f"No team '{text}' found. Enter the name or ID of one of your teams. A governance user "
            "can add teams.",
        )

    def _guess_provider(self, text: str) -> Guess:
        party = self._catalogue.party(text)
        if party is not None:
            return Guess(party.slug, Certainty.CERTAIN)
        host = read_host_cell(phrases.fold(phrases.clean(text))).host
        if host == OWN:
            return Guess(OWN_HOSTING, Certainty.CERTAIN, "Own machines.")
        if host:
            return Guess(host, Certainty.LIKELY)
        stated = self._references.hosts.new_host(text)
        if stated.new_name:
            return Guess(CREATE, Certainty.LIKELY)
        return Guess(None, Certainty.NONE, stated.problem)

    def _of_models(self, raw_values: Iterable[RawValue]) -> list[ImportValue]:
        """Return one record for each model and host cell, also of cells with several models."""
        built: dict[str, ImportValue] = {}
        for raw in raw_values:
            references = self._references.read(raw.text, raw.context)
            for reference in references:
                key = model_key(reference.text, raw.context)
                record = built.get(key)
                if record is None:
                    record = built[key] = self._of_model(raw, reference, len(references) > 1)
                else:
                    record.n_rows += raw.n_rows
                    record.first_row = min(record.first_row, raw.first_row)
                names = dict.fromkeys((*record.detail["applications"], *raw.applications))
                record.detail["applications"] = list(names)[:_MAX_APPLICATIONS]
        return list(built.values())

    def _of_model(self, raw: RawValue, reference: ModelReference, is_part: bool) -> ImportValue:
        model = reference.model
        chosen = self._mapping.models.get(model_key(reference.text, raw.context))
        offering = (
            model.offering if model is not None and reference.kind is ModelKind.RESOLVED else None
        )
        certainty = (
            Certainty.NONE
            if model is None
            else Certainty.CERTAIN
            if model.confidence >= 1
            else Certainty.LIKELY
            if offering is not None
            else Certainty.NONE
        )
        return ImportValue(
            code=MODEL,
            text=reference.text,
            context=raw.context,
            header=raw.header[:200],
            n_rows=raw.n_rows,
            first_row=raw.first_row,
            certainty=str(certainty),
            guess=offering,
            is_chosen=chosen is not None,
            choice=chosen,
            detail={
                "kind": str(reference.kind),
                "host": reference.host.slug,
                "host_name": reference.host.party.name
                if reference.host.party
                else reference.host.new_name,
                "versions": list(reference.versions),
                "foundations": list(reference.foundations),
                "product": reference.product,
                "products": list(reference.products),
                "role": reference.role,
                "options": list(reference.options),
                "cell": raw.text if is_part else "",
                "why": reference.problem or reference.why,
                "applications": [],
            },
        )


def store_values(import_: Import, built: Iterable[ImportValue]) -> None:
    """Replace the stored distinct values of an import; two statements."""
    import_.values.all().delete()
    rows = list(built)
    for row in rows:
        row.import_record = import_
    ImportValue.objects.bulk_create(rows, batch_size=2_000)
