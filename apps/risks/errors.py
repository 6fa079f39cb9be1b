from apps.inventory.actions import RefusedChange


class RiskChangeError(RefusedChange):
    """A change of a risk or assessment that contradicts what is on record; the text says why and
    what to do."""
