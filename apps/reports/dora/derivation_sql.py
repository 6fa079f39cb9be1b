"""The SQL that derives the templates' rows, one relation after the other; what each field comes
from stands in docs/reports.md.

Values are typed and never invented: what is not on record is null. `h<code>` says how a value was
derived, or why a field does not apply (explanations.py). Office %(office)s: contracts are read by
the offices only, others are told so.
"""

from apps.inventory.cost_queries import ANSWERING_OFFERINGS

# a way out that took at most so many days is easy, at most so many medium, else highly complex
MAX_EASY_DAYS = 30
MAX_MEDIUM_DAYS = 90

# the party under contract: the vendor of a product; a gateway that has a contract; else the host
_TOPS = """
chain(id, above, steps, path) AS (
    SELECT id, id, 0, ARRAY[id] FROM catalog_provider
    UNION ALL
    SELECT c.id, p.parent_id, c.steps + 1, c.path || p.parent_id
    FROM chain c JOIN catalog_provider p ON p.id = c.above
    WHERE p.parent_id IS NOT NULL AND NOT p.parent_id = ANY (c.path)
)"""

PARTY = f"""
WITH RECURSIVE {_TOPS},
held AS (
    SELECT id, party_id, kind, starts_on FROM inventory_contract
    WHERE (starts_on IS NULL OR starts_on <= %(on)s::date) AND (ends_on IS NULL
        OR ends_on > %(on)s::date)
)
SELECT p.id, p.slug, p.name, nullif(p.lei, '') AS lei, t.top, nullif(tp.lei, '') AS top_lei,
    k.contract_id
FROM catalog_provider p
JOIN (SELECT DISTINCT ON (id) id, above AS top FROM chain ORDER BY id, steps DESC) t ON t.id = p.id
JOIN catalog_provider tp ON tp.id = t.top
LEFT JOIN (
    -- the nearest party's contract; of several a subsequent one before its frame, then the latest
    SELECT DISTINCT ON (c.id) c.id, h.id AS contract_id FROM chain c
    JOIN held h ON h.party_id = c.above
    ORDER BY c.id, c.steps, h.kind = 'overarching', h.starts_on DESC NULLS LAST, h.id DESC
) k ON k.id = p.id
"""

USE = f"""
WITH {ANSWERING_OFFERINGS}
app AS (
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
    LEFT JOIN answering e ON e.offering_id = d.offering_id
    JOIN catalog_offering o ON o.id = coalesce(e.ref, d.offering_id)
    LEFT JOIN catalog_version v ON v.id = o.version_id
    LEFT JOIN catalog_foundation f ON f.id = v.foundation_id
    JOIN report_party h ON h.id = o.host_id
    LEFT JOIN report_party g ON g.id = d.via_party_id
    WHERE d.since <= %(on)s::date AND (d.until IS NULL OR d.until > %(on)s::date)
)
SELECT l.*, CASE WHEN %(office)s THEN p.contract_id END AS contract_id, p.top AS party_top,
       nullif(k.ict_service_type, '') AS service, x.dependency_id IS NOT NULL AS stands
FROM live l
JOIN report_party p ON p.id = l.party_id
LEFT JOIN inventory_contract k ON %(office)s AND k.id = p.contract_id
LEFT JOIN exposure_path x ON x.dependency_id = l.dependency_id
"""

