"""Numbers of dependencies that inherit the same risks, kept by statement triggers: a count of
inherited risk adds them up instead of reading every dependency."""

from django.db import migrations, models

_COUNTS = "n, n_critical, n_secret, n_critical_secret"
_IN_SCOPE = "status IN ('pilot', 'production')"
_LEVELS = "criticality = 0 AS is_critical, {row}.data_classification = 'secret' AS is_secret"
# a beginning that was past when the row was written needs no column of its own
_USE = """{row}.offering_id, {row}.via_party_id, {row}.reached, {row}.binding,
            CASE WHEN {row}.since > ({row}.created_at AT TIME ZONE 'UTC')::date
                THEN {row}.since END AS starts_on,
            {row}.until AS ends_on"""

# Both look their counterparts up row by row: a plan that the session stored after a large statement
# is then also right for a small one.
_OF_DEPENDENCIES = f"""
        SELECT {_USE.format(row="r")}, a.is_critical, a.is_secret, {{sign}} AS n
        FROM {{rows}} r CROSS JOIN LATERAL (
            SELECT a.{_LEVELS.format(row="a")} FROM inventory_application a
            WHERE a.id = r.application_id AND a.{_IN_SCOPE} OFFSET 0
        ) a"""
_OF_APPLICATIONS = f"""
        SELECT d.offering_id, d.via_party_id, d.reached, d.binding, d.starts_on, d.ends_on,
            r.{_LEVELS.format(row="r")}, {{sign}} AS n
        FROM {{rows}} r CROSS JOIN LATERAL (
            SELECT {_USE.format(row="d")} FROM inventory_dependency d
            WHERE d.application_id = r.id OFFSET 0
        ) d
        WHERE r.{_IN_SCOPE}"""
_ADD = f"""
    INSERT INTO risks_dependencycount (
        offering_id, via_party_id, reached, binding, starts_on, ends_on, {_COUNTS}, is_total)
    SELECT x.offering_id, x.via_party_id, x.reached, x.binding, x.starts_on, x.ends_on,
        sum(x.n), coalesce(sum(x.n) FILTER (WHERE x.is_critical), 0),
        coalesce(sum(x.n) FILTER (WHERE x.is_secret), 0),
        coalesce(sum(x.n) FILTER (WHERE x.is_critical AND x.is_secret), 0), {{is_total}}
    FROM ({{rows}}
    ) x
    GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(x.n) <> 0 OR bool_or(x.is_critical) OR bool_or(x.is_secret)"""

# the rows of an update whose counts differ, before (-1) and after (1)
_CHANGED = """(
            SELECT side.* FROM new_rows n JOIN old_rows o ON o.id = n.id
            CROSS JOIN LATERAL (SELECT n.*, 1 AS sign UNION ALL SELECT o.*, -1) side
            WHERE ({new}) IS DISTINCT FROM ({old}))"""
_COUNTED_COLUMNS = {
    "dependency": (
        *("application_id", "offering_id", "via_party_id", "reached", "binding"),
        *("since", "until", "created_at"),
    ),
    "application": ("status", "criticality", "data_classification"),
}


def _trigger(table: str, verb: str, tables: str, rows: str) -> str:
    name = f"risks_count_{table}_{verb}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_ADD.format(is_total="false", rows=rows)};
    RETURN NULL;
END $$;

CREATE TRIGGER {name}
AFTER {verb.upper()} ON inventory_{table} REFERENCING {tables}
FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def _triggers(table: str, rows: str) -> str:
    """Return triggers that add the difference which a statement on `table` makes to the join of
    applications in scope and their dependencies."""
    new, old = (
        ", ".join(f"{side}.{name}" for name in _COUNTED_COLUMNS[table]) for side in ("n", "o")
    )
    added, removed = (
        rows.format(rows=changed, sign=sign)
        for changed, sign in (("new_rows", "1"), ("old_rows", "-1"))
    )
    updated = rows.format(rows=_CHANGED.format(new=new, old=old), sign="r.sign")
    return (
        _trigger(table, "insert", "NEW TABLE AS new_rows", added)
        + _trigger(table, "delete", "OLD TABLE AS old_rows", removed)
        + _trigger(table, "update", "OLD TABLE AS old_rows NEW TABLE AS new_rows", updated)
    )


_TRIGGERS = _triggers("dependency", _OF_DEPENDENCIES) + _triggers("application", _OF_APPLICATIONS)
_FIRST_COUNT = _ADD.format(
    is_total="true", rows=_OF_DEPENDENCIES.format(rows="inventory_dependency", sign="1")
)
_DROP = "".join(
    f"DROP FUNCTION risks_count_{table}_{verb}() CASCADE;"
    for table in ("dependency", "application")
    for verb in ("insert", "delete", "update")
)


class Migration(migrations.Migration):
    dependencies = [
        ("risks", "0004_evaluation_items"),
        ("inventory", "0009_findings_of_requirements"),
    ]

    operations = [
        migrations.CreateModel(
            name="DependencyCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("offering_id", models.BigIntegerField()),
                ("via_party_id", models.BigIntegerField(null=True)),
                ("reached", models.CharField(max_length=8)),
                ("binding", models.CharField(max_length=8)),
                (
                    "starts_on",
                    models.DateField(
                        help_text="Empty: in use since the dependency was entered, or earlier.",
                        null=True,
                    ),
                ),
                ("ends_on", models.DateField(null=True)),
                ("n", models.IntegerField()),
                ("n_critical", models.IntegerField()),
                ("n_secret", models.IntegerField()),
                ("n_critical_secret", models.IntegerField()),
                ("is_total", models.BooleanField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_total", False)),
                        fields=["id"],
                        name="dependency_count_added",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_total", True)),
                        fields=(
                            "offering_id",
                            "via_party_id",
                            "reached",
                            "binding",
                            "starts_on",
                            "ends_on",
                        ),
                        name="dependency_count_once",
                        nulls_distinct=False,
                        violation_error_message="These dependencies are already counted.",
                    )
                ],
            },
        ),
        migrations.RunSQL(_TRIGGERS, _DROP),
        migrations.RunSQL(_FIRST_COUNT, migrations.RunSQL.noop),
    ]
