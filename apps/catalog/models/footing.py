"""Upstream dependencies of offerings as a flat table, so that every blast-radius query is one
join."""

from django.db import models

from apps.catalog.models.change_queue import FOOTING_CHANGE_TRIGGERS
from apps.catalog.models.offerings import Offering


class NodeKind(models.IntegerChoices):
    OFFERING = 1, "offering"
    VERSION = 2, "version"
    FOUNDATION = 3, "foundation"
    DEVELOPER = 4, "developer"
    HOST = 5, "host"
    GATEWAY = 6, "gateway"
    REGION = 7, "region"
    VENDOR = 8, "vendor"


class Via(models.IntegerChoices):
    """Kind of relationship between an offering and a node; the smallest number is the strongest and
    applies."""

    DIRECT = 0, "direct"
    ONE_OF = 1, "one_of"
    WEIGHTS = 2, "weights"
    BEHAVIOUR = 3, "behaviour"


class Node(models.Model):
    """A possible upstream dependency of an application. `ref` is the ID of the offering, version,
    foundation, region or, for developer, host, gateway and vendor, of the provider."""

    kind = models.PositiveSmallIntegerField(choices=NodeKind)
    ref = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="node_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}:{self.ref}"


class Footing(models.Model):
    """A node on which an offering depends. `depth` is 0 for nodes that concentration counts, and
    higher for parents and ancestors."""

    pk = models.CompositePrimaryKey("node_id", "offering_id")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="footings")
    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, related_name="footings", db_index=False
    )
    via = models.PositiveSmallIntegerField(choices=Via)
    depth = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["offering"], include=["node", "via", "depth"], name="footing_by_offering"
            ),
        ]
        triggers = FOOTING_CHANGE_TRIGGERS

    def __str__(self) -> str:
        return f"{self.offering_id} on {self.node_id}"
