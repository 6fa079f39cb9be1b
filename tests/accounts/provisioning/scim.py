"""Requests of an identity provider."""

from typing import Any

from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now


class ScimClient(APIClient):
    """Sends JSON, as `application/scim+json`."""

    def generic(self, method: str, path: str, data: Any = "", *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == "application/json" and method in {"PUT", "PATCH"}:
            args = ("application/scim+json", *args[1:])
        return super().generic(method, path, data, *args, **kwargs)


def provider(user: User) -> ScimClient:
    """A client with a token of `user` for provisioning."""
    _, text = issue_token(user=user, name="idp", scopes=["scim"], at=now(), by=None)
    client = ScimClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def create_user(client: ScimClient, name: str, **attributes: Any) -> dict[str, Any]:
    response = client.post("/scim/v2/Users", {"userName": name, **attributes})
    assert response.status_code == 201, response.content
    return dict(response.json())


def create_group(client: ScimClient, name: str, *members: str, **attributes: Any) -> dict[str, Any]:
    body = {"displayName": name, "members": [{"value": each} for each in members], **attributes}
    response = client.post("/scim/v2/Groups", body)
    assert response.status_code == 201, response.content
    return dict(response.json())


def patch(*operations: tuple[str, str | None, Any]) -> dict[str, Any]:
    """A PATCH of (operation, path, value); without path or value where they are None."""
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {
                "op": op,
                **({} if path is None else {"path": path}),
                **({} if value is None else {"value": value}),
            }
            for op, path, value in operations
        ],
    }
