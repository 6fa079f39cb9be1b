"""SQL derivation of the DORA templates' rows, one relation after the other; docs/reports.md lists
the source of each field.

Values are typed and never invented: unrecorded ones are null. `h<code>` explains how a value was
derived, or why a field does not apply (explanations.py). Parameter %(office)s: only organisation
roles can view contracts, and a note informs other readers.
"""

from apps.common.database.statements import compose_statement, load_statement

# an exit that took at most so many days is easy, at most so many medium, else highly complex
MAX_EASY_DAYS = 30
MAX_MEDIUM_DAYS = 90

# the contract party: the vendor of a product; a gateway that has a contract; else the host
PARTY = """
WITH held AS (
    SELECT id, party_id, kind, starts_on FROM inventory_contract
    WHERE (starts_on IS NULL OR starts_on <= %(on)s::date) AND (ends_on IS NULL
        OR ends_on > %(on)s::date)
)
SELECT p.id, p.slug, p.name, nullif(p.lei, '') AS lei, t.top, nullif(tp.lei, '') AS top_lei,
    k.contract_id
FROM catalog_provider p
JOIN (
    SELECT DISTINCT ON (provider_id) provider_id, ancestor_id AS top FROM provider_ancestor
    ORDER BY provider_id, depth DESC
) t ON t.provider_id = p.id
JOIN catalog_provider tp ON tp.id = t.top
LEFT JOIN (
    -- the nearest party's contract; of several a subsequent one before its frame, then the latest
    SELECT DISTINCT ON (c.provider_id) c.provider_id, h.id AS contract_id
    FROM provider_ancestor c JOIN held h ON h.party_id = c.ancestor_id
    ORDER BY c.provider_id, c.depth, h.kind = 'overarching', h.starts_on DESC NULLS LAST, h.id DESC
) k ON k.provider_id = p.id
"""

# Active dependencies on the offerings that serve their calls. `fkey`: the function that the
# application supports, or the application itself. `party_id`: the contract party, which is the
# vendor that embeds the model, or the gateway if it has a contract or the host has none. Contracts
# are visible to organisation roles. `stands`: an active primary path, which a primary model without
# traffic is not.
USE = """
WITH app AS (
    SELECT a.*, coalesce(nullif(a.function_ref, ''), nullif(a.business_function, ''),
        'application ' || a.id) AS fkey
    FROM inventory_application a
    WHERE a.status = ANY (%(statuses)s) AND (%(teams)s::bigint[] IS NULL
        OR a.team_id = ANY (%(teams)s::bigint[]))
),
live AS (
    SELECT d.id AS dependency_id, d.application_id, d.role, d.monthly_spend, d.reached,
        d.via_party_id,
           o.host_id, f.developer_id, a.fkey, a.criticality, a.data_classification,
           CASE WHEN d.reached = 'embedded' THEN d.via_party_id
                WHEN d.reached = 'gateway' AND (g.contract_id IS NOT NULL OR h.contract_id IS NULL)
                    THEN d.via_party_id
                ELSE o.host_id END AS party_id
    FROM app a
    JOIN inventory_dependency d ON d.application_id = a.id
    LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
    JOIN catalog_offering o ON o.id = coalesce(e.effective_id, d.offering_id)
    LEFT JOIN catalog_version v ON v.id = o.version_id
    LEFT JOIN catalog_foundation f ON f.id = v.foundation_id
    JOIN report_party h ON h.id = o.host_id
    LEFT JOIN report_party g ON g.id = d.via_party_id
    WHERE is_live(d.since, d.until, %(on)s::date)
)
SELECT l.*, CASE WHEN %(office)s THEN p.contract_id END AS contract_id, p.top AS party_top,
       nullif(k.ict_service_type, '') AS service, x.dependency_id IS NOT NULL AS stands
FROM live l
JOIN report_party p ON p.id = l.party_id
LEFT JOIN inventory_contract k ON %(office)s AND k.id = p.contract_id
LEFT JOIN exposure_path x ON x.dependency_id = l.dependency_id
"""

WAY = compose_statement(
    load_statement("reports", "dora_way"),
    max_easy_days=str(MAX_EASY_DAYS),
    max_medium_days=str(MAX_MEDIUM_DAYS),
)

# the supply chain behind each contract party
LINK = """
SELECT DISTINCT contract_id, service, party_id, provider_id, rank, recipient_id, is_developer
FROM (
    -- rank 1: the contract party itself
    SELECT contract_id, service, party_id, party_id AS provider_id, 1 AS rank,
        NULL::bigint AS recipient_id,
           false AS is_developer
    FROM report_use
    UNION ALL
    -- rank 2: a host behind the contract party, which is the recipient of its service
    SELECT contract_id, service, party_id, host_id, 2, party_id, false FROM report_use
    WHERE host_id <> party_id
    UNION ALL
    -- the developer of the model comes after its host
    SELECT contract_id, service, party_id, developer_id, CASE WHEN host_id = party_id THEN 2
        ELSE 3 END, host_id, true
    FROM report_use WHERE developer_id <> host_id AND developer_id <> party_id
) every
"""


