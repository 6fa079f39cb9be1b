from django.test.utils import CaptureQueriesContext
from django.db import connection
from apps.issues.evaluation import *
import re
def test_dbg(world, as_user):
    import apps.issues.evaluation as ev
    print([n for n in dir(ev) if 'eval' in n])
    for who in (world.governance, world.editor, world.viewer):
        client = as_user(who)
        for app in (world.triage, world.drafter):
            for tab in ("overview","dependencies","exit-readiness","risks","cost","history"):
                with CaptureQueriesContext(connection) as q:
                    r = client.get(f"/applications/{app.slug}/?tab={tab}")
                print(who, app.slug, tab, r.status_code, len(q))
            r = client.get(f"/applications/{app.slug}/?print=all")
            print("print", r.status_code)
    import pathlib
    pathlib.Path("/tmp/over.html").write_bytes(as_user(world.governance).get(f"/applications/{world.triage.slug}/").content)
