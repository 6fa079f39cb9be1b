-- Live primary models in groups that have the same state: (open, need, one of the needs as JSON text,
-- number, weights). A need is null if the weights are open or nothing is known of the use. {used} is
-- the statement needs_of_primaries.
WITH {used}
SELECT k.is_open, n.need::text, min(n.fields::text), count(*), sum(u.share), sum(u.points),
    sum(u.spend), sum(u.users)
FROM used u
LEFT JOIN known k ON k.effective_id = u.effective_id
LEFT JOIN needed n ON n.dependency_id = u.dependency_id
GROUP BY k.is_open, n.need
