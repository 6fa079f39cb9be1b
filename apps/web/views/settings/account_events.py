"""Account events: sign-ins and other events of all accounts; for organisation roles."""

from datetime import date, datetime, time, timedelta
from operator import attrgetter

import django_filters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.timezone import make_aware

from apps.accounts.models import AccountEvent, AccountEventKind, User
from apps.common.text import pluralize
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.wording import number

FAILURES = (
    AccountEventKind.SIGN_IN_FAILED,
    AccountEventKind.LOCKED_OUT,
    AccountEventKind.MFA_FAILED,
)


class AccountEventFilter(django_filters.FilterSet):  # type: ignore[misc]
    who = django_filters.CharFilter(method="of_account", label="Account")
    kind = django_filters.ChoiceFilter(choices=AccountEventKind.choices, label="Event")
    address = django_filters.CharFilter(method="from_address", label="IP address")
    since = django_filters.DateFilter(method="from_day", label="From")
    until = django_filters.DateFilter(method="until_day", label="To")

    class Meta:
        model = AccountEvent
        fields: list[str] = []

    def of_account(
        self, events: QuerySet[AccountEvent], name: str, value: str
    ) -> QuerySet[AccountEvent]:
        return events.filter(Q(user__username__icontains=value) | Q(user__email__icontains=value))

    def from_address(
        self, events: QuerySet[AccountEvent], name: str, value: str
    ) -> QuerySet[AccountEvent]:
        return events.filter(Q(network=value) | Q(address__startswith=value))

    def from_day(
        self, events: QuerySet[AccountEvent], name: str, value: date
    ) -> QuerySet[AccountEvent]:
        return events.filter(last_at__gte=_midnight(value))

    def until_day(
        self, events: QuerySet[AccountEvent], name: str, value: date
    ) -> QuerySet[AccountEvent]:
        return events.filter(first_at__lt=_midnight(value + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _describe_event(event: AccountEvent) -> str:
    times = f"{number(event.n)} times" if event.n > 1 else ""
    return ", ".join(filter(None, (times, event.detail)))


def _account_url(event: AccountEvent) -> str:
    user: User | None = event.user
    if user is None:
        return ""
    return reverse("service-accounts:detail" if user.is_service else "users:detail", args=[user.pk])


class AccountEventList(ListPage[AccountEvent, AccountEvent]):
    """Events of all accounts, latest first, by the filters of the URL."""

    namespace = "account-events"
    title = "Account events"
    nouns = ("account event", "account events")
    counts = "Events of all accounts"
    filterset_class = AccountEventFilter
    columns = (
        Column[AccountEvent]("event", "Event", AccountEvent.get_kind_display, note=_describe_event),
        Column[AccountEvent](
            "account",
            "Account",
            lambda event: event.user.username if event.user else "",
            format=lambda name: name or "no such account",
            note=lambda event: f"by {event.actor.username}" if event.actor else "",
            url=_account_url,
        ),
        Column[AccountEvent]("last", "Time", attrgetter("last_at"), format=format_moment),
        Column[AccountEvent](
            "address",
            "IP address",
            attrgetter("address"),
            note=attrgetter("device"),
            width="url",
        ),
        Column[AccountEvent]("email", "Email", AccountEvent.get_email_state_display),
    )
    file_columns = (
        FileColumn[AccountEvent]("First time", attrgetter("first_at")),
        FileColumn[AccountEvent]("Times", attrgetter("n")),
        FileColumn[AccountEvent]("Detail", attrgetter("detail")),
        FileColumn[AccountEvent](
            "Changed by", lambda event: event.actor.username if event.actor else ""
        ),
        FileColumn[AccountEvent]("Network", attrgetter("network")),
        FileColumn[AccountEvent]("Device", attrgetter("device")),
        FileColumn[AccountEvent]("User agent", attrgetter("user_agent")),
    )
    controls = (
        FilterControl("who", "Account", "search"),
        FilterControl("kind", "Event", choices=AccountEventKind.choices),
        FilterControl("address", "IP address", "search"),
        FilterControl("since", "From", "date"),
        FilterControl("until", "To", "date"),
    )
    default_order = ("", ("-last_at", "-pk"))

    def check_access(self) -> None:
        if not self.user.can_read_all:
            raise PermissionDenied(
                "You need an organisation role to view the events of all accounts. Your own events "
                "are on your account page."
            )

    def get_queryset(self) -> QuerySet[AccountEvent]:
        return AccountEvent.objects.visible_to(self.user).select_related("user", "actor", "token")

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        recent_events = AccountEvent.objects.visible_to(self.user).filter(
            last_at__gt=self.at - timedelta(days=1)
        )
        n_failed = sum(recent_events.filter(kind__in=FAILURES).values_list("n", flat=True)[:10_000])
        if not n_failed:
            return Headline("No sign-in failed in the last 24 hours.")
        return Headline(
            pluralize(n_failed, "1 sign-in failed", f"{number(n_failed)} sign-ins failed")
            + " in the last 24 hours."
        )

    def get_basis(self) -> str:
        return (
            "Failed attempts from one network within an hour are one row. Names without an account "
            "are not stored. Times are UTC."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No account events yet.",
            "Sign-ins, failed attempts and changes of credentials are listed here.",
        )