# what would take over for a primary that does not go through the party: 2 tested and in date, 1
# there, 0 nothing
WAY = f"""
SELECT u.dependency_id, u.application_id, u.contract_id, u.party_id, u.service, u.fkey,
    u.criticality,
       coalesce(b.way, 0) AS way, b.effort_days,
       CASE WHEN x.substitutability <> '' THEN x.substitutability
            WHEN b.way = 2 AND b.effort_days <= {MAX_EASY_DAYS} THEN 'easily'
            WHEN b.way = 2 AND coalesce(b.effort_days, 0) <= {MAX_MEDIUM_DAYS} THEN 'medium'
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'highly_complex'
            WHEN x.alternatives_identified = 'no' THEN 'not' END AS subst,
       coalesce(x.substitutability <> '', false) AS subst_entered,
       CASE WHEN x.reason <> '' THEN x.reason
            WHEN coalesce(x.substitutability, '') <> '' THEN NULL
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'migration'
            WHEN x.alternatives_identified = 'no' THEN 'no_alternatives' END AS reason,
       nullif(x.reliance, '') AS reliance, nullif(x.reintegration, '') AS reintegration,
       x.id IS NOT NULL AS has_plan,
       CASE WHEN x.alternatives_identified <> '' THEN x.alternatives_identified
            WHEN b.way >= 1 OR th.id IS NOT NULL THEN 'yes' END AS alternatives,
       coalesce(x.alternatives_identified <> '', false) AS alternatives_entered,
       nullif(x.alternatives, '') AS named, th.name AS target_host
FROM report_use u
LEFT JOIN inventory_exitplan x ON x.dependency_id = u.dependency_id
LEFT JOIN catalog_offering t ON t.id = x.target_id
-- a plan that stays with the party is no way away from it
LEFT JOIN report_party th ON th.id = t.host_id AND th.top <> u.party_top
LEFT JOIN (
    SELECT u.dependency_id, max(CASE WHEN c.tested THEN 2 ELSE 1 END) AS way,
           min(test.effort_days) FILTER (WHERE c.tested) AS effort_days
    FROM report_use u
    JOIN exposure_candidate c ON c.application_id = u.application_id AND c.alive
        AND (c.primary_id IS NULL OR c.primary_id = u.dependency_id)
        AND (c.dependency_id IS NULL OR c.dependency_id <> u.dependency_id)
    LEFT JOIN LATERAL (
        SELECT e.effort_days FROM inventory_exittest e
        JOIN inventory_dependency d ON d.id = e.dependency_id
        WHERE d.application_id = u.application_id AND e.target_id = c.offering_id
            AND e.result = 'passed'
          AND e.tested_on <= %(on)s::date
        ORDER BY e.tested_on DESC, e.id DESC LIMIT 1
    ) test ON c.tested
    WHERE u.stands AND NOT u.party_top = ANY (c.parties)
    GROUP BY u.dependency_id
) b ON b.dependency_id = u.dependency_id
WHERE u.stands
"""

# who is in the chain behind each party under contract
LINK = """
SELECT DISTINCT contract_id, service, party_id, provider_id, rank, recipient_id, is_developer
FROM (
    SELECT contract_id, service, party_id, party_id AS provider_id, 1 AS rank,
        NULL::bigint AS recipient_id,
           false AS is_developer
    FROM report_use
    UNION ALL
    SELECT contract_id, service, party_id, host_id, 2, party_id, false FROM report_use
    WHERE host_id <> party_id
    UNION ALL
    SELECT contract_id, service, party_id, developer_id, CASE WHEN host_id = party_id THEN 2
        ELSE 3 END, host_id, true
    FROM report_use WHERE developer_id <> host_id AND developer_id <> party_id
) every
"""


def _type(code: str, lei: str = "p.lei") -> str:
    """The column that says by what a party is identified: by its LEI, or missing as that is."""
    return (
        f"CASE WHEN {lei} IS NOT NULL THEN 'LEI' END AS c{code}, "
        f"CASE WHEN {lei} IS NULL THEN 'follows' END AS h{code}"
    )


# a field of the contract: told to offices, missing where there is no contract
_OFFICE = "CASE WHEN NOT %(office)s THEN 'office' END"

