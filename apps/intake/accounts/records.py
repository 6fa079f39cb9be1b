"""Data classes that the clients of clouds return: plain values, the same for every cloud."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.common.credentials import Credentials


@dataclass(frozen=True, slots=True)
class FoundDeployment:
    """Deployment, or model in use, as the cloud states it. Empty text: not stated.

    `scope` is the part of the account that was read as a whole, such as a resource or a region.
    `group`, `project` and `tags` can name its application."""

    kind: str
    scope: str
    external_id: str
    name: str
    model: str = ""
    version: str = ""
    region: str = ""
    upgrades: bool = False
    group: str = ""
    project: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    lifecycle: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundUsage:
    """Calls of one model on one day (UTC); None if the provider does not state the number."""

    project: str
    model: str
    day: date
    n_calls: int | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class PullProblem:
    """Part of an account that could not be read, and the reason as a sentence."""

    where: str
    reason: str


@dataclass(slots=True)
class Listing:
    """Content of an account. Only `complete_scopes` were read to the end: what is missing in
    another scope might still exist."""

    deployments: list[FoundDeployment] = field(default_factory=list)
    usage: list[FoundUsage] = field(default_factory=list)
    complete_scopes: set[str] = field(default_factory=set)
    # scopes that were listed to the end, so that a scope missing among them does not exist
    lists_all_scopes: bool = False
    problems: list[PullProblem] = field(default_factory=list)
    n_models: int = 0


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """What a client needs to read an account. `report` is called with the part that is read next;
    it raises if the pull must stop."""

    tenant: str
    client: str
    subscription: str
    project: str
    organisation: str
    regions: tuple[str, ...]
    credentials: Credentials
    at: datetime
    report: Callable[[str], None] = field(default=lambda _step: None)


class PullFailedError(Exception):
    """Nothing of the account can be read; the text is a sentence for users that says what to do."""


class CredentialsRejectedError(PullFailedError):
    """The cloud rejected the credentials."""


class PartUnreadableError(Exception):
    """One part of the account cannot be read; the text is a sentence for users."""
