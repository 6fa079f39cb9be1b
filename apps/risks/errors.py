from apps.inventory.actions.checks import ChangeConflictError


class RiskChangeError(ChangeConflictError):
    """A change of a risk or assessment that conflicts with recorded data; the text says why and
    what to do."""
