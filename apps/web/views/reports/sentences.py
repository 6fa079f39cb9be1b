"""The findings that head the reports. Plain Python: figures in, a sentence out."""

from django.utils.translation import gettext as _

from apps.reports.component import ComponentFile
from apps.reports.kept import Figures
from apps.reports.models import EvidencePack
from apps.reports.tables import Fill
from apps.web.page import Sentence
from apps.web.wording import counted, number, share


def filled(fill: Fill) -> str:
    """`31 of 40 fields filled`."""
    return _("%(n)s of %(of)s fields filled") % {"n": number(fill.n_filled), "of": number(fill.n_cells)}


def of_register(figures: Figures) -> Sentence:
    whole = figures.whole
    if not whole.n_rows:
        return Sentence(_("No application is in pilot or production yet, so the register has no rows."))
    start = _("The register is %(share)s filled: %(filled)s") % {"share": share(whole.share), "filled": filled(whole)}
    worst = max(figures.sheets, key=lambda sheet: sheet.fill.n_missing)
    if whole.n_missing:
        start += _("; %(n)s of the missing are in %(table)s") % {
            "n": number(worst.fill.n_missing), "table": worst.table.code,
        }  # fmt: skip
    if figures.failed:
        broken = counted(len(figures.failed), _("check"), _("checks"))
        return Sentence(f"{start}. ", _("%(checks)s would reject it") % {"checks": broken.capitalize()}, ".")
    return Sentence(_("%(start)s. No check would reject it.") % {"start": start})


def of_models(figures: Figures) -> Sentence:
    whole = figures.whole
    if not whole.n_rows:
        return Sentence(_("No application in pilot or production calls a model yet."))
    rows = (
        _(
            "%(n)s application and model",
        )
        if whole.n_rows == 1
        else _("%(n)s pairs of application and model")
    )
    return Sentence(
        _("%(rows)s stand in the inventory, %(share)s filled: %(filled)s.")
        % {"rows": rows % {"n": number(whole.n_rows)}, "share": share(whole.share), "filled": filled(whole)}
    )


def of_component(file: ComponentFile) -> Sentence:
    name = file.application.name
    if not file.rows["components"]:
        return Sentence(_("%(name)s calls no model today, so nothing is owed to it.") % {"name": name})
    if file.documents_withheld:
        return Sentence(_("What %(name)s is built on, and the questions its owners answer.") % {"name": name})
    start = _("Of %(n)s documents that the developers owe %(name)s, %(on_file)s are on file") % {
        "n": number(file.n_items), "name": name, "on_file": number(file.n_on_file),
    }  # fmt: skip
    if file.n_overdue:
        late = counted(file.n_overdue, _("answer is"), _("answers are"))
        return Sentence(f"{start}; ", _("%(late)s overdue") % {"late": late}, ".")
    return Sentence(f"{start}.")


def of_pack(pack: EvidencePack) -> Sentence:
    match pack.state:
        case EvidencePack.State.DONE:
            return Sentence(
                _("The pack holds %(n)s files, and its manifest carries their digests.") % {"n": number(pack.n_files)}
            )
        case EvidencePack.State.FAILED:
            return Sentence("", _("The pack could not be made"), f". {pack.error}")
        case _:
            return Sentence(_("The pack is being made. This page follows it; you may leave and come back."))
