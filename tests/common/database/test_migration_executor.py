"""What is not rendered is not missed: the lean way through migrations leaves the tables that
Django's own leaves."""

from collections.abc import Iterator
from typing import Any

import pgtrigger
import pytest
from django.apps.registry import Apps
from django.core.management import load_command_class
from django.db import connection, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger

from apps.common.database.migration_executor import LeanExecutor, LeanState

pytestmark = pytest.mark.django_db

KEY = ("id", models.BigAutoField(primary_key=True))


def to(model: str, related_name: str = "+", **options: Any) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        f"library.{model}", models.CASCADE, related_name=related_name, **options
    )


def lend(apps: Apps, editor: Any) -> None:
    """Follows relations both ways, also those that came after the models."""
    shelves, books, loans, readers = (
        apps.get_model("library", name).objects for name in ("Shelf", "Book", "Loan", "Reader")
    )
    shelf = shelves.create(code="A")
    book = books.create(title="Emma", shelf=shelf)
    book.readers.add(readers.create())
    loans.create(book=book, desk=shelf)
    assert list(shelves.filter(books__loans__desk=shelf, books__readers__isnull=False)) == [shelf]
    assert books.select_related("shelf").get().shelf.loans_here.count() == 1
    for rows in (loans, books, shelves, readers):
        rows.all().delete()
    # as a commit would
    editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


STEPS: list[list[Any]] = [
    [
        migrations.CreateModel(
            "Shelf", [KEY, ("code", models.CharField(max_length=5, unique=True))]
        ),
        migrations.CreateModel(
            "Book", [KEY, ("title", models.TextField()), ("shelf", to("Shelf", "books"))]
        ),
        migrations.CreateModel("Reader", [KEY]),
        migrations.CreateModel("Novel", [], options={"proxy": True}, bases=("library.book",)),
        migrations.CreateModel(
            "Atlas", [("plates", models.IntegerField())], bases=("library.book",)
        ),
    ],
    [
        migrations.CreateModel("Loan", [KEY, ("book", to("Book", "loans"))]),
        migrations.AddField("Loan", "desk", to("Shelf", "loans_here", to_field="code", null=True)),
        migrations.AddField("Shelf", "n_books", models.IntegerField(default=0)),
        migrations.AddField(
            "Book", "readers", models.ManyToManyField("library.Reader", related_name="books")
        ),
        migrations.AddIndex("Book", models.Index("title", "shelf", name="book_title")),
        migrations.AddConstraint(
            "Loan", models.UniqueConstraint(fields=["book"], name="loan_once")
        ),
        AddTrigger("book", pgtrigger.Protect(name="kept", operation=pgtrigger.Update)),
    ],
    [migrations.RunPython(lend, migrations.RunPython.noop)],
    [
        migrations.AlterField("Shelf", "code", models.CharField(max_length=50, unique=True)),
        migrations.AlterField("Book", "title", models.CharField(max_length=80)),
        migrations.RenameField("Shelf", "n_books", "size"),
        migrations.RenameModel("Reader", "Person"),
        migrations.AddField("Loan", "by", to("Person", "loans", null=True)),
        migrations.AlterUniqueTogether("Book", {("title", "shelf")}),
    ],
    [
        migrations.RemoveConstraint("Loan", "loan_once"),
        migrations.RemoveField("Loan", "desk"),
        migrations.DeleteModel("Atlas"),
        migrations.AddIndex("Loan", models.Index("by", "book", name="loan_by")),
    ],
]


def steps() -> Iterator[Migration]:
    for number, operations in enumerate(STEPS):
        migration = Migration(f"{number}", "library")
        migration.operations = operations
        yield migration


def tables() -> list[tuple[Any, ...]]:
    """Columns, constraints, indexes and triggers of the library, as the database tells them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, a.attnum::text, a.attname || ' ' || format_type(a.atttypid,
                a.atttypmod) || a.attnotnull
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relname LIKE 'library%%' AND c.relkind = 'r'
            UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint
            WHERE conrelid::regclass::text LIKE 'library%%'
            UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes
            WHERE tablename LIKE 'library%%'
            UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
            WHERE tgrelid::regclass::text LIKE 'library%%' AND NOT tgisinternal
            ORDER BY 1, 2, 3
            """
        )
        return cursor.fetchall()


def there_and_back(state: ProjectState) -> list[list[tuple[Any, ...]]]:
    """The tables after each step forwards, then after each backwards. Nothing of it stays."""
    seen, before = [], []
    with transaction.atomic():
        for migration in steps():
            before.append((migration, state.clone()))
            with connection.schema_editor() as editor:
                state = migration.apply(state, editor)
            seen.append(tables())
        for migration, earlier in reversed(before):
            with connection.schema_editor() as editor:
                migration.unapply(earlier, editor)
            seen.append(tables())
        transaction.set_rollback(True)
    return seen


def rendered(state: ProjectState) -> ProjectState:
    """As the executor hands it to the first migration."""
    assert state.apps
    return state


def test_every_step_there_and_back_leaves_the_tables_that_django_leaves() -> None:
    plain = there_and_back(rendered(ProjectState()))
    lean = there_and_back(rendered(LeanState()))

    assert lean == plain
    assert len({str(seen) for seen in lean[: len(STEPS)]}) == len(STEPS) - 1, (
        "each but the one with rows changes tables"
    )
    assert lean[-1] == []


def test_the_command_goes_the_lean_way() -> None:
    from django.core.management.commands import migrate

    load_command_class("apps.common", "migrate")

    assert issubclass(migrate.MigrationExecutor, LeanExecutor)


def test_a_change_of_one_model_renders_one_model() -> None:
    executor = LeanExecutor(connection)
    assert isinstance(executor, MigrationExecutor)
    state = executor.loader.project_state(("accounts", "0001_initial"))
    lean = rendered(LeanState.of(state))
    before = {model: id(model) for model in lean.apps.get_models()}

    lean.add_field(
        "accounts", "user", "nickname", models.TextField(default=""), preserve_default=True
    )

    after = list(lean.apps.get_models())
    assert [model.__name__ for model in after if model not in before] == ["User"]
    assert lean.apps.get_model("accounts", "user")._meta.get_field("nickname")
    lean.clear_delayed_apps_cache()
    assert not set(lean.apps.get_models()) & set(before), (
        "who reads relations gets all of them anew"
    )
