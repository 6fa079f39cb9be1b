"""Triggers that reject cycles in trees, such as a team below itself."""

import pgtrigger

# two concurrent changes, each valid by itself, could close a cycle together: the second one waits
# here until the first has ended, and then sees its result
LOCK_TREE = "PERFORM pg_advisory_xact_lock(hashtextextended('{tree}', 0));"


def refuse_cycles(name: str, table: str, column: str, sentence: str) -> pgtrigger.Trigger:
    """Return a trigger that rejects an insert or update of `column`, which refers to the same
    table, if it would close a cycle."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Row,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(column),
        func=f"""
            IF NEW.{column} IS NULL THEN
                RETURN NULL;
            END IF;
            {LOCK_TREE.format(tree=table)}
            IF EXISTS (
                WITH RECURSIVE above(id) AS (
                    SELECT NEW.{column}
                    UNION
                    SELECT t.{column} FROM above JOIN {table} t ON t.id = above.id WHERE t.{column} IS NOT NULL
                )
                SELECT 1 FROM above WHERE id = NEW.id
            ) THEN
                RAISE EXCEPTION '{sentence}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
            END IF;
            RETURN NULL;
        """,  # noqa: E501
    )
