"""Records account events: as a row, as a log line and, if important, in an email to the user."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from celery import signature
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from kombu.exceptions import OperationalError

from apps.accounts.models import AccountEvent, AccountEventKind, ApiToken, EmailState, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.accounts.sign_in.user_agents import MAX_USER_AGENT, device_of
from apps.common.requests.address import request_address
from apps.common.requests.networks import network_of, parse_address
from apps.common.time import now

SEND_EMAILS = signature("accounts.send_account_emails")


log = structlog.get_logger(__name__)

# failed attempts are counted in one row per hour and network
COUNTED_KINDS = frozenset(
    {AccountEventKind.SIGN_IN_FAILED, AccountEventKind.LOCKED_OUT, AccountEventKind.MFA_FAILED}
)
COUNTING_PERIOD = timedelta(hours=1)
# the user always gets an email about these
EMAILED_KINDS = frozenset(
    {
        AccountEventKind.PASSWORD_CHANGED,
        AccountEventKind.PASSWORD_RESET,
        AccountEventKind.MFA_ADDED,
        AccountEventKind.MFA_REMOVED,
        AccountEventKind.MFA_RESET,
        AccountEventKind.CODES_REPLACED,
        AccountEventKind.CODE_USED,
        AccountEventKind.EMAIL_CHANGED,
        AccountEventKind.INVITED,
    }
)
# at most one email per day about these
DAILY_KINDS = frozenset({AccountEventKind.LOCKED_OUT, AccountEventKind.TOKEN_NETWORK})
MAX_TOKEN_NETWORKS = 200
# limit for all accounts together, so that a flood of attempts does not fill the disk
MAX_ACCOUNT_EVENTS = 1_000_000
# number of stored (token, network) pairs that a process remembers; it clears the cache at this
# number
MAX_KNOWN_PAIRS = 20_000
_known_pairs: set[tuple[int, str]] = set()


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of a request. `address` is None if the proxy sent something else."""

    address: str | None = None
    network: str = ""
    device: str = ""
    user_agent: str = ""


def place_of(request: Any) -> Place:
    """Return the origin of the request; an empty one without a request, as in a command."""
    if request is None:
        return Place()
    address = parse_address(request_address(request))
    # the database rejects null characters
    user_agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:MAX_USER_AGENT]
    return Place(
        str(address) if address else None, network_of(address), device_of(user_agent), user_agent
    )


def record_event(
    kind: AccountEventKind,
    *,
    request: Any,
    user: User | None,
    actor: User | None = None,
    detail: str = "",
    email_to: Sequence[str] | None = None,
    unknown_name: str = "",
) -> AccountEvent:
    """Record one event of `user`'s account; return None if the name belongs to no account.

    `email_to` replaces the user's address. `unknown_name` is logged as a keyed digest only: the
    same name can be recognised, and a password typed into the wrong field cannot be read.
    """
    at, place = now(), place_of(request)
    if actor is not None and user is not None and actor.pk == user.pk:
        actor = None
    _write_log_line(kind, place, user=user, actor=actor, detail=detail, unknown_name=unknown_name)
    if kind in COUNTED_KINDS and (row := _count_repeat(kind, user, place, at)) is not None:
        return row
    is_new_place = (
        kind == AccountEventKind.SIGNED_IN and user is not None and _is_new_place(user, place)
    )
    is_email_due = (
        kind in EMAILED_KINDS or kind in DAILY_KINDS or is_new_place
    ) and user is not None
    addresses = (
        list(email_to)
        if email_to is not None
        else ([user.email] if user is not None and user.email else [])
    )
    if kind in DAILY_KINDS and _was_emailed(kind, at, user=user):
        is_email_due = False
    row = AccountEvent.objects.create(
        kind=kind,
        user=user,
        actor=actor,
        detail=detail[:200],
        **asdict(place),
        first_at=at,
        last_at=at,
        **(_queue_fields(addresses, at) if is_email_due and addresses else {}),
    )
    if row.email_state:
        transaction.on_commit(_send_soon)
    return row


@lru_cache(maxsize=4096)
def _network_around(address: str) -> str:
    """Return the network of the address that a request came from, since every request of a token
    asks for it; empty if it is unknown."""
    return network_of(parse_address(address))


