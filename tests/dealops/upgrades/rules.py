"""What makes a migration unsafe beside a running product, or one that cannot be taken back (F103, F104)."""

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations
from django.db.models import NOT_PROVIDED

# Nothing was installed before the first release; these were only ever run on empty tables.
BEFORE_FIRST_RELEASE = {"billing": 15, "expansion": 25, "outbox": 6, "accounts": 5, "audit": 5, "rest": 5}


def is_new(app, name):
    """Whether a migration comes after the first release and will meet tables with rows and people at work."""
    return int(name.split("_")[0]) > BEFORE_FIRST_RELEASE[app]


def unsafe(operations):
    """Sentences about the operations, in order; a table made in the same migration is nobody's yet."""
    made = {one.name.lower() for one in operations if isinstance(one, migrations.CreateModel)}
    found = []
    for one in operations:
        words = _wrong(one)
        if words and str(getattr(one, "model_name", getattr(one, "name", ""))).lower() not in made:
            found.append(f"{one.describe()}: {words}")
    return found


def _wrong(one):
    if isinstance(one, AddIndexConcurrently | RemoveIndexConcurrently | AddConstraintNotValid | ValidateConstraint):
        return ""
    if isinstance(one, migrations.AddIndex | migrations.RemoveIndex):
        return "it locks the table while it works; use the concurrent one, in a migration that is not atomic"
    if isinstance(one, migrations.AddConstraint):
        return "it reads the whole table under a lock; add it NOT VALID, then validate it in another migration"
    if isinstance(one, migrations.AddField):
        field = one.field
        if not field.many_to_many and not field.null and field.db_default is NOT_PROVIDED:
            return "the release before does not know the column and cannot write rows; allow null or give a db_default"
        return "a unique column builds an index under a lock; add it, then the index concurrently" if field.unique else ""
    if isinstance(one, migrations.RemoveField | migrations.DeleteModel):
        return "the release before still reads it; stop using it in one release, remove it in the next, and say so in ALLOWED"
    if isinstance(one, migrations.RenameField | migrations.RenameModel | migrations.AlterModelTable):
        return "the release before knows the old name; add the new one beside it"
    if isinstance(one, migrations.AlterField):
        return "" if one.field.null and not one.field.unique else "it may rewrite or read the whole table; add a new column beside it"
    return ""


def irreversible(operations):
    return [one.describe() for one in operations if not one.reversible]
