"""What the service supports (RFC 7643, sections 5 to 7): configuration, resource types and schemas.

Only attributes that are stored are described.
"""

from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
USER, GROUP = f"{CORE}:User", f"{CORE}:Group"
MAX_RESULTS = 200

# attributes of RFC 7643 and its extension for enterprises that are not stored: identity providers
# send them by default, and they are ignored
IGNORED_ATTRIBUTES = frozenset(
    {
        "addresses",
        "costcenter",
        "department",
        "division",
        "employeenumber",
        "entitlements",
        "groups",
        "ims",
        "locale",
        "manager",
        "nickname",
        "organization",
        "password",
        "phonenumbers",
        "photos",
        "preferredlanguage",
        "profileurl",
        "roles",
        "timezone",
        "title",
        "usertype",
        "x509certificates",
    }
)


def service_provider_config(base: str) -> dict[str, Any]:
    """Return the configuration; `base` is the URL of the service without a slash at its end."""
    return {
        "schemas": [f"{CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API token",
                "description": "An API token of the registry with the scope scim.",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    return [
        {
            "schemas": [f"{CORE}:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "description": description,
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, description, schema in (
            ("User", "People with an account", USER),
            ("Group", "Groups, which give roles by rules", GROUP),
        )
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    return [
        {
            "schemas": [f"{CORE}:Schema"],
            "id": identifier,
            "name": name,
            "description": description,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{identifier}"},
        }
        for identifier, name, description, attributes in (
            (USER, "User", "A person with an account", _USER_ATTRIBUTES),
            (GROUP, "Group", "A group of people", _GROUP_ATTRIBUTES),
        )
    ]


def _attribute(name: str, kind: str = "string", **changed: Any) -> dict[str, Any]:
    """Return an attribute with the default characteristics of RFC 7643, section 2.2."""
    attribute = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": "",
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
        **changed,
    }
    if kind == "string":
        attribute.setdefault("caseExact", False)
        attribute.setdefault("uniqueness", "none")
    if kind == "reference":
        attribute.setdefault("caseExact", True)
    return attribute


_USER_ATTRIBUTES = [
    _attribute(
        "userName",
        description="Name of the user at the identity provider.",
        required=True,
        uniqueness="server",
    ),
    _attribute(
        "name",
        "complex",
        description="Parts of the name.",
        subAttributes=[
            _attribute("familyName", description="Last name."),
            _attribute("givenName", description="First name."),
        ],
    ),
    _attribute("displayName", description="Name that is used where name has no parts."),
    _attribute(
        "emails",
        "complex",
        multiValued=True,
        description="Email address. One is stored: the primary one, or that of work.",
        subAttributes=[
            _attribute("value", description="The address."),
            _attribute(
                "type", description="Use of the address.", canonicalValues=["work", "home", "other"]
            ),
        ],
    ),
    _attribute("active", "boolean", description="Whether the user can sign in.", required=True),
    _attribute(
        "groups",
        "complex",
        multiValued=True,
        mutability="readOnly",
        description="Groups of the user.",
        subAttributes=[
            _attribute("value", description="ID of the group.", mutability="readOnly"),
            _attribute(
                "$ref",
                "reference",
                description="URL of the group.",
                mutability="readOnly",
                referenceTypes=["Group"],
            ),
            _attribute("display", description="Name of the group.", mutability="readOnly"),
            _attribute("type", description="direct", mutability="readOnly"),
        ],
    ),
]
_GROUP_ATTRIBUTES = [
    _attribute("displayName", description="Name of the group.", required=True, uniqueness="server"),
    _attribute(
        "members",
        "complex",
        multiValued=True,
        description="People in the group; groups cannot be members.",
        subAttributes=[
            _attribute("value", description="ID of the user.", mutability="immutable"),
            _attribute(
                "$ref",
                "reference",
                description="URL of the user.",
                mutability="immutable",
                referenceTypes=["User"],
            ),
            _attribute(
                "type",
                description="User",
                mutability="immutable",
                canonicalValues=["User"],
            ),
        ],
    ),
]