COST = """
SELECT k.id, k.party_id, k.currency,
       coalesce(k.annual_cost, CASE WHEN k.currency = 'USD' THEN 12 * u.spend END) AS cost,
       CASE WHEN k.annual_cost IS NULL AND k.currency = 'USD' AND u.spend IS NOT NULL
            THEN 'spend:' || u.n_spend || ':' || u.n END AS how
FROM inventory_contract k
LEFT JOIN (
    SELECT contract_id, sum(monthly_spend) AS spend, count(monthly_spend) AS n_spend, count(*) AS n
    FROM report_use GROUP BY contract_id
) u ON u.contract_id = k.id
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

# a contract's column of RT.02.02 that is asked for critical or important functions only
_ONLY_CRITICAL = (
    "CASE WHEN NOT %(office)s THEN 'office'"
    " WHEN {value} IS NULL AND s.criticality > 1 THEN 'not_critical' END"
)

R0202 = f"""
WITH service AS (
    SELECT u.contract_id, u.party_id, u.service, u.fkey, min(u.criticality) AS criticality,
           count(DISTINCT u.application_id) AS n_applications,
           count(DISTINCT u.application_id) FILTER (WHERE u.data_classification <> '') AS
           n_classified,
           max(array_position(ARRAY['public', 'internal', 'confidential', 'secret'],
           u.data_classification))
               AS classified,
           (array_agg(u.application_id ORDER BY u.data_classification <> '', u.criticality,
               u.application_id))[1]
               AS lacking,
           (array_agg(u.application_id ORDER BY u.criticality, u.application_id))[1] AS gravest
    FROM report_use u GROUP BY u.contract_id, u.party_id, u.service, u.fkey
),
relied AS (
    SELECT contract_id, party_id, service, fkey, count(*) AS n, count(reliance) AS n_entered,
           max(array_position(ARRAY['not_significant', 'low', 'material', 'full'],
           reliance)) AS entered,
           count(*) FILTER (WHERE way = 0) AS n_without, count(*) FILTER (WHERE way = 2) AS n_tested
    FROM report_way GROUP BY contract_id, party_id, service, fkey
)
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, p.name, p.id, s.fkey) AS n,
       p.name || ' for ' || coalesce(nullif(a.business_function, ''), a.name) AS about,
       s.contract_id AS at_contract, s.party_id AS at_provider, s.gravest AS at_application,
       nullif(k.ref, '') AS c0010, {_OFFICE} AS h0010,
       e.lei AS c0020, NULL::text AS h0020,
       p.lei AS c0030, NULL::text AS h0030, {_type("0040")},
       nullif(a.function_ref, '') AS c0050, NULL::text AS h0050,
       s.service AS c0060, {_OFFICE} AS h0060,
       k.starts_on AS c0070, {_OFFICE} AS h0070,
       CASE WHEN k.id IS NOT NULL THEN coalesce(k.ends_on, '9999-12-31'::date) END AS c0080,
       CASE WHEN NOT %(office)s THEN 'office' WHEN k.id IS NOT NULL AND k.ends_on IS NULL
           THEN 'open_ended' END
           AS h0080,
       nullif(k.termination_reason, '') AS c0090,
       CASE WHEN NOT %(office)s THEN 'office'
            WHEN k.id IS NOT NULL AND k.termination_reason = '' THEN 'in_force' END AS h0090,
       k.notice_days_ours AS c0100, {_ONLY_CRITICAL.format(value="k.notice_days_ours")} AS h0100,
       k.notice_days_theirs AS c0110, {_ONLY_CRITICAL.format(value="k.notice_days_theirs")} AS
       h0110,
       nullif(k.governing_law, '') AS c0120,
       {_ONLY_CRITICAL.format(value="nullif(k.governing_law, '')")} AS h0120,
       nullif(k.provision_country, '') AS c0130, {_OFFICE} AS h0130,
       nullif(k.stores_data, '') AS c0140, {_OFFICE} AS h0140,
       nullif(k.data_country, '') AS c0150,
       CASE WHEN NOT %(office)s THEN 'office' WHEN k.stores_data = 'no' AND k.data_country = ''
           THEN 'not_stored' END
           AS h0150,
       nullif(k.processing_country, '') AS c0160, {_OFFICE} AS h0160,
       CASE s.classified WHEN 1 THEN 'low' WHEN 2 THEN 'low' WHEN 3 THEN 'medium' WHEN 4
           THEN 'high' END AS c0170,
       CASE WHEN s.classified IS NOT NULL THEN 'classification:' || s.n_classified || ':' ||
           s.n_applications
            WHEN k.stores_data = 'no' THEN 'not_stored' WHEN s.criticality > 1
                THEN 'not_critical' END AS h0170,
       CASE WHEN r.entered IS NOT NULL
                THEN (ARRAY['not_significant', 'low', 'material', 'full'])[r.entered]
            WHEN r.n IS NULL THEN 'not_significant' WHEN r.n_without > 0 THEN 'full'
            WHEN r.n_tested < r.n THEN 'material' ELSE 'low' END AS c0180,
       CASE WHEN r.entered IS NOT NULL THEN 'reliance_entered:' || r.n_entered || ':' || r.n
            WHEN r.n IS NULL THEN 'leans'
            ELSE 'reliance:' || r.n_without || ':' || r.n || ':' || r.n_tested END AS h0180
