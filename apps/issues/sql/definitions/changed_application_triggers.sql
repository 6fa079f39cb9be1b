-- Triggers that queue the applications of changed rows for the evaluation of issues. The first three
-- follow the queues of lower apps; the others belong to records without a queue of their own.
CREATE OR REPLACE FUNCTION issues_queue_applications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT application_id FROM new_rows;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION issues_queue_users_of_offerings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN inventory_dependency d ON d.offering_id = n.offering_id;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION issues_queue_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN inventory_dependency d ON d.id = n.dependency_id;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER issues_follow_changed_applications
AFTER INSERT ON inventory_changedapplication REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE OR REPLACE TRIGGER issues_follow_stale_applications
AFTER INSERT ON inventory_staleapplication REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE OR REPLACE TRIGGER issues_follow_changed_offerings
AFTER INSERT ON catalog_changedoffering REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_users_of_offerings();

CREATE OR REPLACE TRIGGER issues_follow_new_discrepancies
AFTER INSERT ON intake_discrepancy REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE OR REPLACE TRIGGER issues_follow_discrepancies
AFTER UPDATE ON intake_discrepancy REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE OR REPLACE TRIGGER issues_follow_new_tasks
AFTER INSERT ON exposure_campaigntask REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE OR REPLACE TRIGGER issues_follow_tasks
AFTER UPDATE ON exposure_campaigntask REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE OR REPLACE TRIGGER issues_follow_new_assessments
AFTER INSERT ON risks_assessment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE OR REPLACE TRIGGER issues_follow_assessments
AFTER UPDATE ON risks_assessment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();
