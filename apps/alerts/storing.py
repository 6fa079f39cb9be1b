"""How alerts are written down: each at most once, for ever."""

from collections.abc import Sequence

from apps.alerts.models import Alert

# a transaction's worth: one event may reach half the portfolio
ALERTS_AT_ONCE = 1000


def alert_key(subject: str, kind: str, recipient: str, *, milestone: str = "") -> str:
    """What an alert is unique by, for ever."""
    return f"{subject}|{kind}|{milestone}|{recipient}"


def store_alerts(alerts: Sequence[Alert]) -> int:
    """The number of alerts that were new; one whose key exists is left as it is."""
    n_new = 0
    for start in range(0, len(alerts), ALERTS_AT_ONCE):
        some = alerts[start : start + ALERTS_AT_ONCE]
        known = Alert.objects.filter(key__in=[alert.key for alert in some]).count()
        Alert.objects.bulk_create(some, ignore_conflicts=True)
        n_new += len(some) - known
    return n_new
