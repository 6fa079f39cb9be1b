"""Persons of owners beside their texts, linked from the texts that are there."""

import re
from secrets import token_hex
from typing import Any

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# one address, alone or behind a name
_ADDRESS = re.compile(
    r"(?:[^<>@]*<)?\s*([^@\s<>,;\"']+@[^@\s<>,;\"'.]+(?:\.[^@\s<>,;\"'.]+)+)\s*>?"
)
_NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]")

ADD_CONTACT = """
INSERT INTO accounts_user (
    username, email, first_name, last_name, password, is_superuser, is_staff, is_active, state,
    date_joined, organisation_role, sso_organisation_role, manual_organisation_role, time_zone,
    digest_hour, is_service, about
) VALUES (
    %(username)s, %(email)s, %(first)s, %(last)s, %(password)s, false, false, false, 'contact',
    now(), '', '', '', 'UTC', 7, false, ''
)
ON CONFLICT DO NOTHING
"""
# {column}: business or technical; a person is linked by address
LINK_ADDRESSES = """
UPDATE inventory_application a SET {column}_owner_person_id = u.id
FROM unnest(%(texts)s::text[], %(addresses)s::text[]) AS t(text, address)
JOIN accounts_user u ON lower(u.email) = t.address
WHERE a.{column}_owner = t.text
"""
# by name or username: the only active user who can view what the team owns
LINK_NAMES = """
WITH wanted AS (
    SELECT DISTINCT lower(btrim({column}_owner)) AS word, team_id FROM inventory_application
    WHERE btrim({column}_owner) <> '' AND {column}_owner_person_id IS NULL
),
called AS (
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> '' AS sees_all
    FROM wanted w JOIN accounts_user u ON lower(u.username) = w.word AND u.is_active
    UNION
    SELECT w.word, w.team_id, u.id, u.is_superuser OR u.organisation_role <> ''
    FROM wanted w JOIN accounts_user u
        ON lower(person_name(u.first_name, u.last_name, u.username)) = w.word AND u.is_active
),
named AS (
    SELECT c.word, c.team_id, min(c.id) AS id FROM called c
    WHERE c.sees_all OR EXISTS (
        SELECT 1 FROM accounts_membership m JOIN team_ancestor t ON t.ancestor_id = m.team_id
        WHERE m.user_id = c.id AND t.team_id = c.team_id
    )
    GROUP BY c.word, c.team_id HAVING count(*) = 1
)
UPDATE inventory_application a SET {column}_owner_person_id = n.id
FROM named n WHERE lower(btrim(a.{column}_owner)) = n.word AND a.team_id = n.team_id
    AND a.{column}_owner_person_id IS NULL
"""


