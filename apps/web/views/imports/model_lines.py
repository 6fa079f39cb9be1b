"""Model names of a spreadsheet in words: what each means, by which model IDs, and when those
retire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.models import Foundation, Lifecycle, Version
from apps.intake.spreadsheets.values.distinct import DistinctModel, ModelKind, ModelOption
from apps.web.pages.form_fields import write_options
from apps.web.views.imports.value_choices import (
    NO_CHOICE,
    ONE_OF_LIST,
    UNRESOLVED,
    chosen_option,
    list_field,
    model_field,
)
from apps.web.wording import join_names, long_day, number, quantity_of

# more model IDs than these are chosen in a list
MAX_RADIOS = 3
MAX_APPLICATIONS = 3


@dataclass(frozen=True, slots=True)
class CatalogueNames:
    """Names of versions and foundations by the IDs that readings contain."""

    versions: Mapping[str, str] = field(default_factory=dict)
    foundations: Mapping[str, str] = field(default_factory=dict)
    # {version: name of its foundation}
    lines: Mapping[str, str] = field(default_factory=dict)

    def version(self, identifier: str) -> str:
        return self.versions.get(identifier) or identifier.rpartition("/")[2]

    def foundation(self, slug: str) -> str:
        return self.foundations.get(slug) or slug.rpartition("/")[2]


def load_names(models: Iterable[DistinctModel]) -> CatalogueNames:
    """Return the names of what these models can be; two statements."""
    identifiers: set[str] = set()
    slugs: set[str] = set()
    for model in models:
        identifiers.update(model.candidates)
        identifiers.add(model.version)
        slugs.update(model.foundations)
    versions = list(
        Version.objects.filter(identifier__in=identifiers - {""})
        .order_by()
        .values_list("identifier", "name", "foundation__name")
    )
    return CatalogueNames(
        {identifier: name for identifier, name, _line in versions},
        dict(Foundation.objects.filter(slug__in=slugs).order_by().values_list("slug", "name")),
        {identifier: line for identifier, _name, line in versions},
    )


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Radio button of a model name; `select` is the list that belongs to it. `late` is the part
    about a retirement in the past."""

    value: str
    is_checked: bool
    title: str = ""
    late: str = ""
    text: str = ""
    model_id: str = ""
    select: str = ""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """Model name with what it can mean."""

    model: DistinctModel
    choices: tuple[ModelChoice, ...]
    note: str
    applications: str
    error: str = ""

    @property
    def name(self) -> str:
        return model_field(self.model.pk)


def is_retired(option: ModelOption, *, today: date) -> bool:
    """Return whether the ID is retired; an earliest date that has passed retires nothing."""
    return option.lifecycle == Lifecycle.RETIRED or (
        bool(option.retires_on)
        and not option.is_earliest
        and date.fromisoformat(option.retires_on) <= today
    )


def depends_on_retired(model: DistinctModel, *, today: date) -> bool:
    """Return whether the chosen ID is retired, or every ID that a name can be."""
    chosen = model.choice or model.offering
    if chosen is not None:
        return is_retired(chosen, today=today)
    return bool(model.options) and all(is_retired(option, today=today) for option in model.options)


def sort_models(models: Sequence[DistinctModel], *, today: date) -> list[DistinctModel]:
    """Return names that need a choice first, those on retired models before the others."""
    return sorted(
        models,
        key=lambda model: (not needs_choice(model), not depends_on_retired(model, today=today)),
    )


