"""Profile of the user's own account: roles, email times, sign-in methods."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import actions
from apps.accounts.events.log import record_event
from apps.accounts.models import AccountEvent, AccountEventKind, User
from apps.accounts.sign_in.second_factors import has_second_factor, is_required_of
from apps.accounts.sign_in.sessions import end_session, end_sessions, sessions_of
from apps.accounts.single_sign_on.configuration import sign_on_name, signs_in_elsewhere
from apps.common.text import pluralize
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.wording import join_names

MAX_EVENTS = 10


class ProfileForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = actions.OWN_FIELDS
        labels = {
            "first_name": "First name",
            "last_name": "Last name",
            "time_zone": "Time zone",
            "digest_hour": "Hour of your digest",
        }
        help_texts = {"time_zone": "For example Europe/Berlin."}
        widgets = {"digest_hour": forms.NumberInput(attrs={"min": 0, "max": 23})}

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in available_timezones():
            raise ValidationError(
                f"“{zone}” is not a valid time zone. Enter one such as Europe/Berlin."
            )
        return zone


@require_http_methods(["GET", "HEAD", "POST"])
def profile_page(request: HttpRequest) -> HttpResponse:
    """Show and edit the profile of the user."""
    user = signed_in_user(request)

    def make_form() -> ProfileForm:
        if request.method != "POST":
            return ProfileForm(instance=user, row=user)
        locked = User.objects.select_for_update().get(pk=user.pk)
        return ProfileForm(request.POST, instance=locked, row=User.objects.get(pk=user.pk))

    return action_view(
        request,
        form=make_form,
        action=lambda form: actions.change_own_account(
            user=form.instance,
            facts={name: form.cleaned_data[name] for name in actions.OWN_FIELDS},
        ),
        done="Your profile was changed.",
        back=reverse("account:detail"),
        page=lambda form: _render_profile(request, form),
    )


def _render_profile(request: HttpRequest, form: ProfileForm) -> HttpResponse:
    user = signed_in_user(request)
    memberships = list(user.memberships.select_related("team"))
    office = user.get_organisation_role_display() if user.organisation_role else ""
    return render_page(
        request,
        "account.html",
        title="Account",
        sentence=_build_headline(
            [
                *([office] if office else []),
                *(f"{row.get_role_display()} of {row.team.name}" for row in memberships),
            ]
        ),
        memberships=memberships,
        office=office,
        form=form,
        signs_in_elsewhere=signs_in_elsewhere(user),
        has_second_factor=has_second_factor(user),
        is_required=is_required_of(user),
        required_from=settings.MFA_REQUIRED_FROM,
        events=AccountEvent.objects.filter(user=user).order_by("-last_at", "-pk")[:MAX_EVENTS],
        sessions=sessions_of(user, current_key=request.session.session_key),
        idle_hours=settings.SESSION_IDLE_HOURS,
        max_days=settings.SESSION_MAX_DAYS,
        sign_on=sign_on_name(),
    )


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)

    def end(_form: forms.Form) -> int:
        n_ended = end_sessions(user, but_key=request.session.session_key)
        record_event(
            AccountEventKind.SESSIONS_ENDED, request=request, user=user, detail="all others"
        )
        return n_ended

    return action_view(
        request,
        action=end,
        done=lambda n: (
            pluralize(n, f"{n} other session ended.", f"{n} other sessions ended.")
            if n
            else "You have no other session."
        ),
        back=reverse("account:detail"),
    )


@require_POST
def end_one_session(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in_user(request)

    def end(_form: forms.Form) -> None:
        if not end_session(user, pk):
            raise Http404
        record_event(
            AccountEventKind.SESSIONS_ENDED, request=request, user=user, detail="one session"
        )

    return action_view(
        request, action=end, done="The session was ended.", back=reverse("account:detail")
    )


def _build_headline(roles: list[str]) -> Headline:
    if not roles:
        return Headline("You have no role yet. Contact your administrator.")
    return Headline(f"You are {join_names(roles, max_names=6)}.")