FROM service s
JOIN report_party p ON p.id = s.party_id
JOIN inventory_application a ON a.id = s.gravest
LEFT JOIN inventory_contract k ON k.id = s.contract_id
LEFT JOIN relied r ON r.party_id = s.party_id AND r.fkey = s.fkey
    AND r.contract_id IS NOT DISTINCT FROM s.contract_id AND r.service IS NOT DISTINCT
    FROM s.service
CROSS JOIN (SELECT max(nullif(lei, '')) AS lei FROM reports_reportingentity) e
"""

R0501 = f"""
WITH party AS (
    SELECT provider_id AS id FROM report_link UNION SELECT party_id FROM report_cost
),
everyone AS (
    SELECT id FROM party UNION SELECT t.top FROM party JOIN report_party t ON t.id = party.id
),
direct AS (
    SELECT party_id FROM report_link WHERE rank = 1 UNION SELECT party_id FROM report_cost
),
spent AS (
    SELECT party_id, min(currency) AS currency, sum(cost) AS cost, count(*) AS n,
        min(id) AS contract_id,
           max(how) AS how, bool_and(cost IS NOT NULL) AND count(DISTINCT currency) = 1 AS whole
    FROM report_cost GROUP BY party_id
)
SELECT row_number() OVER (ORDER BY p.name, p.id) AS n, p.name AS about,
       coalesce(s.contract_id, k.contract_id) AS at_contract, p.id AS at_provider,
       NULL::bigint AS at_application,
       p.top AS at_parent,
       p.lei AS c0010, NULL::text AS h0010,
       {_type("0020")},
       nullif(q.legal_name, '') AS c0050, NULL::text AS h0050,
       nullif(q.person_type, '') AS c0070, NULL::text AS h0070,
       nullif(q.country, '') AS c0080, NULL::text AS h0080,
       CASE WHEN s.whole THEN s.currency END AS c0090,
       CASE WHEN d.party_id IS NULL THEN 'not_direct' WHEN NOT %(office)s
           THEN 'office' END AS h0090,
       CASE WHEN s.whole THEN s.cost END AS c0100,
       CASE WHEN d.party_id IS NULL THEN 'not_direct' WHEN NOT %(office)s THEN 'office'
            WHEN s.whole AND s.n > 1 THEN 'contracts:' || s.n WHEN s.whole THEN s.how END AS h0100,
       CASE WHEN p.top <> p.id THEN p.top_lei END AS c0110, CASE WHEN p.top = p.id
           THEN 'own_parent' END AS h0110,
       CASE WHEN p.top <> p.id AND p.top_lei IS NOT NULL THEN 'LEI' END AS c0120,
       CASE WHEN p.top = p.id THEN 'own_parent' WHEN p.top_lei IS NULL THEN 'follows' END AS h0120
FROM everyone x
JOIN report_party p ON p.id = x.id
JOIN catalog_provider q ON q.id = p.id
LEFT JOIN direct d ON d.party_id = p.id
LEFT JOIN spent s ON s.party_id = p.id
LEFT JOIN report_party k ON %(office)s AND k.id = p.id
"""

R0502 = f"""
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, y.name, y.id, l.rank, p.name, p.id, r.id) AS n,
       p.name || coalesce(' for ' || r.name, '') AS about,
       l.contract_id AS at_contract, l.provider_id AS at_provider, NULL::bigint AS at_application,
       r.id AS at_recipient,
       nullif(k.ref, '') AS c0010, {_OFFICE} AS h0010,
       l.service AS c0020, {_OFFICE} AS h0020,
       p.lei AS c0030, NULL::text AS h0030, {_type("0040")},
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

