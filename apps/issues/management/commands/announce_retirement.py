"""manage.py announce_retirement (--version IDENTIFIER | --foundation SLUG | --provider SLUG |
--offering HOST/MODEL_ID) --on DATE [--earliest] [--host H ...] [--successor HOST/MODEL_ID]
[--source URL] [--dry-run]"""

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Model

from apps.accounts.models import User
from apps.accounts.queries import user_by_login
from apps.catalog.models import DateKind, Foundation, Offering, Provider, Version
from apps.catalog.retirements.announcements import RetirementTerms, preview_announcement
from apps.catalog.retirements.coverage import Subject, offering_by_name, offering_ids_by_name
from apps.common.errors import DomainError
from apps.common.time import day_of, now
from apps.exposure.queries.announcement_reach import affected_application_ids
from apps.inventory.models import Application
from apps.issues.retirements import announce_and_evaluate, announced_application_ids


class Command(BaseCommand):
    help = (
        "Announce the retirement of the model IDs of a version, foundation, provider or offering "
        "and print as JSON what it covers. Repeating the command changes nothing."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # --version of other commands prints the version of Django
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        subject = parser.add_mutually_exclusive_group(required=True)
        subject.add_argument(
            "--version", dest="model_version", metavar="IDENTIFIER", help="maker/model-20250101"
        )
        subject.add_argument("--foundation", metavar="SLUG")
        subject.add_argument("--provider", metavar="SLUG", help="everything that it serves")
        subject.add_argument("--offering", metavar="HOST/MODEL_ID")
        parser.add_argument(
            "--on", required=True, metavar="DATE", help="retirement date, as 2027-04-08"
        )
        parser.add_argument(
            "--earliest", action="store_true", help="the date is a lower bound: not before it"
        )
        parser.add_argument(
            "--host", action="append", default=[], metavar="SLUG", help="only on this host"
        )
        parser.add_argument(
            "--model-id", action="append", default=[], metavar="ID", help="only this model ID"
        )
        parser.add_argument("--successor", metavar="HOST/MODEL_ID")
        parser.add_argument("--source", default="", metavar="URL", help="provider's page or notice")
        parser.add_argument(
            "--by", metavar="USER", help="username or email of the governance user who announces it"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print what it would cover and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(json.dumps(self._announce(options), ensure_ascii=False))
        except DomainError as refusal:
            raise CommandError(str(refusal), returncode=1) from None

    @transaction.atomic
    def _announce(self, options: dict[str, Any]) -> dict[str, Any]:
        terms = _terms(options)
        by = _governance_user(options["by"])
        at = now()
        today = day_of(at)
        if options["dry_run"]:
            offerings = preview_announcement(terms, on=today).offerings
            application_ids = affected_application_ids(
                offering_ids=[offering.pk for offering in offerings],
                on=today,
                retires_on=terms.retires_on,
            )
            return {
                "announcement": None,
                **_summary(terms, offerings, application_ids),
                "issues": None,
            }
        earlier = {offering.pk: offering for offering in _covered(terms, today)}
        outcome = announce_and_evaluate(terms, at=at, by=by)
        offerings = list(
            outcome.announcement.offerings.select_related("host").order_by("host__name", "api_id")
        )
        application_ids = announced_application_ids(outcome.announcement, on=today)
        counts = outcome.counts
        return {
            "announcement": outcome.announcement.pk,
            **_summary(
                terms,
                [earlier.get(offering.pk, offering) for offering in offerings],
                application_ids,
            ),
            "issues": None
            if counts is None
            else {"opened": counts.opened + counts.reopened, "updated": counts.updated},
        }


def _covered(terms: RetirementTerms, today: date) -> list[Offering]:
    """Return the offerings with their dates of before."""
    return [row.offering for row in preview_announcement(terms, on=today).rows]


def _summary(
    terms: RetirementTerms, offerings: list[Offering], application_ids: set[int]
) -> dict[str, Any]:
    applications = Application.objects.filter(pk__in=application_ids).order_by("criticality", "pk")
    return {
        "retires_on": terms.retires_on.isoformat(),
        "date_kind": "earliest" if terms.date_kind == DateKind.NOT_BEFORE else "announced",
        "successor": _name(terms.successor) if terms.successor else None,
        "offerings": [
            {
                "id": offering.pk,
                "host": offering.host.slug,
                "api_id": offering.api_id,
                "region": offering.region_scope,
                "earlier_retires_on": offering.retires_on.isoformat()
                if offering.retires_on
                else None,
            }
            for offering in offerings
        ],
        "applications": list(applications.values_list("slug", flat=True)),
    }


def _name(offering: Offering) -> str:
    return f"{offering.host.slug}/{offering.api_id}"


def _terms(options: dict[str, Any]) -> RetirementTerms:
    subject = _subject(options)
    hosts = [_record(Provider, "slug", slug) for slug in options["host"]]
    return RetirementTerms(
        subject=subject,
        retires_on=_day(options["on"]),
        date_kind=DateKind.NOT_BEFORE if options["earliest"] else DateKind.FIRM,
        hosts=hosts,
        offering_ids=offering_ids_by_name(subject, options["model_id"], hosts=hosts)
        if options["model_id"]
        else None,
        successor=offering_by_name(options["successor"]) if options["successor"] else None,
        source_url=options["source"],
    )


def _subject(options: dict[str, Any]) -> Subject:
    if options["model_version"]:
        return _record(Version, "identifier", options["model_version"])
    if options["foundation"]:
        return _record(Foundation, "slug", options["foundation"])
    if options["provider"]:
        return _record(Provider, "slug", options["provider"])
    return offering_by_name(options["offering"])


def _record[M: Model](model: type[M], field: str, value: str) -> M:
    """Return the record with that identifier; CommandError without one."""
    record: M | None = model._default_manager.filter(**{field: value}).first()
    if record is None:
        name = model._meta.verbose_name
        raise CommandError(
            f"No {name} '{value}' found. Use the {field} that its page shows.", returncode=2
        )
    return record


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"'{text}' is not a valid date. Use YYYY-MM-DD, such as 2027-04-08.", returncode=2
        ) from None


def _governance_user(name: str | None) -> User | None:
    if name is None:
        return None
    user = user_by_login(name)
    if user is None or not user.is_governance:
        raise CommandError(
            f"'{name}' is not a governance user or administrator. Use --by with one of them.",
            returncode=2,
        )
    return user
