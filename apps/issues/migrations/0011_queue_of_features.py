"""Changed features of a host concern the applications whose dependencies use them."""

from django.db import migrations

_QUEUE_USERS_OF_OFFERINGS = """
-- Applications that call a changed offering, or one that retires with it: another model ID of its
-- version, or the same model ID, at the same host; or that use a changed feature. Null concerns all
-- applications.
CREATE OR REPLACE FUNCTION issues_queue_users_of_offerings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM (
        SELECT offering_id FROM new_rows
        UNION
        SELECT s.id
        FROM new_rows n JOIN catalog_offering o ON o.id = n.offering_id
        JOIN catalog_offering s ON s.host_id = o.host_id AND s.api_id = o.api_id
        UNION
        SELECT f.offering_id
        FROM (
            SELECT DISTINCT o.version_id, o.host_id
            FROM new_rows n JOIN catalog_offering o ON o.id = n.offering_id
            WHERE o.version_id IS NOT NULL
        ) v
        -- OFFSET 0 keeps the join per version: joined by host first, the offerings of a large host
        -- would be compared with the whole footing
        CROSS JOIN LATERAL (
            SELECT f.offering_id
            FROM catalog_node k JOIN catalog_footing f ON f.node_id = k.id
            WHERE k.kind = node_kind('version') AND k.ref = v.version_id
            OFFSET 0
        ) f
        JOIN catalog_offering s ON s.id = f.offering_id AND s.host_id = v.host_id
    ) x
    JOIN inventory_dependency d ON d.offering_id = x.offering_id
    UNION
    -- those whose dependencies use a changed feature of their host
    SELECT d.application_id
    FROM new_rows n JOIN catalog_offering o ON o.id = n.offering_id
        AND o.kind IN ('feature', 'endpoint', 'parameter')
    JOIN catalog_offering m ON m.host_id = o.host_id
    JOIN inventory_dependency d ON d.offering_id = m.id
    WHERE d.features <> '{}' AND o.api_id = ANY (d.features)
    UNION ALL
    SELECT NULL WHERE EXISTS (SELECT 1 FROM new_rows WHERE offering_id IS NULL);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0010_incidents"),
        ("inventory", "0006_features_of_dependencies"),
    ]
    operations = [migrations.RunSQL(_QUEUE_USERS_OF_OFFERINGS, migrations.RunSQL.noop)]
