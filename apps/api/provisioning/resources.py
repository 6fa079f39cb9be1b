"""Users, groups, and what the service supports."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import ProvisionedGroup, User
from apps.accounts.provisioning import schemas
from apps.accounts.provisioning.errors import ScimError
from apps.accounts.provisioning.filters import Filter, read_filter
from apps.accounts.provisioning.groups import (
    create_group,
    delete_group,
    patch_group,
    replace_group,
)
from apps.accounts.provisioning.queries import group_condition, is_id, user_condition
from apps.accounts.provisioning.resources import (
    base_url,
    group_resources,
    list_response,
    provisionable_users,
    user_resources,
)
from apps.accounts.provisioning.users import create_user, delete_user, patch_user, read_user
from apps.accounts.provisioning.users import replace_user as replace_provisioned_user
from apps.api.provisioning.base import ScimView
from apps.common.time import now


def _filtered[M: Any](
    rows: QuerySet[M], text: str, condition: Callable[[Filter], Q]
) -> QuerySet[M]:
    return rows.filter(condition(read_filter(text))) if text.strip() else rows


class UserAccess(ScimView):
    def find(self, pk: str) -> User:
        user = provisionable_users().filter(pk=int(pk)).first() if is_id(pk) else None
        if user is None:
            raise ScimError(404, "There is no user with this ID.")
        return user

    def answer(self, user: User, *, status: int = 200) -> Response:
        [resource] = user_resources([self.find(str(user.pk))])
        return self.answer_resource(resource, status=status)

    def check(self, user: User) -> None:
        if "If-Match" in self.request.headers:
            self.check_version(user_resources([user])[0])


@extend_schema(exclude=True)
class UserListView(UserAccess):
    """`/Users`."""

    def get(self, request: Request) -> Response:
        start, count = self.page(most=schemas.MAX_RESULTS)
        rows = _filtered(
            provisionable_users(), request.query_params.get("filter", ""), user_condition
        ).order_by("pk")
        page = list(rows[start - 1 : start - 1 + count]) if count else []
        resources = user_resources(page, with_groups=not self.excludes("groups"))
        return Response(
            list_response(
                [self.select(each) for each in resources], total=rows.count(), start=start
            )
        )

    def post(self, request: Request) -> Response:
        user = create_user(read_user(self.read_body()), by=self.user, at=now())
        return self.answer(user, status=201)


@extend_schema(exclude=True)
class UserView(UserAccess):
    """`/Users/ID`."""

    def get(self, request: Request, pk: str) -> Response:
        return self.answer(self.find(pk))

    def put(self, request: Request, pk: str) -> Response:
        user = self.find(pk)
        self.check(user)
        replace_provisioned_user(user, self.read_body(), by=self.user, at=now())
        return self.answer(user)

    def patch(self, request: Request, pk: str) -> Response:
        user = self.find(pk)
        self.check(user)
        patch_user(user, self.read_body(), by=self.user, at=now())
        return self.answer(user)

    def delete(self, request: Request, pk: str) -> Response:
        user = self.find(pk)
        self.check(user)
        delete_user(user, by=self.user, at=now())
        return Response(status=204)


class GroupAccess(ScimView):
    def find(self, pk: str) -> ProvisionedGroup:
        group = ProvisionedGroup.objects.filter(pk=int(pk)).first() if is_id(pk) else None
        if group is None:
            raise ScimError(404, "There is no group with this ID.")
        return group

    def answer(self, group: ProvisionedGroup, *, status: int = 200) -> Response:
        [resource] = group_resources(
            [self.find(str(group.pk))], with_members=not self.excludes("members")
        )
        return self.answer_resource(resource, status=status)

    def check(self, group: ProvisionedGroup) -> None:
        if "If-Match" in self.request.headers:
            self.check_version(group_resources([group])[0])


@extend_schema(exclude=True)
class GroupListView(GroupAccess):
    """`/Groups`."""

    def get(self, request: Request) -> Response:
        start, count = self.page(most=schemas.MAX_RESULTS)
        rows = _filtered(
            ProvisionedGroup.objects.all(), request.query_params.get("filter", ""), group_condition
        ).order_by("pk")
        page = list(rows[start - 1 : start - 1 + count]) if count else []
        resources = group_resources(page, with_members=not self.excludes("members"))
        return Response(
            list_response(
                [self.select(each) for each in resources], total=rows.count(), start=start
            )
        )

    def post(self, request: Request) -> Response:
        return self.answer(create_group(self.read_body(), by=self.user), status=201)


@extend_schema(exclude=True)
class GroupView(GroupAccess):
    """`/Groups/ID`."""

    def get(self, request: Request, pk: str) -> Response:
        return self.answer(self.find(pk))

    def put(self, request: Request, pk: str) -> Response:
        group = self.find(pk)
        self.check(group)
        return self.answer(replace_group(group, self.read_body(), by=self.user))

    def patch(self, request: Request, pk: str) -> Response:
        """Answer 204 unless attributes are asked for: a group can have thousands of members."""
        group = self.find(pk)
        self.check(group)
        changed = patch_group(group, self.read_body(), by=self.user)
        if "attributes" in request.query_params:
            return self.answer(changed)
        return Response(status=204)

    def delete(self, request: Request, pk: str) -> Response:
        group = self.find(pk)
        self.check(group)
        delete_group(group, by=self.user)
        return Response(status=204)


@extend_schema(exclude=True)
class ServiceProviderConfigView(ScimView):
    """`/ServiceProviderConfig`."""

    def get(self, request: Request) -> Response:
        return Response(schemas.service_provider_config(base_url()))


class _DefinitionView(ScimView):
    """A list of definitions, or the one with an ID."""

    def definitions(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def get(self, request: Request, identifier: str = "") -> Response:
        definitions = self.definitions()
        if not identifier:
            if request.query_params.get("filter"):
                raise ScimError(403, "Definitions cannot be filtered.")
            return Response(list_response(definitions, total=len(definitions), start=1))
        for definition in definitions:
            if definition["id"] == identifier:
                return Response(definition)
        raise ScimError(404, "There is no definition with this ID.")


@extend_schema(exclude=True)
class SchemaView(_DefinitionView):
    """`/Schemas`."""

    def definitions(self) -> list[dict[str, Any]]:
        return schemas.schemas(base_url())


@extend_schema(exclude=True)
class ResourceTypeView(_DefinitionView):
    """`/ResourceTypes`."""

    def definitions(self) -> list[dict[str, Any]]:
        return schemas.resource_types(base_url())
