"""The kinds of documents that become observations; a further one is its reader and a line here.

`csv` and `xlsx` have a way of their own (sheets/), evaluation results become evidence one floor up (apps/risks), and
calls come through the doors of calls/.
"""

from apps.intake.documents import Format

FORMATS: dict[str, Format] = {form.name: form for form in ()}
