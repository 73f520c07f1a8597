"""What a form brought. Nothing that a browser sends can break this: what is no number is the default."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict

from pipeline.errors import InputError

LONGEST = 20_000
"""Characters of one field: as many as the largest box of a page takes."""


def check(request: HttpRequest) -> None:
    """Raises InputError for a field with a NUL, which no database keeps, or longer than a page's boxes let anybody write."""
    for _, texts in request.POST.lists():
        for text in texts:
            if "\0" in text:
                raise InputError("内容里有不能保存的字符，请重新输入。")
            if len(text.replace("\r\n", "\n")) > LONGEST:  # a browser counts a line end once and sends two
                raise InputError(f"内容太长，一栏最多 {LONGEST:,} 个字；请分几次写。")


def whole(form: QueryDict, name: str, default: int = 0) -> int:
    """A field's whole number from 0 on, of at most nine digits; else the default."""
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else default


def brought(request: HttpRequest, what: str) -> UploadedFile:
    """The form's file. Raises InputError when there is none, or it is too large to be read."""
    file = request.FILES.get("file")
    if file is None:
        raise InputError(f"还没有选文件，请选{what}再上传。")
    if (file.size or 0) > settings.UPLOAD_MOST_BYTES:
        raise InputError(f"文件超过 {settings.UPLOAD_MOST_BYTES // 1024**2} MB，没有读取，请拆成几个再上传。")
    return file