R0601 = """
WITH app AS (
    SELECT DISTINCT u.application_id, u.fkey FROM report_use u
)
SELECT row_number() OVER (ORDER BY min(a.criticality), f.fkey) AS n,
       coalesce(max(nullif(a.business_function, '')), max(a.name)) AS about,
       NULL::bigint AS at_contract,
       NULL::bigint AS at_provider, (array_agg(a.id
       ORDER BY a.criticality, a.id))[1] AS at_application,
       max(nullif(a.function_ref, '')) AS c0010, NULL::text AS h0010,
       (array_agg(a.licensed_activity ORDER BY a.criticality,
           a.id) FILTER (WHERE a.licensed_activity <> ''))[1]
           AS c0020, NULL::text AS h0020,
       (array_agg(a.business_function ORDER BY a.criticality,
           a.id) FILTER (WHERE a.business_function <> ''))[1]
           AS c0030, NULL::text AS h0030,
       max(e.lei) AS c0040, NULL::text AS h0040,
       CASE WHEN min(a.criticality) <= 1 THEN 'yes' ELSE 'no' END AS c0050,
       'critical:' || count(*) FILTER (WHERE a.criticality <= 1) || ':' || count(*) AS h0050,
       left(string_agg(DISTINCT nullif(a.criticality_reason, ''), '; '), 300) AS c0060,
       CASE WHEN count(nullif(a.criticality_reason, '')) > 0
                THEN 'reasons:' || count(nullif(a.criticality_reason, ''))
            WHEN min(a.criticality) > 1 THEN 'not_critical' END AS h0060,
       max(a.criticality_assessed_on) AS c0070,
       CASE WHEN max(a.criticality_assessed_on) IS NOT NULL
            THEN 'latest:' || count(a.criticality_assessed_on) || ':' || count(*) END AS h0070,
       min(a.rto_hours) AS c0080,
       CASE WHEN min(a.rto_hours) IS NOT NULL THEN 'shortest:' || count(a.rto_hours) || ':' ||
           count(*) END AS h0080,
       min(a.rpo_hours) AS c0090,
       CASE WHEN min(a.rpo_hours) IS NOT NULL THEN 'shortest:' || count(a.rpo_hours) || ':' ||
           count(*) END AS h0090,
       (ARRAY['low', 'medium', 'high'])[
           max(array_position(ARRAY['low', 'medium', 'high'], a.impact_of_discontinuing))
       ] AS c0100,
       CASE WHEN count(nullif(a.impact_of_discontinuing, '')) > 0
            THEN 'worst:' || count(nullif(a.impact_of_discontinuing,
            '')) || ':' || count(*) END AS h0100
FROM app f
JOIN inventory_application a ON a.id = f.application_id
CROSS JOIN (SELECT max(nullif(lei, '')) AS lei FROM reports_reportingentity) e
GROUP BY f.fkey
"""

_HARD = "ARRAY['easily', 'medium', 'highly_complex', 'not']"

