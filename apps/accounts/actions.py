"""Changes to people, teams and tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import ApiToken, Membership, Team, User
from apps.accounts.roles import Scope, TeamRole
from apps.accounts.tokens import digest_of, new_token
from apps.common.history import acting

TOKEN_LIFETIME = timedelta(days=90)


@transaction.atomic
def issue_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[Scope | str],
    at: datetime,
    by: User | None,
    lifetime: timedelta = TOKEN_LIFETIME,
) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can read again. `by` is None for the operator's command line."""
    prefix, text = new_token()
    with acting(user=by, job="" if by else "manage.py token", reason=f"token for {user.username}"):
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            digest=digest_of(text),
            # in the order of Scope, each once
            scopes=[scope.value for scope in Scope if scope in set(scopes)],
            expires_at=at + lifetime,
        )
    return token, text


@transaction.atomic
def revoke_token(*, token: ApiToken, at: datetime, by: User) -> bool:
    """True where the token was still good; a second revocation changes nothing."""
    with acting(user=by, reason="token revoked"):
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=at)
    return bool(changed)


@transaction.atomic
def set_membership(*, user: User, team: Team, role: TeamRole, by: User) -> Membership:
    """Give the person this role on the team, in place of the one held before."""
    with acting(user=by, reason=f"{role.word} of {team.name}"):
        membership, _ = Membership.objects.update_or_create(user=user, team=team, defaults={"role": role.rank})
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, by: User) -> None:
    with acting(user=by, reason="membership ended"):
        membership.delete()
