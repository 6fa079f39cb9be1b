"""The places where missing fields are entered, as people call them."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.reports.tables import Place

_NAMES: dict[Place, Any] = {
    Place.ORGANISATION: _("Reporting entity"),
    Place.PROVIDER: _("Provider"),
    Place.CONTRACT: _("Contract"),
    Place.NO_CONTRACT: _("A contract with the provider"),
    Place.APPLICATION: _("Application"),
    Place.EXIT_PLAN: _("Exit plan of the application"),
    Place.STATEMENT: _("Model statement of the application"),
    Place.EVIDENCE: _("Evaluation of the application"),
    Place.DOCUMENTS: _("Documents of the foundation"),
    Place.DECISION: _("Decision on the foundation"),
    Place.QUESTIONS: _("Questions of the component file"),
    Place.IDENTITY: _("Identity of the offering"),
}


def place_name(place: Place) -> str:
    return str(_NAMES[place])
