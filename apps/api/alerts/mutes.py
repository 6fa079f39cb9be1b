"""Mutes: email about chosen alerts that users and team mailboxes do not receive until a date."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts import actions
from apps.alerts.filters import MuteFilter
from apps.alerts.models import KINDS, Mute
from apps.api.alerts.base import LATEST_FIRST, errors_as_problems
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet, row_reader_for
from apps.api.inventory.applications import VisibleApplicationField, VisibleTeamField, today
from apps.catalog.models import Offering, Provider
from apps.common.time import now
from apps.inventory.models import Application


class MuteSerializer(serializers.ModelSerializer[Mute]):
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the user whose email is muted; null for a team mailbox.",
    )
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team whose mailbox is muted; null for a user.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), read_only=True, allow_blank=True)
    provider = serializers.CharField(
        source="provider.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider; null for any.",
    )
    application = serializers.CharField(
        source="application_seen",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null for any, or if you cannot view it.",
    )
    holds = serializers.BooleanField(
        source="until", read_only=True, help_text="Whether the mute applies today."
    )
    created_by = serializers.CharField(source="created_by.username", read_only=True)

    class Meta:
        model = Mute
        fields = [
            "id",
            "user",
            "team",
            "kind",
            "provider",
            "offering",
            "application",
            "subject",
            "until",
            "holds",
            "reason",
            "created_by",
            "created_at",
            "lifted_at",
        ]
        read_only_fields = fields


class MakeMuteSerializer(serializers.Serializer[Any]):
    """An alert is muted if it matches every field given. At least one field is required."""

    until = serializers.DateField(help_text="Date on which the mute ends, within one year.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        help_text="Slug of a team whose mailbox is muted instead of your own email. "
        "Requires the editor role on it.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), required=False)
    provider = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        required=False,
        help_text="Slug of a provider, as host or developer.",
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), required=False, help_text="ID of the offering."
    )
    application = VisibleApplicationField(
        slug_field="slug",
        queryset=Application.objects.none(),
        required=False,
        help_text="Slug of an application: mutes alerts that affect this application only.",
    )
    subject = serializers.CharField(
        required=False, max_length=80, help_text="`subject` of an alert."
    )


class MuteViewSet(ReadViewSet[Mute]):
    """Your mutes and those of the mailboxes of your teams. Muted alerts stay in the list. Alerts
    that are still open when a mute ends are then sent."""

    is_personal = True
    model = Mute
    serializer_class = MuteSerializer
    filterset_class = MuteFilter
    orders = LATEST_FIRST
    computed = {
        "holds": ComputedField(
            ("until", "lifted_at"), lambda until, lifted: lifted is None and today() < until
        )
    }

    def get_queryset(self) -> QuerySet[Mute]:
        mutes = super().get_queryset()
        return (
            mutes
            if getattr(self, "swagger_fake_view", False)
            else load_application(mutes, self.user)
        )

    @extend_schema(request=MakeMuteSerializer, responses={201: MuteSerializer})
    def create(self, request: Request) -> Response:
        """Mute email about a subject until a date: your own or, for editors, that of a team
        mailbox."""
        data = self.validated(MakeMuteSerializer)
        team = data.pop("team", None)
        if team is not None:
            self.require(TeamRole.EDITOR, team)
        if not any(
            data.get(name) for name in ("kind", "provider", "offering", "application", "subject")
        ):
            raise serializers.ValidationError(
                "Select what to mute: an alert type, provider, offering, application or subject."
            )
        with errors_as_problems("until"):
            mute = actions.create_mute(by=self.user, team=team, at=now(), **data)
        return self.answer(mute, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=MuteSerializer)
    @action(detail=True, methods=["post"])
    def unmute(self, request: Request, pk: str) -> Response:
        """End a mute. Its user, editors of its team and governance users can end it. Open alerts
        are sent with the next digest. Repeating the request changes nothing."""
        mute = self.subject()
        actions.end_mute(mute=mute, by=self.user, at=now())
        return self.answer(mute)


def load_application(mutes: QuerySet[Mute], user: User) -> QuerySet[Mute]:
    """Add the slug of the application if `user` can view it; it can have moved to another team
    since."""
    visible_slugs = (
        Application.objects.visible_to(user).filter(pk=OuterRef("application")).values("slug")
    )
    return mutes.annotate(application_seen=Subquery(visible_slugs[:1]))


def mute_body(mute: Mute, user: User) -> dict[str, Any]:
    """Return the mute in the form of its own URL."""
    reader = row_reader_for(MuteViewSet, MuteSerializer)
    row = reader.select(load_application(Mute.objects.filter(pk=mute.pk), user), reader.names).get()
    return reader.rows([row], reader.names)[0]
