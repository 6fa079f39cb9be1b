-- Owners of the applications that match the condition {which} on `a`: (id, team_id, business owner,
-- technical owner). An owner is the person that the application is linked to, where {eligible} holds
-- for the row `u` of the person and `a`, otherwise the person that its text names, else null.
WITH asked AS (
    SELECT a.id, a.team_id, lower(btrim(a.business_owner)) AS business,
        lower(btrim(a.technical_owner)) AS technical,
        (SELECT u.id FROM accounts_user u
         WHERE u.id = a.business_owner_person_id AND {eligible}) AS business_id,
        (SELECT u.id FROM accounts_user u
         WHERE u.id = a.technical_owner_person_id AND {eligible}) AS technical_id
    FROM inventory_application a WHERE {which}
),
named AS ({named})
SELECT a.id, a.team_id, coalesce(a.business_id, b.id) AS business_owner_id,
    coalesce(a.technical_id, t.id) AS technical_owner_id
FROM asked a
LEFT JOIN named b ON b.word = a.business AND b.team_id = a.team_id AND a.business_id IS NULL
LEFT JOIN named t ON t.word = a.technical AND t.team_id = a.team_id AND a.technical_id IS NULL
