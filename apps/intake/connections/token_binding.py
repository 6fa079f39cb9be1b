"""Token binding: the one application that a token may send data for."""

from apps.accounts.models import ApiToken
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import Import, TokenBinding
from apps.inventory.models import Application


def binding_of(token: ApiToken | None, application: Application | None) -> TokenBinding | None:
    """Return the token's binding with its application, None for an unbound token.

    IntakePermissionError if `application` is another one."""
    binding = (
        TokenBinding.objects.select_related("application").filter(token=token).first()
        if token
        else None
    )
    if binding is not None and application is not None and application.pk != binding.application_id:
        raise IntakePermissionError(
            f"This API token is limited to {binding.application.slug}. Use that application or "
            "another API token."
        )
    return binding


def has_bound_token(import_: Import) -> bool:
    """Return whether the import was sent by a service account whose token is bound to the
    application.

    The permission of a service account is the binding, while a user's permission ends with the
    role."""
    if import_.by is None or not import_.by.is_service or import_.token_id is None:
        return False
    return TokenBinding.objects.filter(
        token=import_.token_id, application=import_.application
    ).exists()
