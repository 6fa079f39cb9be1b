-- Owners of the applications that match the condition {which} on `a`: (id, team_id, business owner,
-- technical owner). An owner is the ID of the only active user of that name, email address or
-- username who can view what the team owns, else null.
WITH asked AS (
    SELECT a.id, a.team_id, lower(btrim(a.business_owner)) AS business,
        lower(btrim(a.technical_owner)) AS technical
    FROM inventory_application a WHERE {which}
),
wanted AS (
    SELECT business AS word, team_id FROM asked WHERE business <> ''
    UNION SELECT technical, team_id FROM asked WHERE technical <> ''
),
called AS (
    SELECT lower(username) AS word, id FROM accounts_user WHERE is_active
    UNION SELECT lower(email), id FROM accounts_user WHERE is_active AND email <> ''
    UNION SELECT lower(btrim(first_name || ' ' || last_name)), id FROM accounts_user WHERE is_active
),
person AS (SELECT c.word, c.id FROM called c WHERE c.word IN (SELECT word FROM wanted)),
held AS (
    SELECT DISTINCT m.user_id, a.team_id
    FROM accounts_membership m JOIN team_ancestor a ON a.ancestor_id = m.team_id
    WHERE m.user_id IN (SELECT id FROM person)
),
-- of several people of one name the only one who may see what the team owns
seen AS (
    SELECT s.word, s.team_id, min(s.id) AS id FROM (
        SELECT w.word, w.team_id, p.id FROM wanted w JOIN person p ON p.word = w.word
        JOIN held h ON h.user_id = p.id AND h.team_id = w.team_id
        UNION
        SELECT w.word, w.team_id, p.id FROM wanted w JOIN person p ON p.word = w.word
        JOIN accounts_user u ON u.id = p.id AND (u.is_superuser OR u.organisation_role <> '')
    ) s
    GROUP BY s.word, s.team_id HAVING count(*) = 1
)
SELECT a.id, a.team_id, b.id AS business_owner_id, t.id AS technical_owner_id
FROM asked a
LEFT JOIN seen b ON b.word = a.business AND b.team_id = a.team_id
LEFT JOIN seen t ON t.word = a.technical AND t.team_id = a.team_id