def describe_ids(
    options: Sequence[ModelOption], subject: str, host_name: str, *, today: date
) -> tuple[str, str]:
    """Return (part about a past retirement, rest) for a name whose model ID is not known. Never
    says that no retirement is announced: that holds for IDs only."""
    place = f"known on {host_name}" if host_name else "known on any host"
    if not options:
        return "", f"No ID of {subject} is {place}, so its retirement date is unknown."
    by_all = f"by every ID of {subject} {place} ({number(len(options))})"
    retired = [option for option in options if is_retired(option, today=today)]
    days = {option.retires_on for option in options}
    if len(retired) == len(options):
        known = sorted(day for day in days if day)
        if not known:
            return "Retired", f"{by_all}."
        first = long_day(date.fromisoformat(known[0]))
        if len(known) == 1 or known[0] == known[-1]:
            return f"Retired on {first}", f"{by_all}."
        last = long_day(date.fromisoformat(known[-1]))
        return f"Retired between {first} and {last}", f"{by_all}."
    coming = [option for option in options if option.retires_on and option not in retired]
    rest = "Retirement unknown until the ID is chosen."
    if coming:
        first_one = min(coming, key=lambda option: (option.retires_on, not option.is_earliest))
        first = long_day(date.fromisoformat(first_one.retires_on))
        verb = "Retires no earlier than" if first_one.is_earliest else "Retires on"
        if len(days) == 1:
            rest = f"{verb} {first} {by_all}."
        elif first_one.is_earliest:
            rest = f"{verb} {first}, depending on the ID."
        else:
            rest = f"{verb} {first} at the earliest, depending on the ID."
    n = len(retired)
    late = f"{number(n)} of {quantity_of(len(options), 'ID')} {'is' if n == 1 else 'are'} retired."
    return late if retired else "", rest


def build_lines(
    models: Sequence[DistinctModel],
    names: CatalogueNames,
    *,
    today: date,
    posted: Mapping[str, str] | None = None,
    errors: Mapping[int, str] | None = None,
) -> list[ModelLine]:
    """Return the lines of some model names; `posted` are the texts of a form that has `errors`."""
    return [
        ModelLine(
            model,
            tuple(_build_choices(model, names, today, posted or {})),
            _note_of(model),
            join_names(model.applications, max_names=MAX_APPLICATIONS),
            (errors or {}).get(model.pk, ""),
        )
        for model in models
    ]


def _note_of(model: DistinctModel) -> str:
    """Return the quiet line below the text: the host cell, and the cell of which it is a part."""
    notes = [model.host_text or "no host stated"]
    if model.cell and model.cell != model.text:
        notes.append(f"part of “{model.cell}”")
    if model.role:
        notes.append(model.role)
    return ", ".join(notes)


def _build_choices(
    model: DistinctModel, names: CatalogueNames, today: date, posted: Mapping[str, str]
) -> list[ModelChoice]:
    selected = posted.get(model_field(model.pk), chosen_option(model))
    if model.kind is ModelKind.NOT_A_MODEL:
        return [ModelChoice(NO_CHOICE, True, "Not a model.", text="No dependency is created.")]
    if model.choice is None and model.offering is not None:
        # the only known ID
        return [_choice_of(model.offering, selected, today)]
    is_unresolved = selected in {NO_CHOICE, UNRESOLVED}
    if model.choice is not None:
        choices = [ModelChoice(NO_CHOICE, is_unresolved, "Without a model ID.")]
        if model.choice.offering not in {option.offering for option in model.options}:
            choices.append(_choice_of(model.choice, selected, today))
    else:
        title, late, text = describe_default(model, names, today=today)
        choices = [ModelChoice(NO_CHOICE, is_unresolved, title, late, text)]
    if model.products:
        choices += [
            ModelChoice(
                slug, selected == slug, f"{_name_product(slug)}.", text="Its model is asked."
            )
            for slug in model.products
        ]
    elif len(model.options) <= MAX_RADIOS:
        choices += [_choice_of(option, selected, today) for option in model.options]
    elif model.options:
        choices.append(_build_list(model, selected, today, posted))
    return choices


