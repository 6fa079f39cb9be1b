"""Files of forms are counted while they are parsed."""

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from apps.common.requests import upload_limit


def posted(*files: bytes) -> dict[str, bytes]:
    data = {f"file{n}": SimpleUploadedFile("a.csv", content) for n, content in enumerate(files)}
    request = RequestFactory().post("/imports/", data)
    try:
        return {name: request.FILES[name].read() for name in request.FILES}
    finally:
        request.close()


def test_files_within_the_limit_arrive_whole_in_memory_and_on_disk() -> None:
    short, long = b"a" * 1000, b"b" * 3_000_000

    assert posted(short, long) == {"file0": short, "file1": long}


def test_all_files_of_a_form_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limit, "MAX_UPLOAD_BYTES", 1_000_000)

    assert len(posted(b"a" * 900_000)) == 1
    with pytest.raises(RequestDataTooBig):
        posted(b"a" * 900_000, b"b" * 200_000)
