"""Two contrib extensions: equality inside exclusion constraints, and search by trigram.

Both ship with PostgreSQL and are trusted, so the owner of the database may create them.
"""

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [BtreeGistExtension(), TrigramExtension()]