def describe_default(
    model: DistinctModel, names: CatalogueNames, *, today: date
) -> tuple[str, str, str]:
    """Return (title, part about a past retirement, rest) of a name without a chosen ID."""
    host = model.host_name
    if model.kind is ModelKind.RESOLVED or (model.kind is ModelKind.CHOOSE and model.version):
        late, text = describe_ids(model.options, "this version", host, today=today)
        name = names.version(model.version) if model.version else model.text
        return f"{name}, ID not known.", late, text
    if model.kind is ModelKind.CHOOSE:
        late, text = describe_ids(
            model.options, _count_versions(model.candidates), host, today=today
        )
        name = _name_line(model, names)
        return f"{name}, version and ID not known.", late, text
    if model.kind is ModelKind.FAMILY:
        listed = join_names([names.foundation(slug) for slug in model.foundations], max_names=3)
        text = f"It can be {listed}. " if listed else ""
        return "A family, not a model.", "", f"{text}It is imported without a model ID."
    if model.kind is ModelKind.PRODUCT:
        text = model.why or "Its model is not published."
        if model.products:
            return "One of several products, left open.", "", text
        return f"A product, {_name_product(model.product) or model.text}.", "", text
    return "Not in the catalogue.", "", model.why or "It is imported without a model ID."


def _name_line(model: DistinctModel, names: CatalogueNames) -> str:
    """Return the name of the foundation whose version is asked."""
    if model.foundations:
        return names.foundation(model.foundations[0])
    lines = {names.lines.get(version, "") for version in model.candidates}
    return lines.pop() or model.text if len(lines) == 1 else model.text


def _name_product(slug: str) -> str:
    product = BY_SLUG.get(slug)
    return product.name if product else ""


def needs_choice(model: DistinctModel) -> bool:
    """Return whether a user can say more of the name than the file does, and has not."""
    return model.is_open and (bool(model.options) or (bool(model.products) and not model.product))


def _count_versions(candidates: Sequence[str]) -> str:
    return f"its {number(len(candidates))} versions" if len(candidates) > 1 else "this version"


def describe_day(option: ModelOption, *, today: date) -> str:
    """Return the retirement of one model ID, for a list."""
    if option.retires_on:
        day = date.fromisoformat(option.retires_on)
        verb = "retires no earlier than" if option.is_earliest else "retires on"
        if is_retired(option, today=today):
            verb = "retired on"
        return f"{verb} {long_day(day)}"
    if option.lifecycle == Lifecycle.RETIRED:
        return "retired"
    return "no retirement date recorded"


def _choice_of(option: ModelOption, selected: str, today: date) -> ModelChoice:
    value = str(option.offering)
    where = " ".join(filter(None, ("on", option.host_name, option.region, option.tier)))
    day = describe_day(option, today=today)
    late = is_retired(option, today=today)
    return ModelChoice(
        value,
        selected == value,
        late=f"{day[:1].upper()}{day[1:]}." if late else "",
        text=f"{where}." if late else f"{where}. {day[:1].upper()}{day[1:]}.",
        model_id=option.api_id,
    )


def _build_list(
    model: DistinctModel, selected: str, today: date, posted: Mapping[str, str]
) -> ModelChoice:
    """Return the radio button with the list of all model IDs."""
    offered = [
        (
            str(option.offering),
            ", ".join(
                filter(None, (option.api_id, option.region, describe_day(option, today=today)))
            ),
        )
        for option in model.options
    ]
    is_from_list = selected == ONE_OF_LIST or any(selected == value for value, _ in offered)
    in_list = posted.get(list_field(model.pk), selected)
    select = format_html(
        '<select name="{}" id="{}" aria-label="{}" data-chooses="{}">{}{}</select>',
        list_field(model.pk),
        list_field(model.pk),
        f"Model ID of {model.text}",
        f"{model_field(model.pk)}-list",
        SafeString('<option value="">Select a model ID</option>'),
        write_options(offered, {in_list}),
    )
    return ModelChoice(
        ONE_OF_LIST,
        is_from_list,
        text=f"Choose one of {number(len(offered))} IDs:",
        select=select,
    )
