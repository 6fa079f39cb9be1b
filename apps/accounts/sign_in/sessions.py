"""User sessions: duration, list and end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.sign_in.user_agents import device_of
from apps.common.time import now

# session keys; values are seconds since 1970
SEEN_AT, ENDS_AT = "seen_at", "ends_at"
# minimum time between writes for an active session
SEEN_PRECISION = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session for its user's list of sessions."""

    pk: int
    address: str
    device: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


@receiver(user_logged_in)
def start_session(request: Any, **_kwargs: Any) -> None:
    """Store when the session began and its latest end."""
    limit_session(request, timedelta(days=settings.SESSION_MAX_DAYS))


@receiver(authentication_step_completed)
def renew_key(request: Any, reauthenticated: bool = False, **_kwargs: Any) -> None:
    """Give the session a new key after the user has entered a credential again (`reauthenticated`),
    so that a copy of the old cookie becomes invalid. A first sign-in makes a new key without this
    function."""
    if not reauthenticated:
        return
    old_key = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=old_key).update(session_key=request.session.session_key)


def limit_session(request: Any, duration: timedelta) -> None:
    """End the session after `duration`, even if it is active."""
    moment = now()
    request.session[SEEN_AT] = int(moment.timestamp())
    request.session[ENDS_AT] = int((moment + duration).timestamp())


def is_over(session: Any, *, at: datetime) -> bool:
    """Return whether the session has passed its end, or was idle for too long."""
    seconds = at.timestamp()
    idle = timedelta(hours=settings.SESSION_IDLE_HOURS).total_seconds()
    return bool(
        seconds >= session.get(ENDS_AT, seconds + 1)
        or seconds - session.get(SEEN_AT, seconds) >= idle
    )


def record_activity(request: HttpRequest, *, at: datetime) -> None:
    """Record the use of the session, at most once per SEEN_PRECISION; also for sessions that have
    no times yet."""
    seen_at = request.session.get(SEEN_AT)
    if seen_at is not None and at.timestamp() - seen_at < SEEN_PRECISION.total_seconds():
        return
    if not request.user.is_authenticated:
        return
    request.session[SEEN_AT] = int(at.timestamp())
    if ENDS_AT not in request.session:
        request.session[ENDS_AT] = int((at + timedelta(days=settings.SESSION_MAX_DAYS)).timestamp())
    UserSession.objects.create_from_request(request)


def sessions_of(user: User, *, current_key: str | None) -> list[OpenSession]:
    """Return the user's open sessions: the current one first, then by last use. Deletes ended
    ones."""
    rows = [
        row
        for row in UserSession.objects.purge_and_list(user)
        if not is_over(_session_store(row.session_key), at=now())
    ]
    sessions = [
        OpenSession(
            row.pk,
            row.ip,
            device_of(row.user_agent),
            row.created_at,
            row.last_seen_at,
            row.session_key == current_key,
        )
        for row in rows
    ]
    return sorted(
        sessions, key=lambda session: (not session.is_current, -session.last_seen_at.timestamp())
    )


def end_session(user: User, pk: int) -> bool:
    """End one session of the user; return False if the user has no session with this ID."""
    row = UserSession.objects.filter(user=user, pk=pk).first()
    if row is not None:
        row.end()
    return row is not None


def end_sessions(user: User, *, but_key: str | None = None) -> int:
    """End all sessions of the user except the one with the key `but_key`; return their number."""
    rows = list(UserSession.objects.filter(user=user).exclude(session_key=but_key or ""))
    for row in rows:
        row.end()
    return len(rows)


def delete_ended_sessions() -> int:
    """Delete records of ended sessions; return the number of rows."""
    keys = (
        import_module(settings.SESSION_ENGINE)
        .SessionStore.get_model_class()
        .objects.values("session_key")
    )
    n_deleted: int = UserSession.objects.exclude(session_key__in=keys).delete()[0]
    return n_deleted


def is_signed_in(session: Any) -> bool:
    return SESSION_KEY in session


def _session_store(key: str) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
