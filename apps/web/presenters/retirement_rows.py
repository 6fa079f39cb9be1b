"""Retiring offerings as rows of a timeline drawing."""

from datetime import date

from django.urls import reverse

from apps.catalog.models import DateKind
from apps.exposure.queries.portfolio import RetiringOffering
from apps.web.drawings.timelines import retirements
from apps.web.presenters.portfolio_stack import is_urgent
from apps.web.wording import day, month, number


def timeline_rows(row: RetiringOffering, today: date) -> retirements.Retirement:
    offering, n = row.offering, row.n
    assert offering.retires_on is not None
    foundation = offering.version.foundation.name if offering.version else offering.api_id
    return retirements.Retirement(
        label=foundation,
        place=offering.host.name,
        ends_on=offering.retires_on,
        soft=offering.date_kind == DateKind.NOT_BEFORE,
        urgent=is_urgent(offering, today),
        when=month(offering.retires_month) if offering.retires_month else day(offering.retires_on),
        note=f"{number(n)} application{'' if n == 1 else 's'}",
        url=reverse("offerings:detail", args=[offering.pk]),
    )
