"""Refusals: what an action raises where it does not do what was requested."""

from django.core.exceptions import PermissionDenied


class DomainError(Exception):
    """Input that an action rejects; the text says what is wrong and what to do instead.

    `field` names the field of the form or request that the text is about, where it is one.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ConflictError(DomainError):
    """A change that contradicts what is recorded; the text says why and what to do instead."""


class ForbiddenError(DomainError, PermissionDenied):
    """A change for which the user lacks a role; the text names the role."""
