-- API tokens whose expiry approaches or has passed by at most %(grace)s days: (id, on, made_on,
-- application_id, people, words). The recipients of a service account's token are the nearest owners
-- of its team ({owner_rank} is their rank), without any the operators of the registry (as
-- `OrganisationRoles.operators`).
SELECT k.id, (k.expires_at AT TIME ZONE 'UTC')::date AS on,
       (k.created_at AT TIME ZONE 'UTC')::date AS made_on, NULL::bigint AS application_id,
       CASE WHEN NOT w.is_service THEN ARRAY[w.id] ELSE coalesce(nullif(ARRAY(
           WITH owner AS (
               SELECT m.user_id, rank() OVER (ORDER BY above.depth) AS place
               FROM team_ancestor above
               JOIN accounts_membership m
                   ON m.team_id = above.ancestor_id AND m.role = {owner_rank}
               JOIN accounts_user u ON u.id = m.user_id AND u.is_active AND NOT u.is_service
               WHERE above.team_id = w.service_team_id
           )
           SELECT user_id FROM owner WHERE place = 1
       ), '{{}}'), ARRAY(
           SELECT o.id FROM (
               SELECT u.id, rank() OVER (ORDER BY u.organisation_role = 'governance') AS place
               FROM accounts_user u WHERE u.is_active AND NOT u.is_service
                 AND (u.organisation_role IN ('admin', 'governance') OR u.is_superuser)
           ) o WHERE o.place = 1
       )) END AS people,
       jsonb_build_object('what', k.name, 'of', CASE WHEN w.is_service
           THEN person_name(w.first_name, w.last_name, w.username) ELSE '' END) AS words
FROM accounts_apitoken k JOIN accounts_user w ON w.id = k.user_id AND w.is_active
WHERE k.revoked_at IS NULL AND (k.expires_at AT TIME ZONE 'UTC')::date >= %(day)s::date -
    %(grace)s
  -- a token made for a few days needs no reminder in these days
  AND k.expires_at - k.created_at > interval '14 days'
