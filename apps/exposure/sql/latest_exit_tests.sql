-- the latest exit test of each application towards each version, the first of each version, with the
-- number of applications that tested it
WITH latest AS (
    SELECT DISTINCT ON (o.version_id, d.application_id)
        e.id, o.version_id, e.dependency_id, d.application_id, e.result, e.tested_on, e.expires_on
    FROM inventory_exittest e
    JOIN catalog_offering o ON o.id = e.target_id
    JOIN inventory_dependency d ON d.id = e.dependency_id
    WHERE o.version_id = ANY (%(versions)s)
    ORDER BY o.version_id, d.application_id, e.tested_on DESC, e.id DESC
),
numbered AS (
    SELECT l.*, count(*) OVER (PARTITION BY l.version_id) AS n_applications,
        row_number() OVER (PARTITION BY l.version_id ORDER BY l.tested_on DESC, l.id DESC) AS place
    FROM latest l
)
SELECT n.version_id, n.dependency_id, n.application_id, a.name, a.slug, n.result, n.tested_on,
    n.expires_on, n.n_applications
FROM numbered n JOIN inventory_application a ON a.id = n.application_id
WHERE n.place <= %(most)s
ORDER BY n.tested_on DESC, n.id DESC
