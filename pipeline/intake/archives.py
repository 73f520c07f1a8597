"""Is a zipped office file (xlsx, docx) safe to open? Every member is inflated and counted first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from pipeline.intake.rows import FileRefused

MAX_MEMBERS = 10_000
MAX_INFLATED = 300 * 1024**2
MAX_PART = 40 * 1024**2
"""For parts that are held in memory as a whole: shared strings, styles, relations."""
MAX_RATIO = 200
RATIO_FROM = 20 * 1024**2
MAX_STRINGS = 2_000_000

_CHUNK = 256 * 1024
_TOO_BIG = "文件解压后过大或压缩得不正常（可能是压缩炸弹），没有打开：请确认来源，拆成几个小文件再交。"
_ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_STREAMED = re.compile(r"(xl/worksheets/[^/]+\.xml|word/document\.xml|.*/media/.*|.*/embeddings/.*)$", re.IGNORECASE)


@dataclass(slots=True)
class Contents:
    """What the members hold together."""

    inflated: int = 0
    formulas: bool = False


def inspect(stream: IO[bytes]) -> Contents:
    """Read every member once, in pieces. Raises FileRefused when the file is damaged, locked, a bomb or declares entities."""
    stream.seek(0)
    contents = Contents()
    try:
        with ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise FileRefused(_TOO_BIG)
            for member in members:
                _inspect_member(archive, member, contents)
    except (BadZipFile, OSError, EOFError, NotImplementedError) as exc:
        raise FileRefused("文件已损坏，打不开：请用原来的软件打开，另存一份再交。") from exc
    except RuntimeError as exc:
        raise FileRefused("文件设了密码：请去掉密码，另存一份再交。") from exc
    finally:
        stream.seek(0)
    return contents


def _inspect_member(archive: ZipFile, member: ZipInfo, contents: Contents) -> None:
    size = strings = 0
    is_sheet = member.filename.startswith("xl/worksheets/")
    limit = MAX_INFLATED if _STREAMED.match(member.filename) else MAX_PART
    for chunk in _chunks(archive, member):
        size += len(chunk)
        contents.inflated += len(chunk)
        strings += chunk.count(b"<si")
        bomb = size > RATIO_FROM and size > MAX_RATIO * max(member.compress_size, 1)
        if bomb or size > limit or contents.inflated > MAX_INFLATED or strings > MAX_STRINGS:
            raise FileRefused(_TOO_BIG)
        if not member.filename.lower().endswith(".svg") and _ENTITY.search(chunk.replace(b"\0", b"")):
            raise FileRefused("文件里有不允许的实体声明（可能是恶意文件），没有打开：请确认来源。")
        contents.formulas = contents.formulas or (is_sheet and _FORMULA.search(chunk) is not None)


def _chunks(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """Pieces of a member, each with the end of the one before: what is searched for may lie across. (Counts run a little high.)"""
    tail = b""
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            yield tail + chunk
            tail = chunk[-32:]
