"""Command-line client of the gate: its setup, and the file itself, which holds no confidential
data."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.gate.bundle import public_key
from apps.gate.formats.snippets import (
    CLIENT_FILE_NAME,
    LIFECYCLE_FILE_NAME,
    ClientFile,
    load_client,
    load_lifecycle_callback,
    pipeline_snippets,
)
from apps.web.pages.page import Headline, render_page


@login_not_required
@require_safe
def client_file(request: HttpRequest) -> HttpResponse:
    """Send the client without sign-in, because pipelines download it before they have a token."""
    return _send_file(load_client(), CLIENT_FILE_NAME)


@login_not_required
@require_safe
def lifecycle_file(request: HttpRequest) -> HttpResponse:
    """Send the callback for LiteLLM without sign-in, as the client."""
    return _send_file(load_lifecycle_callback(), f"{LIFECYCLE_FILE_NAME.replace('-', '_')}.py")


def _send_file(client: ClientFile, file_name: str) -> HttpResponse:
    return HttpResponse(
        client.body,
        content_type="text/x-python; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "ETag": f'"{client.sha256}"',
            "Cache-Control": "public, max-age=300",
        },
    )


@require_safe
def client_page(request: HttpRequest) -> HttpResponse:
    client = load_client()
    return render_page(
        request,
        "gate/client.html",
        title="Gate setup",
        sentence=Headline(
            "A pipeline calls the gate before a release. It needs one file and an API token with "
            "the scope gate."
        ),
        client=client,
        public_key=public_key(),
        file_name=CLIENT_FILE_NAME,
        n_kib=len(client.body) // 1024,
        snippets=pipeline_snippets(url=settings.PUBLIC_URL, application="your-application"),
    )
