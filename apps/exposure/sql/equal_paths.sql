-- Each path with its application and the lowest path that the same failures affect and the same
-- candidates rescue (`like_id`). A candidate is packed into one number of everything that
-- _RESCUES (apps/exposure/engine/states.py) reads of it, apart from its party.
WITH rescue AS (
    SELECT c.primary_id, array_agg(c.facts ORDER BY c.facts, c.party_id) AS facts,
        array_agg(c.party_id ORDER BY c.facts, c.party_id) AS parties
    FROM (
        SELECT primary_id, coalesce(via_party_id, 0) AS party_id,
            offering_id * 4096 + reached * 256 + grade * 16 + is_immediate::int * 8
                + tested::int * 4 + alive::int * 2 + alive_at_horizon::int AS facts
        FROM exposure_candidategrade
    ) c
    GROUP BY c.primary_id
),
path AS MATERIALIZED (
    -- without nulls, so that they are compared as equal
    SELECT p.dependency_id, p.application_id, p.criticality, p.share, p.offering_id, p.reached,
        coalesce(p.via_party_id, 0) AS party_id, coalesce(r.facts, '{}') AS facts,
        coalesce(r.parties, '{}') AS parties
    FROM exposure_path p LEFT JOIN rescue r ON r.primary_id = p.dependency_id
),
alike AS (
    SELECT offering_id, reached, party_id, facts, parties, min(dependency_id) AS like_id
    FROM path GROUP BY offering_id, reached, party_id, facts, parties
)
SELECT p.application_id, p.criticality, p.share, a.like_id
FROM path p JOIN alike a USING (offering_id, reached, party_id, facts, parties)
