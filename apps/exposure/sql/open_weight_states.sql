-- (dependency_id, state) of live primary models, states as OpenWeightState. Parameters in their
-- order: teams if {used}, the statement needs_of_primaries, has them; needs that a model with open
-- weights keeps, as JSON texts.
WITH {used}
SELECT u.dependency_id,
    CASE WHEN k.is_open THEN 'open'
        WHEN n.need IN (SELECT unnest(%s::text[])::jsonb) THEN 'alternative'
        WHEN NOT k.is_open AND n.need IS NOT NULL THEN 'none'
        ELSE 'unknown' END AS state
FROM used u
LEFT JOIN known k ON k.effective_id = u.effective_id
LEFT JOIN needed n ON n.dependency_id = u.dependency_id
