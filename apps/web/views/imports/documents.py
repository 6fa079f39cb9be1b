"""One document that a program or a person sent: what was taken of it, what was not and why, and whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.intake.carrying import NotNow, NotYours
from apps.intake.documenting import name_application
from apps.intake.formats import FORMATS
from apps.intake.models import Import
from apps.inventory.models import Application
from apps.web.page import Sentence, page
from apps.web.saying import refuse, say
from apps.web.views.imports.access import import_or_404
from apps.web.wording import number

# what one list of problems shows; the rest is counted
MOST_SHOWN = 100

_PROBLEMS: Mapping[str, tuple[Any, Any]] = {
    "rejected": (gettext_lazy("Not taken"), gettext_lazy("Broken, or about what the sender may not write.")),
    "unresolved": (gettext_lazy("Names nobody knows"), gettext_lazy("They wait for somebody to say what they mean.")),
    "schema": (gettext_lazy("Breaks its schema"), gettext_lazy("Taken all the same, as far as it could be read.")),
    "ignored": (gettext_lazy("Left out"), gettext_lazy("No model in use, as far as can be told.")),
}


_COUNTED: Mapping[str, Any] = {
    "sightings": gettext_lazy("Uses named"),
    "deployments": gettext_lazy("Deployments explained"),
    "created": gettext_lazy("New dependencies"),
    "updated": gettext_lazy("Seen again"),
    "unchanged": gettext_lazy("Seen already that day"),
    "unresolved": gettext_lazy("Names nobody knows"),
    "unclaimed": gettext_lazy("Without an application"),
    "missing": gettext_lazy("No longer named"),
    "ignored": gettext_lazy("Left out"),
    "rejected": gettext_lazy("Not taken"),
}


@dataclass(frozen=True, slots=True)
class Problems:
    kind: str
    name: Any
    why: Any
    rows: list[dict[str, str]]
    n_more: int


def show_document(request: HttpRequest, import_: Import, user: User, **context: Any) -> HttpResponse:
    form = FORMATS.get(import_.format)
    return page(
        request,
        "imports/document.html",
        title=str(import_),
        crumbs=((_("Import"), reverse("imports")),),
        counts=_("What this one document named"),
        as_of=import_.read_at or import_.received_at,
        sentence=of_document(import_),
        import_=import_,
        format=form.label if form else import_.format,
        facts=_facts(import_),
        figures=[(name, import_.counts[word]) for word, name in _COUNTED.items() if _counted(import_, word)],
        problems=_problems(import_),
        needs_application=import_.state == Import.State.RECEIVED
        or (import_.state == Import.State.FAILED and import_.application_id is None),
        may_undo=import_.state == Import.State.APPLIED and import_.change is not None,
        **context,
    )


def of_document(import_: Import) -> Sentence:
    """What came of it; marked is what somebody has to do something about."""
    counts, state = import_.counts, import_.state
    if state == Import.State.FAILED:
        return Sentence("", _("It could not be read"), f": {import_.error}")
    if state == Import.State.RECEIVED:
        form = FORMATS.get(import_.format)
        if form is not None and form.holds_for_all:
            why = _(" What names stand for in all of them is governance's to say; nothing is taken yet.")
        else:
            why = _(" The document does not say; nothing is taken yet.")
        return Sentence("", _("Which application is it about?"), why)
    if state == Import.State.READING:
        return Sentence(_("It is being read."))
    if state == Import.State.UNDOING:
        return Sentence(_("What it brought is being put back."))
    if state == Import.State.UNDONE:
        return Sentence(_("It was undone: what it brought is gone, and what it saw is set aside."))
    if counts.get("names_ai") is False:
        return Sentence(
            "",
            _("It names no model and no AI service"),
            _(", so that it confirms nothing and ends nothing. Send a document of a scanner that looks for models."),
        )
    n = int(counts.get("sightings", 0))
    said = ngettext("It names %(n)s use of a model", "It names %(n)s uses of models", n) % {"n": number(n)}
    n_deployed = int(counts.get("deployments", 0))
    if n_deployed:
        said = ngettext(
            "It says what %(n)s deployment stands for", "It says what %(n)s deployments stand for", n_deployed
        ) % {"n": number(n_deployed)}  # fmt: skip
    parts = []
    if counts.get("created"):
        parts.append(_("%(n)s new") % {"n": number(counts["created"])})
    known = int(counts.get("updated", 0)) + int(counts.get("unchanged", 0))
    if known:
        parts.append(_("%(n)s known already") % {"n": number(known)})
    said += f": {', '.join(parts)}" if parts else ""
    open_ = int(counts.get("unresolved", 0)) + int(counts.get("rejected", 0))
    if not open_:
        return Sentence(f"{said}.")
    mark = ngettext("%(n)s could not be placed", "%(n)s could not be placed", open_) % {"n": number(open_)}
    return Sentence(f"{said}; ", mark, ".")


def _facts(import_: Import) -> list[tuple[Any, Any]]:
    tool = f"{import_.tool} {import_.tool_version}".strip()
    made = f"{import_.document_at:%-d %b %Y, %H:%M} UTC" if import_.document_at else ""
    valid = {True: _("keeps its schema"), False: _("breaks its schema"), None: ""}[import_.schema_valid]
    rows = [
        (_("Made by"), tool), (_("Made"), made), (_("Calls itself"), import_.natural_key),
        (_("Environment"), import_.environment), (_("Sent by"), import_.by), (_("With the key"), import_.token),
        (_("Schema"), valid), (_("Digest"), import_.digest[:16]),
    ]  # fmt: skip
    return [(name, value) for name, value in rows if value]


def _counted(import_: Import, word: str) -> bool:
    return isinstance(import_.counts.get(word), int) and import_.counts[word] > 0


def _problems(import_: Import) -> list[Problems]:
    found = []
    for kind, (name, why) in _PROBLEMS.items():
        rows = import_.problems.get(kind) or []
        if rows:
            found.append(Problems(kind, name, why, rows[:MOST_SHOWN], max(0, len(rows) - MOST_SHOWN)))
    return found


@require_POST
def choose_application(request: HttpRequest, pk: int) -> HttpResponse:
    """A person says what the document is about; it is read for that application."""
    import_, user = import_or_404(request, pk)
    said = request.POST.get("application", "").strip()
    application = Application.objects.visible_to(user).filter(Q(slug=said) | Q(name__iexact=said)).first()
    if application is None:
        refuse(request, _("You see no application '%(name)s'. Give its name or short name.") % {"name": said[:120]})
        return redirect("import", pk=pk)
    try:
        done = name_application(import_=import_, application=application, by=user)
    except NotYours as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except NotNow as not_now:
        refuse(request, str(not_now))
    else:
        if done.state == Import.State.APPLIED:
            say(request, _("Taken for %(name)s.") % {"name": application.name})
    return redirect("import", pk=pk)