def _identifier_type_sql(code: str, lei: str = "p.lei") -> str:
    """Return the column with the type of a party's identifier: LEI, or missing together with the
    identifier."""
    return (
        f"CASE WHEN {lei} IS NOT NULL THEN 'LEI' END AS c{code}, "
        f"CASE WHEN {lei} IS NULL THEN 'follows' END AS h{code}"
    )


# a field of the contract: for organisation roles, missing if there is no contract
_OFFICE = "CASE WHEN NOT %(office)s THEN 'office' END"

COST = """
SELECT k.id, k.party_id, k.currency,
       coalesce(k.annual_cost, CASE WHEN k.currency = 'USD' THEN 12 * u.spend END) AS cost,
       -- the basis of an estimated cost: how many uses record their spend, of how many
       CASE WHEN k.annual_cost IS NULL AND k.currency = 'USD' AND u.spend IS NOT NULL
            THEN 'spend:' || u.n_spend || ':' || u.n END AS how
FROM inventory_contract k
LEFT JOIN (
    -- the recorded monthly spend under each contract
    SELECT contract_id, sum(monthly_spend) AS spend, count(monthly_spend) AS n_spend, count(*) AS n
    FROM report_use GROUP BY contract_id
) u ON u.contract_id = k.id
-- contracts in force on the day
WHERE %(office)s AND (k.starts_on IS NULL OR k.starts_on <= %(on)s::date)
  AND (k.ends_on IS NULL OR k.ends_on > %(on)s::date)
"""

R0201 = """
SELECT row_number() OVER (ORDER BY k.ref, k.id) AS n, q.name AS about, k.id AS at_contract,
    k.party_id AS at_provider,
       NULL::bigint AS at_application,
       nullif(k.ref, '') AS c0010, NULL::text AS h0010, k.kind AS c0020, NULL::text AS h0020,
       CASE WHEN k.kind = 'subsequent' THEN o.ref END AS c0030,
       CASE WHEN k.kind <> 'subsequent' THEN 'not_subsequent' END AS h0030,
       nullif(k.currency, '') AS c0040, NULL::text AS h0040, c.cost AS c0050, c.how AS h0050
FROM report_cost c JOIN inventory_contract k ON k.id = c.id
JOIN catalog_provider q ON q.id = k.party_id
LEFT JOIN inventory_contract o ON o.id = k.overarching_id
"""

R0202 = load_statement("reports", "dora_0202")

R0501 = load_statement("reports", "dora_0501")

R0502 = f"""
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, y.name, y.id, l.rank, p.name, p.id, r.id) AS n,
       p.name || coalesce(' for ' || r.name, '') AS about,
       l.contract_id AS at_contract, l.provider_id AS at_provider, NULL::bigint AS at_application,
       r.id AS at_recipient,
       nullif(k.ref, '') AS c0010, {_OFFICE} AS h0010,
       l.service AS c0020, {_OFFICE} AS h0020,
       p.lei AS c0030, NULL::text AS h0030, {_identifier_type_sql("0040")},
       l.rank AS c0050, CASE WHEN l.is_developer THEN 'developer' ELSE 'chain' END AS h0050,
       r.lei AS c0060, CASE WHEN l.rank = 1 THEN 'rank_one' END AS h0060,
       CASE WHEN r.lei IS NOT NULL THEN 'LEI' END AS c0070,
       CASE WHEN l.rank = 1 THEN 'rank_one' WHEN r.lei IS NULL THEN 'follows' END AS h0070
FROM report_link l
JOIN report_party p ON p.id = l.provider_id
JOIN report_party y ON y.id = l.party_id
LEFT JOIN report_party r ON r.id = l.recipient_id
LEFT JOIN inventory_contract k ON k.id = l.contract_id
"""

R0601 = load_statement("reports", "dora_0601")

R0701 = load_statement("reports", "dora_0701")

# each relation uses only those before it
RELATIONS: dict[str, str] = {
    "report_party": PARTY,
    "report_use": USE,
    "report_way": WAY,
    "report_link": LINK,
    "report_cost": COST,
    "report_0201": R0201,
    "report_0202": R0202,
    "report_0501": R0501,
    "report_0502": R0502,
    "report_0601": R0601,
    "report_0701": R0701,
}