def record_token_use(token: ApiToken, *, request: Any) -> None:
    """Record the first use of `token` from a network. Runs a statement only if this process does
    not remember the pair."""
    network = _network_around(request_address(request))
    token_and_network = (token.pk, network)
    if not network or token_and_network in _known_pairs:
        return
    place = place_of(request)
    networks = set(
        AccountEvent.objects.filter(token=token, kind=AccountEventKind.TOKEN_NETWORK).values_list(
            "network", flat=True
        )
    )
    if len(_known_pairs) >= MAX_KNOWN_PAIRS:
        _known_pairs.clear()
    _known_pairs.add(token_and_network)
    if place.network in networks:
        return
    at, user = now(), token.user
    _write_log_line(
        AccountEventKind.TOKEN_NETWORK,
        place,
        user=user,
        actor=None,
        detail=token.prefix,
        unknown_name="",
    )
    if len(networks) >= MAX_TOKEN_NETWORKS:
        return
    # the first network is the token's normal one, so that only further networks cause an email
    is_email_due = bool(networks) and not _was_emailed(
        AccountEventKind.TOKEN_NETWORK, at, token=token
    )
    addresses = verified_emails(user) if is_email_due else []
    row = AccountEvent(
        kind=AccountEventKind.TOKEN_NETWORK,
        user=user,
        token=token,
        detail=token.name[:200],
        **asdict(place),
        first_at=at,
        last_at=at,
        **(_queue_fields(addresses, at) if addresses else {}),
    )
    # another process might record the same use concurrently; only one row is inserted
    AccountEvent.objects.bulk_create([row], ignore_conflicts=True)
    if addresses:
        transaction.on_commit(_send_soon)


def verified_emails(user: User) -> list[str]:
    """Return the addresses that are informed about the account: that of the user, or for a service
    account those of its managers."""
    if not user.is_service:
        return [user.email] if user.email else []
    people = User.objects.people().filter(is_active=True).exclude(email="")
    if user.service_team_id is not None:
        owners = people.filter(
            memberships__team=user.service_team_id, memberships__role=TeamRole.OWNER.rank
        )
        if addresses := sorted(set(owners.values_list("email", flat=True))):
            return addresses
    return sorted(
        set(people.filter(organisation_role=OrganisationRole.ADMIN).values_list("email", flat=True))
    )


def purge_events(*, before: datetime) -> int:
    """Delete events whose last occurrence is before `before`, and the oldest beyond
    MAX_ACCOUNT_EVENTS."""
    n_deleted = AccountEvent.objects.filter(last_at__lt=before).delete()[0]
    surplus = AccountEvent.objects.order_by("-last_at", "-pk")[MAX_ACCOUNT_EVENTS:]
    return n_deleted + AccountEvent.objects.filter(pk__in=surplus.values("pk")).delete()[0]


def name_digest(name: str) -> str:
    """Return 12 hexadecimal digits that identify a name without an account, keyed by SECRET_KEY."""
    return salted_hmac(
        "accounts.events.name", name.strip().lower(), algorithm="sha256"
    ).hexdigest()[:12]


def _write_log_line(
    kind: AccountEventKind,
    place: Place,
    *,
    user: User | None,
    actor: User | None,
    detail: str,
    unknown_name: str,
) -> None:
    fields: dict[str, Any] = {"kind": kind.value, "address": place.address, "device": place.device}
    if user is not None:
        fields |= {"user": user.get_username(), "user_id": user.pk}
    if actor is not None:
        fields |= {"by": actor.get_username(), "by_id": actor.pk}
    if detail:
        fields["detail"] = detail
    if unknown_name:
        fields["unknown_name"] = name_digest(unknown_name)
    write = log.warning if kind in COUNTED_KINDS else log.info
    write("account_event", **fields)


def _count_repeat(
    kind: AccountEventKind, user: User | None, place: Place, at: datetime
) -> AccountEvent | None:
    """Add to the row of this hour, if there is one, and return it."""
    row = AccountEvent.objects.filter(
        kind=kind,
        user=user,
        network=place.network,
        last_at__gt=at - COUNTING_PERIOD,
        first_at__gt=at - COUNTING_PERIOD,
    ).first()
    if row is not None:
        AccountEvent.objects.filter(pk=row.pk).update(n=F("n") + 1, last_at=at, **asdict(place))
    return row


def _is_new_place(user: User, place: Place) -> bool:
    """Return whether the user has signed in before, but never from this network or never with this
    device."""
    earlier_sign_ins = AccountEvent.objects.filter(user=user, kind=AccountEventKind.SIGNED_IN)
    if not earlier_sign_ins.exists():
        return False
    return (
        not earlier_sign_ins.filter(network=place.network).exists()
        or not earlier_sign_ins.filter(device=place.device).exists()
    )


def _was_emailed(kind: AccountEventKind, at: datetime, **filters: Any) -> bool:
    recent_events = AccountEvent.objects.filter(
        kind=kind, first_at__gt=at - timedelta(days=1), **filters
    )
    return recent_events.exclude(email_state=EmailState.NONE).exists()


def _queue_fields(addresses: Sequence[str], at: datetime) -> dict[str, Any]:
    return {"email_to": list(addresses), "email_state": EmailState.QUEUED, "email_due_at": at}


def _send_soon() -> None:
    """Enqueue the task that sends the emails; without a broker they are sent by the next run,
    within a minute."""
    try:
        SEND_EMAILS.clone().apply_async(retry=False)
    except OperationalError as error:
        log.warning("broker not available: the next run sends the emails", error=str(error))
