from apps.common.errors import ConflictError


class RiskChangeError(ConflictError):
    """A change of a risk or assessment that conflicts with recorded data; the text gives the reason
    and the correction."""
