from apps.common.errors import ConflictError


class RiskChangeError(ConflictError):
    """A change of a risk or assessment that conflicts with recorded data; the text says why and
    what to do."""
