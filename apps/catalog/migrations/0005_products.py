"""Products with models inside, and the models that their vendors name."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_names_and_products"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("page_url", models.URLField(blank=True, default="", max_length=500)),
                (
                    "other_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "models_known",
                    models.CharField(
                        choices=[
                            ("published", "Published"),
                            ("partly", "Partly published"),
                            ("unknown", "Unknown"),
                        ],
                        db_default="unknown",
                        default="unknown",
                        max_length=9,
                    ),
                ),
                ("regions", models.CharField(blank=True, default="", max_length=300)),
                ("controls", models.CharField(blank=True, default="", max_length=300)),
                ("changes_url", models.URLField(blank=True, default="", max_length=500)),
                ("contact", models.CharField(blank=True, default="", max_length=300)),
                ("source_url", models.URLField(blank=True, default="", max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ProductHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=80)),
                ("name", models.CharField(max_length=200)),
                ("page_url", models.URLField(blank=True, default="", max_length=500)),
                (
                    "other_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "models_known",
                    models.CharField(
                        choices=[
                            ("published", "Published"),
                            ("partly", "Partly published"),
                            ("unknown", "Unknown"),
                        ],
                        db_default="unknown",
                        default="unknown",
                        max_length=9,
                    ),
                ),
                ("regions", models.CharField(blank=True, default="", max_length=300)),
                ("controls", models.CharField(blank=True, default="", max_length=300)),
                ("changes_url", models.URLField(blank=True, default="", max_length=500)),
                ("contact", models.CharField(blank=True, default="", max_length=300)),
                ("source_url", models.URLField(blank=True, default="", max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ProductModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=300)),
                ("use", models.CharField(blank=True, default="", max_length=300)),
                ("source_url", models.URLField(max_length=500)),
                ("source_on", models.DateField()),
            ],
            options={
                "verbose_name": "model of a product",
                "verbose_name_plural": "models of products",
                "ordering": ["product", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ProductModelHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=300)),
                ("use", models.CharField(blank=True, default="", max_length=300)),
                ("source_url", models.URLField(max_length=500)),
                ("source_on", models.DateField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AlterField(
            model_name="provider",
            name="roles",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("developer", "Developer"),
                        ("host", "Host"),
                        ("gateway", "Gateway"),
                        ("reseller", "Reseller"),
                        ("vendor", "Vendor"),
                    ],
                    max_length=10,
                )
            ),
        ),
        migrations.AlterField(
            model_name="providerhistory",
            name="roles",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("developer", "Developer"),
                        ("host", "Host"),
                        ("gateway", "Gateway"),
                        ("reseller", "Reseller"),
                        ("vendor", "Vendor"),
                    ],
                    max_length=10,
                )
            ),
        ),
        migrations.AlterConstraint(
            model_name="provider",
            name="provider_has_role",
            constraint=models.CheckConstraint(
                condition=models.Q(("roles", []), _negated=True),
                name="provider_has_role",
                violation_error_message="Select at least one role: developer, host, gateway, reseller or vendor.",
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="offering",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="product",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="vendor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="products",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="producthistory",
            name="offering",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="producthistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="producthistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.product",
            ),
        ),
        migrations.AddField(
            model_name="producthistory",
            name="vendor",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="productmodel",
            name="foundation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="products",
                to="catalog.foundation",
            ),
        ),
        migrations.AddField(
            model_name="productmodel",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="models",
                to="catalog.product",
            ),
        ),
        migrations.AddField(
            model_name="productmodel",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="products",
                to="catalog.version",
            ),
        ),
        migrations.AddField(
            model_name="productmodelhistory",
            name="foundation",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.foundation",
            ),
        ),
        migrations.AddField(
            model_name="productmodelhistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="productmodelhistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.productmodel",
            ),
        ),
        migrations.AddField(
            model_name="productmodelhistory",
            name="product",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.product",
            ),
        ),
        migrations.AddField(
            model_name="productmodelhistory",
            name="version",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.version",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_producthistory" ("changes_url", "contact", "controls", "created_at", "id", "models_known", "name", "offering_id", "other_names", "page_url", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "slug", "source_on", "source_url", "vendor_id") SELECT new_values."changes_url", new_values."contact", new_values."controls", new_values."created_at", new_values."id", new_values."models_known", new_values."name", new_values."offering_id", new_values."other_names", new_values."page_url", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."regions", new_values."slug", new_values."source_on", new_values."source_url", new_values."vendor_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="305e6822c6635e3be5a16238dab6d8c69a8cfe17",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ae3fa",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_producthistory" ("changes_url", "contact", "controls", "created_at", "id", "models_known", "name", "offering_id", "other_names", "page_url", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "slug", "source_on", "source_url", "vendor_id") SELECT new_values."changes_url", new_values."contact", new_values."controls", new_values."created_at", new_values."id", new_values."models_known", new_values."name", new_values."offering_id", new_values."other_names", new_values."page_url", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."regions", new_values."slug", new_values."source_on", new_values."source_url", new_values."vendor_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."changes_url" IS DISTINCT FROM (new_values."changes_url") OR old_values."contact" IS DISTINCT FROM (new_values."contact") OR old_values."controls" IS DISTINCT FROM (new_values."controls") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."models_known" IS DISTINCT FROM (new_values."models_known") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."other_names" IS DISTINCT FROM (new_values."other_names") OR old_values."page_url" IS DISTINCT FROM (new_values."page_url") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."slug" IS DISTINCT FROM (new_values."slug") OR old_values."source_on" IS DISTINCT FROM (new_values."source_on") OR old_values."source_url" IS DISTINCT FROM (new_values."source_url") OR old_values."vendor_id" IS DISTINCT FROM (new_values."vendor_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="cda1e58a575560e5ab3eb2ab643b2400c959d4cb",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_580c5",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_producthistory" ("changes_url", "contact", "controls", "created_at", "id", "models_known", "name", "offering_id", "other_names", "page_url", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "slug", "source_on", "source_url", "vendor_id") SELECT old_values."changes_url", old_values."contact", old_values."controls", old_values."created_at", old_values."id", old_values."models_known", old_values."name", old_values."offering_id", old_values."other_names", old_values."page_url", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."regions", old_values."slug", old_values."source_on", old_values."source_url", old_values."vendor_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="27602b7078316583db9fefd217fc1b441be87f37",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a763a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="producthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9584deb0d68d3bd52efe2335b759ac45b94511b2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_7ea5c",
                    table="catalog_producthistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="productmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("version__isnull", True), ("foundation__isnull", True), _connector="OR"
                ),
                name="product_model_is_one_thing",
                violation_error_message="Choose a version or a foundation, not both.",
            ),
        ),
        migrations.AddConstraint(
            model_name="productmodel",
            constraint=models.UniqueConstraint(
                fields=("product", "name", "use"),
                name="product_model_once",
                violation_error_message="This model is already listed for this use.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="productmodel",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_productmodelhistory" ("foundation_id", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "source_on", "source_url", "use", "version_id") SELECT new_values."foundation_id", new_values."id", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."product_id", new_values."source_on", new_values."source_url", new_values."use", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="19009c347a678350ff9d2c3b6549b841b9757fe4",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_bbc70",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_productmodel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="productmodel",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_productmodelhistory" ("foundation_id", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "source_on", "source_url", "use", "version_id") SELECT new_values."foundation_id", new_values."id", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."product_id", new_values."source_on", new_values."source_url", new_values."use", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3fea0feef81ff65a819dd9825ccabbb82716e8ce",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_57f55",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_productmodel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="productmodel",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_productmodelhistory" ("foundation_id", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "source_on", "source_url", "use", "version_id") SELECT old_values."foundation_id", old_values."id", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."product_id", old_values."source_on", old_values."source_url", old_values."use", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="465903aa0f7b219272bdc41dc8e4b734da093edd",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_97a82",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_productmodel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="productmodelhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ed40f57df83fbd991422f9d07812209123b2c290",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fcf4a",
                    table="catalog_productmodelhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/candidate_retirement"),
            reverse_sql="DROP FUNCTION IF EXISTS candidate_retirement()",
        ),
    ]