def link_owners(apps: Any, schema_editor: Any) -> None:
    """Link the texts that name persons; unknown addresses become contacts. The texts stay."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT business_owner FROM inventory_application WHERE business_owner LIKE '%@%'"
            " UNION SELECT technical_owner FROM inventory_application"
            " WHERE technical_owner LIKE '%@%' ORDER BY 1"
        )
        address_by_text = {
            text: read.group(1).lower()
            for (text,) in cursor.fetchall()
            if (read := _ADDRESS.fullmatch(text.strip())) and len(read.group(1)) <= 254
        }
        addresses = sorted(set(address_by_text.values()))
        for _attempt in range(2):
            cursor.execute(
                "SELECT t.address FROM unnest(%s::text[]) AS t(address) WHERE NOT EXISTS"
                " (SELECT 1 FROM accounts_user u WHERE lower(u.email) = t.address)",
                [addresses],
            )
            cursor.executemany(
                ADD_CONTACT, [_contact(address, _attempt) for (address,) in cursor.fetchall()]
            )
        for column in ("business", "technical"):
            cursor.execute(
                LINK_ADDRESSES.format(column=column),
                {"texts": [*address_by_text], "addresses": [*address_by_text.values()]},
            )
            cursor.execute(LINK_NAMES.format(column=column))
        # the indexes of the new columns are made at the end of this transaction
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _contact(address: str, attempt: int) -> dict[str, str]:
    local = address.partition("@")[0].partition("+")[0]
    words = [word for word in local.replace("_", ".").split(".") if word]
    has_name = len(words) > 1 and all(word.replace("-", "").isalpha() for word in words)
    names = ["-".join(part.capitalize() for part in word.split("-")) for word in words]
    username = _NOT_IN_USERNAMES.sub("-", address)[:140]
    return {
        "username": username if attempt == 0 else f"{username}-{token_hex(4)}",
        "email": address,
        "first": (names[0] if has_name else local or "contact")[:150],
        "last": " ".join(names[1:])[:150] if has_name else "",
        "password": f"!{token_hex(20)}",
    }


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="application",
            name="business_owner_person",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="business_applications",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="technical_owner_person",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="technical_applications",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="applicationhistory",
            name="business_owner_person",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="applicationhistory",
            name="technical_owner_person",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        # while the history's triggers are away: the columns begin with these values
        migrations.RunPython(link_owners, migrations.RunPython.noop, elidable=True),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "business_owner_person_id", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "technical_owner_person_id", "users_affected") SELECT new_values."ai_act_class", new_values."ai_act_role", new_values."autonomy", new_values."business_function", new_values."business_owner", new_values."business_owner_person_id", new_values."created_at", new_values."criticality", new_values."criticality_assessed_on", new_values."criticality_reason", new_values."data_classification", new_values."external_refs", new_values."function_ref", new_values."geography", new_values."id", new_values."impact_of_discontinuing", new_values."licensed_activity", new_values."merged_into_id", new_values."monthly_spend", new_values."name", new_values."next_review_on", new_values."personal_data", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."purpose", new_values."rpo_hours", new_values."rto_hours", new_values."slug", new_values."status", new_values."team_id", new_values."technical_owner", new_values."technical_owner_person_id", new_values."users_affected" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e7868146768d7ff776d1474d46564215f6fdbe1d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8d15f",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "business_owner_person_id", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "technical_owner_person_id", "users_affected") SELECT new_values."ai_act_class", new_values."ai_act_role", new_values."autonomy", new_values."business_function", new_values."business_owner", new_values."business_owner_person_id", new_values."created_at", new_values."criticality", new_values."criticality_assessed_on", new_values."criticality_reason", new_values."data_classification", new_values."external_refs", new_values."function_ref", new_values."geography", new_values."id", new_values."impact_of_discontinuing", new_values."licensed_activity", new_values."merged_into_id", new_values."monthly_spend", new_values."name", new_values."next_review_on", new_values."personal_data", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."purpose", new_values."rpo_hours", new_values."rto_hours", new_values."slug", new_values."status", new_values."team_id", new_values."technical_owner", new_values."technical_owner_person_id", new_values."users_affected" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."ai_act_class" IS DISTINCT FROM (new_values."ai_act_class") OR old_values."ai_act_role" IS DISTINCT FROM (new_values."ai_act_role") OR old_values."autonomy" IS DISTINCT FROM (new_values."autonomy") OR old_values."business_function" IS DISTINCT FROM (new_values."business_function") OR old_values."business_owner" IS DISTINCT FROM (new_values."business_owner") OR old_values."business_owner_person_id" IS DISTINCT FROM (new_values."business_owner_person_id") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."criticality" IS DISTINCT FROM (new_values."criticality") OR old_values."criticality_assessed_on" IS DISTINCT FROM (new_values."criticality_assessed_on") OR old_values."criticality_reason" IS DISTINCT FROM (new_values."criticality_reason") OR old_values."data_classification" IS DISTINCT FROM (new_values."data_classification") OR old_values."external_refs" IS DISTINCT FROM (new_values."external_refs") OR old_values."function_ref" IS DISTINCT FROM (new_values."function_ref") OR old_values."geography" IS DISTINCT FROM (new_values."geography") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."impact_of_discontinuing" IS DISTINCT FROM (new_values."impact_of_discontinuing") OR old_values."licensed_activity" IS DISTINCT FROM (new_values."licensed_activity") OR old_values."merged_into_id" IS DISTINCT FROM (new_values."merged_into_id") OR old_values."monthly_spend" IS DISTINCT FROM (new_values."monthly_spend") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."next_review_on" IS DISTINCT FROM (new_values."next_review_on") OR old_values."personal_data" IS DISTINCT FROM (new_values."personal_data") OR old_values."purpose" IS DISTINCT FROM (new_values."purpose") OR old_values."rpo_hours" IS DISTINCT FROM (new_values."rpo_hours") OR old_values."rto_hours" IS DISTINCT FROM (new_values."rto_hours") OR old_values."slug" IS DISTINCT FROM (new_values."slug") OR old_values."status" IS DISTINCT FROM (new_values."status") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."technical_owner" IS DISTINCT FROM (new_values."technical_owner") OR old_values."technical_owner_person_id" IS DISTINCT FROM (new_values."technical_owner_person_id") OR old_values."users_affected" IS DISTINCT FROM (new_values."users_affected")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a63f7ada3b5214f889c423bf4463a55360c3439a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9b87b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "business_owner_person_id", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "technical_owner_person_id", "users_affected") SELECT old_values."ai_act_class", old_values."ai_act_role", old_values."autonomy", old_values."business_function", old_values."business_owner", old_values."business_owner_person_id", old_values."created_at", old_values."criticality", old_values."criticality_assessed_on", old_values."criticality_reason", old_values."data_classification", old_values."external_refs", old_values."function_ref", old_values."geography", old_values."id", old_values."impact_of_discontinuing", old_values."licensed_activity", old_values."merged_into_id", old_values."monthly_spend", old_values."name", old_values."next_review_on", old_values."personal_data", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."purpose", old_values."rpo_hours", old_values."rto_hours", old_values."slug", old_values."status", old_values."team_id", old_values."technical_owner", old_values."technical_owner_person_id", old_values."users_affected" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="425421581e87475154966b069d041b031c2fbebe",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c4413",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
    ]
