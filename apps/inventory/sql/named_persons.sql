-- Persons by the text of an owner: (word, team_id, id), for the rows (word, team_id) that {wanted}
-- selects. A word is in lower case, without spaces around it. A person is the only active user of
-- that name, email address, further address or username who can view what the team owns.
WITH wanted AS ({wanted}),
called AS (
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> '' AS sees_all
    FROM wanted w JOIN accounts_user u ON lower(u.username) = w.word AND u.is_active
    UNION
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> ''
    FROM wanted w JOIN accounts_user u ON lower(u.email) = w.word AND u.is_active
    UNION
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> ''
    FROM wanted w JOIN accounts_user u
        ON lower(person_name(u.first_name, u.last_name, u.username)) = w.word AND u.is_active
    UNION
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> ''
    FROM wanted w JOIN accounts_emailalias e ON lower(e.email) = w.word
    JOIN accounts_user u ON u.id = e.user_id AND u.is_active
)
SELECT c.word, c.team_id, min(c.id) AS id
FROM called c
WHERE c.sees_all OR EXISTS (
    SELECT 1 FROM accounts_membership m JOIN team_ancestor a ON a.ancestor_id = m.team_id
    WHERE m.user_id = c.id AND a.team_id = c.team_id
)
GROUP BY c.word, c.team_id HAVING count(*) = 1
