"""Size limit for the files of a form, counted while they arrive: a parser stores them before the
sender is known."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MIB = 1024 * 1024
# of all files of one form; the longest that any form takes is a workbook of 64 MiB
# (apps/intake/spreadsheets/limits.py), and a little more, so that the form itself says what is too
# long by a little
MAX_UPLOAD_BYTES = 65 * MIB


class UploadLimitHandler(FileUploadHandler):
    """The first of FILE_UPLOAD_HANDLERS: passes on what comes, and refuses what is longer
    (RequestDataTooBig, which Django answers with 400)."""

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
        """The handlers behind this one have the file."""
