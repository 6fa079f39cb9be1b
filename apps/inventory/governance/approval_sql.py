"""The rule which approvals apply to a use, as SQL; governance/violations.py describes it. Findings
use it as well.

The statement needs a preceding relation `used(id, application_id, offering_id, via_party_id)` and
the parameter `on`.
"""

from apps.common.database.statements import load_statement

DECIDING_APPROVALS = load_statement("inventory", "deciding_approvals")

# Regions of an application are separated by commas; all of them must be allowed, compared without
# case.
JUDGED_USES = """
-- approvals that decide about the offering, and those about the gateway or vendor of the use
counting AS (
    SELECT u.id AS dependency_id, u.application_id, c.approval_id
    FROM deciding c JOIN used u ON u.offering_id = c.offering_id
    UNION
    SELECT u.id, u.application_id, w.approval_id FROM way w
    JOIN used u ON u.via_party_id = w.party_id
),
judged AS (
    SELECT c.dependency_id, c.application_id, c.approval_id, a.criticality,
           p.decision = 'blocked' AS blocked,
           -- an empty list of a restricted approval allows all values
           p.decision = 'restricted' AND p.criticalities <> '{}'
               AND NOT a.criticality = ANY (p.criticalities) AS criticality_outside,
           p.decision = 'restricted' AND p.data_classes <> '{}'
               AND NOT a.data_classification = ANY (p.data_classes) AS class_outside,
           -- an application without geography is outside, too; region_unknown tells the two cases
           -- apart
           p.decision = 'restricted' AND p.regions <> '{}' AND NOT (
               a.geography <> '' AND regexp_split_to_array(lower(trim(a.geography)),
               '\\s*[,;/]\\s*')
                   <@ (SELECT array_agg(lower(trim(r)))
                   FROM unnest(p.regions) r)) AS region_outside,
           a.data_classification = '' AS class_unknown, a.geography = '' AS region_unknown
    FROM counting c
    JOIN inventory_approval p ON p.id = c.approval_id AND p.decision IN ('blocked', 'restricted')
    JOIN inventory_application a ON a.id = c.application_id
)
"""
