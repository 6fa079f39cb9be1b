"""Size limit for the uploaded files of a form. It applies while they arrive, because Django stores
them before the user is authenticated."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MIB = 1024 * 1024
# for all files of one form together. The largest file that a form accepts is a workbook of 64 MiB
# (apps/intake/spreadsheets/limits.py); the margin lets the form itself reject a file that is
# slightly too large
MAX_UPLOAD_BYTES = 65 * MIB


class UploadLimitHandler(FileUploadHandler):
    """The first of FILE_UPLOAD_HANDLERS: passes data on, and raises RequestDataTooBig, for which
    Django responds with 400, beyond the limit."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._n_bytes = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._n_bytes += len(raw_data)
        if self._n_bytes > MAX_UPLOAD_BYTES:
            raise RequestDataTooBig(
                f"The files of this form are larger than {MAX_UPLOAD_BYTES // MIB} MiB together. "
                "Send fewer or smaller files."
            )
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Return None: the handlers after this one provide the file."""
