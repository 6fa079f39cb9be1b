"""Persons: contacts and users by name, with invitations, merges, erasure and delegations."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.filters import DelegationFilter, PersonFilter
from apps.accounts.models import Delegation, EmailAlias, PeopleSettings, PersonState, User
from apps.accounts.people.contacts import (
    change_people_settings,
    close_person,
    confirm_contacts,
    find_or_create_contact,
    rename_contact,
)
from apps.accounts.people.delegations import end_delegation, set_delegation
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.invitations import invite_people, invite_person
from apps.accounts.people.mail_rules import allowed_domains
from apps.accounts.people.merge import merge_people
from apps.accounts.people.permissions import refuse_without_governance
from apps.accounts.people.queries import persons_by_address, visible_people
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.validation import validate_data
from apps.api.framework.views import BY_ID, ReadViewSet, RegistryView
from apps.api.risks.base import UserField
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now

MAX_BULK_PEOPLE = 5_000


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(read_only=True, help_text="First and last name.")
    username = serializers.CharField(
        source="visible_username",
        read_only=True,
        help_text="Shown to organisation roles and to members of the same teams, otherwise empty.",
    )
    email = serializers.CharField(
        source="visible_email",
        read_only=True,
        help_text="Shown to organisation roles and to members of the same teams, otherwise empty.",
    )
    aliases = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Further email addresses; shown where `email` is.",
    )
    state = serializers.ChoiceField(
        choices=PersonState.choices,
        read_only=True,
        help_text="A contact is known by address only; an invited person has not signed in yet.",
    )

    class Meta:
        model = User
        fields = ["id", "name", "username", "email", "aliases", "state", "mail_confirmed_at"]
        read_only_fields = fields


class AddContactSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=300,
        help_text="Name of the person; derived from the address if absent.",
    )


class RenameContactSerializer(serializers.Serializer[Any]):
    first_name = serializers.CharField(max_length=150, allow_blank=True)
    last_name = serializers.CharField(max_length=150, allow_blank=True)


class MergePeopleSerializer(serializers.Serializer[Any]):
    duplicate = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_service=False, merged_into=None),
        help_text="ID of the person that is merged into this one.",
    )


class MergedPersonSerializer(PersonSerializer):
    moved = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Number of references that moved, by type of record.",
    )
    kept = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Number of references that stayed with the merged person, because this person "
        "has an equal one.",
    )

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "moved", "kept"]


class PeopleIdsSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MAX_BULK_PEOPLE,
    )


class InvitePeopleSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MAX_BULK_PEOPLE,
        help_text="IDs of the persons; absent: all contacts.",
    )


class RejectedInvitationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    detail = serializers.CharField()


class InvitedPeopleSerializer(serializers.Serializer[Any]):
    invited = serializers.ListField(child=serializers.IntegerField())
    rejected = RejectedInvitationSerializer(many=True)


class ConfirmedContactsSerializer(serializers.Serializer[Any]):
    confirmed = serializers.IntegerField(help_text="Number of contacts confirmed by this request.")


def _full_name(first_name: str, last_name: str) -> str:
    return f"{first_name} {last_name}".strip()


def _visible_aliases(email: str, aliases: Sequence[str] | None) -> list[str]:
    return list(aliases or ()) if email else []


class PersonViewSet(ReadViewSet[User]):
    """Persons, by name for every user: contacts, who are known by their address and cannot sign in,
    and users. Governance adds, invites, confirms, merges and erases contacts. Accounts of users
    are under `users/`."""

    is_personal = True
    model = User
    serializer_class = PersonSerializer
    filterset_class = PersonFilter
    orders = {
        "name": Keyset(("last_name", "id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    annotations = {
        "alias_addresses": ArraySubquery(
            EmailAlias.objects.filter(user=OuterRef("pk")).order_by("email").values("email")
        ),
    }
    computed = {
        "name": ComputedField(("first_name", "last_name"), _full_name),
        "aliases": ComputedField(("visible_email", "alias_addresses"), _visible_aliases),
    }

    @extend_schema(
        request=AddContactSerializer,
        responses={201: PersonSerializer, 200: PersonSerializer},
    )
    def create(self, request: Request) -> Response:
        """Add a contact: 201 for a new one, 200 for the person who has the address. Requires the
        governance role."""
        refuse_without_governance(self.user, "add contacts")
        body = self.validated(AddContactSerializer)
        is_new = not persons_by_address([body["email"]])
        person = find_or_create_contact(email=body["email"], name=body["name"], by=self.user)
        return self.answer(person, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(request=RenameContactSerializer, responses=PersonSerializer)
    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the name of a contact. Requires the governance role."""
        person = self._governed("change contacts")
        body = self.validated(RenameContactSerializer, partial=True)
        renamed = rename_contact(
            person=person,
            first_name=body.get("first_name", person.first_name),
            last_name=body.get("last_name", person.last_name),
            by=self.user,
        )
        return self.answer(renamed)

    @extend_schema(request=None, responses=PersonSerializer)
    @action(detail=True, methods=["post"])
    def invite(self, request: Request, pk: str) -> Response:
        """Invite a contact: the contact becomes a user without roles. The invitation of an invited
        person is sent again. Requires the governance role."""
        return self.answer(invite_person(person=self._governed("invite persons"), by=self.user))

    @extend_schema(
        operation_id="people_bulk_invite_create",
        request=InvitePeopleSerializer,
        responses=InvitedPeopleSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="invite", picks_fields=False)
    def invite_many(self, request: Request) -> Response:
        """Invite many persons, or all contacts. Requires the governance role."""
        refuse_without_governance(self.user, "invite persons")
        body = self.validated(InvitePeopleSerializer)
        invited, rejected = invite_people(by=self.user, people=body.get("ids"))
        return Response(
            {
                "invited": [person.pk for person in invited],
                "rejected": [
                    {"id": rejection.person.pk, "detail": rejection.reason}
                    for rejection in rejected
                ],
            }
        )

    @extend_schema(
        request=PeopleIdsSerializer, responses=ConfirmedContactsSerializer, filters=False
    )
    @action(detail=False, methods=["post"], picks_fields=False)
    def confirm(self, request: Request) -> Response:
        """Let email be sent to contacts outside the allowed domains. Requires the governance
        role."""
        refuse_without_governance(self.user, "confirm contacts")
        ids = self.validated(PeopleIdsSerializer)["ids"]
        return Response({"confirmed": confirm_contacts(people=ids, by=self.user, at=now())})

    @extend_schema(request=MergePeopleSerializer, responses=MergedPersonSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Merge a second record of the same person into this one. Contacts require the governance
        role, accounts the administrator role. Merging cannot be undone."""
        survivor = self._governed("merge persons")
        duplicate = self.validated(MergePeopleSerializer)["duplicate"]
        outcome = merge_people(survivor=survivor, duplicate=duplicate, by=self.user, at=now())
        response = self.answer(outcome.survivor)
        response.data |= {"moved": outcome.moved, "kept": outcome.kept}
        return response

    @extend_schema(request=None, responses=PersonSerializer)
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, pk: str) -> Response:
        """Erase name and address of a contact, also in the history. Requires the governance role.
        Erasing cannot be undone."""
        return self.answer(erase_contact(person=self._governed("erase contacts"), by=self.user))

    @extend_schema(request=None, responses=PersonSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close a contact, or end the access of a user. Accounts require the administrator role."""
        return self.answer(close_person(person=self._governed("close contacts"), by=self.user))

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return User.objects.none()
        return visible_people(self.user).order_by()

    def _governed(self, purpose: str) -> User:
        """Return the person in the URL; every user sees all persons, so that 404 comes first."""
        person = self.subject()
        refuse_without_governance(self.user, purpose)
        return person


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    person = UserField(
        required=False, help_text="Username of the absent person; the caller if absent."
    )
    deputy = UserField(help_text="Username of the deputy.")

    class Meta:
        model = Delegation
        fields = ["id", "person", "deputy", "since", "until", "created_at"]
        read_only_fields = ["id", "created_at"]
        # the action says what is wrong with a period
        validators: Iterable[Any] = ()


class DelegationViewSet(ReadViewSet[Delegation]):
    """Deputies of absent persons, from one day until another. Persons set their own deputy,
    governance users that of others."""

    is_personal = True
    model = Delegation
    serializer_class = DelegationSerializer
    filterset_class = DelegationFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    @extend_schema(request=DelegationSerializer, responses={201: DelegationSerializer})
    def create(self, request: Request) -> Response:
        """Set a deputy. `until` is the day of the return."""
        body = self.validated(DelegationSerializer)
        delegation = set_delegation(
            person=body.get("person", self.user),
            deputy=body["deputy"],
            since=body["since"],
            until=body["until"],
            by=self.user,
        )
        return self.answer(delegation, status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The delegation has ended.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """End a delegation today; one that has not begun is removed."""
        end_delegation(delegation=self.subject("person"), by=self.user, on=today())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PeopleSettingsSerializer(serializers.ModelSerializer[PeopleSettings]):
    allowed_domains = serializers.ListField(
        child=serializers.CharField(max_length=253),
        allow_empty=True,
        max_length=200,
        help_text="Contacts with an address of these domains may receive email; empty: the "
        "domains of active users.",
    )
    effective_domains = serializers.SerializerMethodField(
        help_text="Domains that apply by these settings."
    )

    class Meta:
        model = PeopleSettings
        fields = ["allowed_domains", "effective_domains"]

    def get_effective_domains(self, row: PeopleSettings) -> list[str]:
        return allowed_domains()


class PeopleSettingsView(RegistryView):
    """Rules of email to contacts, for the whole organisation."""

    reads = ()

    @extend_schema(operation_id="people_settings", responses=PeopleSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Allowed domains. Requires the governance role."""
        refuse_without_governance(self.user, "view the allowed domains")
        row = PeopleSettings.objects.filter(pk=PeopleSettings.ONLY).first() or PeopleSettings()
        return Response(PeopleSettingsSerializer(row).data)

    @extend_schema(
        operation_id="people_settings_change",
        request=PeopleSettingsSerializer,
        responses=PeopleSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the allowed domains. Requires the governance role."""
        refuse_without_governance(self.user, "change the allowed domains")
        body = dict(validate_data(PeopleSettingsSerializer(data=request.data)))
        row = change_people_settings(allowed_domains=body["allowed_domains"], by=self.user)
        return Response(PeopleSettingsSerializer(row).data)


def today() -> date:
    return day_of(now())