R0701 = f"""
WITH own AS (SELECT * FROM report_way WHERE criticality <= 1),
alternative AS (
    SELECT DISTINCT w.contract_id, w.party_id, w.service, h.name
    FROM own w
    JOIN report_use u ON u.dependency_id = w.dependency_id
    JOIN exposure_candidate c ON c.application_id = w.application_id AND c.alive
        AND (c.primary_id IS NULL OR c.primary_id = w.dependency_id)
        AND (c.dependency_id IS NULL OR c.dependency_id <> w.dependency_id)
            AND NOT u.party_top = ANY (c.parties)
    JOIN catalog_offering o ON o.id = c.effective_id
    JOIN catalog_provider h ON h.id = o.host_id
    UNION
    SELECT contract_id, party_id, service, target_host FROM own WHERE target_host IS NOT NULL
    UNION
    SELECT contract_id, party_id, service, named FROM own WHERE named IS NOT NULL
),
named AS (
    SELECT contract_id, party_id, service, string_agg(name, ', ' ORDER BY name) AS names
    FROM (SELECT *, row_number() OVER (PARTITION BY contract_id, party_id, service
    ORDER BY name) AS place
          FROM alternative) ranked
    WHERE place <= 12 GROUP BY contract_id, party_id, service
),
assessed AS (
    SELECT contract_id, party_id, service, count(*) AS n, count(subst) AS n_known,
           count(*) FILTER (WHERE subst_entered) AS n_entered, max(array_position({_HARD},
           subst)) AS hardest,
           count(*) FILTER (WHERE has_plan) AS n_plans,
           max(array_position(ARRAY['easy', 'difficult', 'highly_complex'],
           reintegration)) AS reintegration,
           CASE WHEN bool_or(alternatives = 'no') THEN 'no' WHEN bool_or(alternatives = 'yes')
               THEN 'yes'
                WHEN bool_or(alternatives = 'na') THEN 'na' END AS alternatives,
           count(*) FILTER (WHERE alternatives = 'yes') AS n_alternatives,
           count(*) FILTER (WHERE alternatives_entered) AS n_alternatives_entered,
           (array_agg(application_id ORDER BY subst IS NOT NULL, has_plan, criticality,
               application_id))[1] AS lacking
    FROM own GROUP BY contract_id, party_id, service
),
why AS (
    SELECT w.contract_id, w.party_id, w.service,
           CASE WHEN bool_or(w.reason = 'both')
                     OR (bool_or(w.reason = 'migration') AND bool_or(w.reason = 'no_alternatives'))
                         THEN 'both'
                ELSE max(w.reason) END AS reason
    FROM own w WHERE w.subst IN ('not', 'highly_complex')
    GROUP BY w.contract_id, w.party_id, w.service
),
impact AS (
    SELECT w.contract_id, w.party_id, w.service, count(*) AS n,
        count(nullif(a.impact_of_discontinuing, '')) AS n_known,
           max(array_position(ARRAY['low', 'medium', 'high'], a.impact_of_discontinuing)) AS worst
    FROM (SELECT DISTINCT contract_id, party_id, service, application_id FROM own) w
    JOIN inventory_application a ON a.id = w.application_id
    GROUP BY w.contract_id, w.party_id, w.service
)
SELECT row_number() OVER (ORDER BY k.ref NULLS LAST, p.name, p.id) AS n, p.name AS about,
       x.contract_id AS at_contract, x.party_id AS at_provider, x.lacking AS at_application,
       nullif(k.ref, '') AS c0010, {_OFFICE} AS h0010,
       p.lei AS c0020, NULL::text AS h0020, {_type("0030")},
       x.service AS c0040, {_OFFICE} AS h0040,
       ({_HARD})[x.hardest] AS c0050,
       CASE WHEN x.hardest IS NULL THEN NULL
            WHEN x.n_known = x.n THEN 'subst:' || x.n_entered || ':' || x.n - x.n_entered || ':' ||
                x.n
            ELSE 'subst_part:' || x.n_known || ':' || x.n_known - x.n_entered || ':' || x.n END AS
            h0050,
       CASE WHEN x.hardest >= 3 THEN y.reason END AS c0060,
       CASE WHEN x.hardest < 3 THEN 'substitutable' END AS h0060,
       k.last_audit_on AS c0070, {_OFFICE} AS h0070,
       CASE WHEN x.n_plans = x.n THEN 'yes' ELSE 'no' END AS c0080,
           'plans:' || x.n_plans || ':' || x.n AS h0080,
       (ARRAY['easy', 'difficult', 'highly_complex'])[x.reintegration] AS c0090,
           NULL::text AS h0090,
       (ARRAY['low', 'medium', 'high'])[i.worst] AS c0100,
       CASE WHEN i.worst IS NOT NULL THEN 'worst:' || i.n_known || ':' || i.n END AS h0100,
       x.alternatives AS c0110,
       CASE WHEN x.alternatives IS NOT NULL
            THEN 'alternatives:' || x.n_alternatives || ':' || x.n || ':' ||
            x.n_alternatives_entered END AS h0110,
       m.names AS c0120,
       CASE WHEN m.names IS NOT NULL THEN 'hosts' WHEN x.alternatives IN ('no', 'na')
           THEN 'no_alternatives' END
           AS h0120
FROM assessed x
JOIN report_party p ON p.id = x.party_id
LEFT JOIN inventory_contract k ON k.id = x.contract_id
LEFT JOIN why y ON y.party_id = x.party_id AND y.contract_id IS NOT DISTINCT FROM x.contract_id
    AND y.service IS NOT DISTINCT FROM x.service
LEFT JOIN named m ON m.party_id = x.party_id AND m.contract_id IS NOT DISTINCT FROM x.contract_id
    AND m.service IS NOT DISTINCT FROM x.service
LEFT JOIN impact i ON i.party_id = x.party_id AND i.contract_id IS NOT DISTINCT FROM x.contract_id
    AND i.service IS NOT DISTINCT FROM x.service
"""

# in the order in which each rests on those before it
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
