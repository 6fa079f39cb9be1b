"""Event rates, of a kind of node or of one node. Runs refer to them, so they are disabled rather
than deleted."""

from django.core.exceptions import ValidationError

from apps.catalog.models import NodeKind
from apps.common.errors import ConflictError
from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.exposure.models import EventRate


class EventRateRecord(RecordType[EventRate]):
    """Event rates. The rate of one node takes precedence over that of its kind."""

    field_set = FieldSet(
        model=EventRate,
        sections=(
            FieldSection("Event", ("kind", "node_kind", "node", "once")),
            FieldSection("Rate", ("rate", "low", "high", "severity_cv", "enabled")),
            FieldSection("Source", ("assumption", "source")),
        ),
        fixed=frozenset({"kind", "node_kind", "node", "once"}),
        required=frozenset({"source"}),
        labels={
            "kind": "Failure mode",
            "node_kind": "Layer",
            "node": "Item",
            "once": "Happens once",
            "rate": "Events per year",
            "low": "Minimum",
            "high": "Maximum",
            "severity_cv": "Spread of severity",
            "assumption": "Assumed, not measured",
            "enabled": "Included in simulations",
        },
        help_texts={
            "node": "Number of the item. Empty: every item of the layer.",
            "source": "Link or document that states the rate.",
        },
        choices={"node_kind": [(kind.label, kind.label.capitalize()) for kind in NodeKind]},
    )

    def refuse_deletion(self, row: EventRate) -> None:
        raise ConflictError("A rate is not deleted. Exclude it from simulations instead.")

    def validate(self, row: EventRate) -> None:
        errors = {}
        if row.low is not None and row.high is not None and not row.low <= row.rate <= row.high:
            errors["rate"] = "The rate must be within its interval."
        if row.node is not None and row.node.get_kind_display() != row.node_kind:
            errors["node_kind"] = "Select the layer of the item."
        if errors:
            raise ValidationError(errors)
