"""Filters of SCIM as conditions of the database."""

from collections.abc import Mapping

from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import ProvisionedMember
from apps.accounts.provisioning.errors import ScimError, ScimType, invalid
from apps.accounts.provisioning.filters import Combination, Comparison, Filter, ValueFilter
from apps.accounts.provisioning.resources import named_users

# {attribute: column}; texts are compared in lower case
USER_COLUMNS: Mapping[str, str] = {
    "id": "pk",
    "username": "scim_name",
    "externalid": "scim_external_id",
    "emails": "scim_email",
    "emails.value": "scim_email",
    "emails.type": "scim_email_type",
    "displayname": "provisioning__display_name",
    "name.givenname": "first_name",
    "name.familyname": "last_name",
    "active": "is_active",
}
GROUP_COLUMNS: Mapping[str, str] = {
    "id": "pk",
    "displayname": "display_name",
    "externalid": "external_id",
}
_LOOKUPS = {
    "eq": "iexact",
    "co": "icontains",
    "sw": "istartswith",
    "ew": "iendswith",
    "gt": "gt",
    "ge": "gte",
    "lt": "lt",
    "le": "lte",
}


def user_condition(tree: Filter) -> Q:
    """Return the condition for rows of `provisionable_users`. Raises ScimError."""
    return _condition(tree, USER_COLUMNS, "")


def group_condition(tree: Filter) -> Q:
    return _condition(tree, GROUP_COLUMNS, "")


def _condition(tree: Filter, columns: Mapping[str, str], prefix: str) -> Q:
    match tree:
        case Combination("not", (part,)):
            return ~_condition(part, columns, prefix)
        case Combination(operator, parts):
            condition = Q()
            for part in parts:
                inner = _condition(part, columns, prefix)
                condition = condition & inner if operator == "and" else condition | inner
            return condition
        case ValueFilter(attribute, inner):
            # one address is stored, so all parts of the filter are about the same value
            return _condition(inner, columns, f"{attribute}.")
        case Comparison():
            return _compare(tree, columns, f"{prefix}{tree.attribute}")
    raise invalid("The filter cannot be read.", ScimType.INVALID_FILTER)


def _compare(comparison: Comparison, columns: Mapping[str, str], attribute: str) -> Q:
    if columns is GROUP_COLUMNS and attribute in {"members", "members.value"}:
        return _has_member(comparison)
    if attribute == "emails.primary" and comparison.value is True:
        # the one address that is stored
        return Q(scim_email__gt="")
    column = columns.get(attribute)
    if column is None:
        raise invalid(
            f"“{attribute[:60]}” cannot be used in a filter. Use one of: "
            f"{', '.join(sorted(columns))}.",
            ScimType.INVALID_FILTER,
        )
    if comparison.operator == "pr":
        return _is_present(column)
    if comparison.operator == "ne":
        equal = Comparison(comparison.attribute, "eq", comparison.value)
        return ~_compare(equal, columns, attribute)
    if column == "is_active":
        return _compare_active(comparison)
    if column == "pk":
        return _compare_id(comparison)
    if not isinstance(comparison.value, str):
        raise _wrong_value(attribute)
    if comparison.operator == "eq" and column == "scim_name":
        return named_users(comparison.value)
    if comparison.operator == "eq" and column == "scim_email":
        return Q(scim_email=comparison.value.lower())
    if comparison.operator == "eq" and attribute == "externalid":
        # unlike names, identifiers have a case (RFC 7643, section 3.1)
        return Q(**{column: comparison.value}) & _is_present(column)
    return Q(**{f"{column}__{_LOOKUPS[comparison.operator]}": comparison.value})


def _is_present(column: str) -> Q:
    if column in {"pk", "is_active", "scim_name", "display_name"}:
        return ~Q(pk__in=())
    return Q(**{f"{column}__gt": ""})


def _compare_active(comparison: Comparison) -> Q:
    value = comparison.value
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if comparison.operator != "eq" or not isinstance(value, bool):
        raise _wrong_value("active")
    return Q(is_active=value)


def _compare_id(comparison: Comparison) -> Q:
    if comparison.operator != "eq":
        raise _wrong_value("id")
    text = str(comparison.value)
    return Q(pk=int(text)) if is_id(text) else Q(pk__in=())


def _has_member(comparison: Comparison) -> Q:
    text = str(comparison.value)
    if comparison.operator != "eq":
        raise _wrong_value("members")
    rows = ProvisionedMember.objects.filter(
        group=OuterRef("pk"), user=int(text) if is_id(text) else 0
    )
    return Q(Exists(rows))


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _wrong_value(attribute: str) -> ScimError:
    return invalid(
        f"The filter compares “{attribute[:60]}” with an unsuitable value or operator.",
        ScimType.INVALID_FILTER,
    )
