"""Distinct values of imported spreadsheets, corrected rows, all reasons of a row, and what an import created."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0002_default_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="created",
            field=models.JSONField(
                default=dict,
                help_text="IDs of the teams, people, vendors and names that the import created.",
            ),
        ),
        migrations.AddField(
            model_name="importrow",
            name="reasons",
            field=models.JSONField(
                default=list,
                help_text="Everything that rejects the row or is left out of it, by column.",
            ),
        ),
        migrations.CreateModel(
            name="ImportRowEdit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sheet",
                    models.PositiveSmallIntegerField(
                        help_text="Position of the worksheet in the file."
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet."),
                ),
                ("at", models.DateTimeField()),
                (
                    "old_cells",
                    models.JSONField(help_text="Replaced texts by position of the column."),
                ),
                ("new_cells", models.JSONField(help_text="New texts by position of the column.")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edits",
                        to="intake.import",
                    ),
                ),
            ],
            options={
                "ordering": ["import_record", "at", "id"],
                "indexes": [
                    models.Index(
                        fields=["import_record", "sheet", "number"], name="import_edit_by_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="Field, such as application.criticality.", max_length=60
                    ),
                ),
                ("text", models.TextField(help_text="As written in the file.")),
                (
                    "context",
                    models.TextField(
                        blank=True, default="", help_text="Host cell of a model name."
                    ),
                ),
                ("header", models.CharField(blank=True, default="", max_length=200)),
                ("n_rows", models.PositiveIntegerField()),
                (
                    "first_row",
                    models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet."),
                ),
                ("certainty", models.CharField(help_text="Certainty of the guess.", max_length=10)),
                (
                    "guess",
                    models.JSONField(blank=True, help_text="Best guess; empty: none.", null=True),
                ),
                (
                    "is_chosen",
                    models.BooleanField(default=False, help_text="A user chose the value."),
                ),
                (
                    "choice",
                    models.JSONField(
                        blank=True,
                        help_text="Chosen value; empty: the field stays empty.",
                        null=True,
                    ),
                ),
                (
                    "detail",
                    models.JSONField(
                        default=dict, help_text="Reading of a model name; explanation."
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="values",
                        to="intake.import",
                    ),
                ),
            ],
            options={
                "ordering": ["import_record", "code", "-n_rows", "text"],
                "indexes": [
                    models.Index(
                        fields=["import_record", "code", "-n_rows"], name="import_value_by_code"
                    )
                ],
            },
        ),
    ]
