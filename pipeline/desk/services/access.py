"""What is guarded is read through here, and each reading is kept: who, what, when, why, from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from pipeline.desk.services.events import content_of, record
from pipeline.desk.services.letters import masked_numbers
from pipeline.errors import MatterError

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Letter, Matter, Original, User


def note_access(
    kind: str,
    user: User,
    address: str | None,
    *,
    letter: Letter | None = None,
    matter: Matter | None = None,
    purpose: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Keep that somebody read, searched or took something out, with its digest in the chain of events.

    `detail`: counts, file names, masked search words; never a word of a letter.
    """
    from pipeline.desk.models import Access

    with transaction.atomic():
        row = Access.objects.create(
            at=timezone.now(),
            by=user,
            kind=kind,
            letter=letter,
            matter=matter,
            purpose=purpose,
            address=address,
            detail=dict(detail or {}),
        )
        record("accessed", by=user, after={"access": row.pk, "sha256": content_of(row)})


def stated(purpose: str, act: str, example: str) -> str:
    """The purpose as it is kept: numbers masked. Raises MatterError when it says nothing; `act` and `example` go into its sentence."""
    purpose = purpose.strip()
    if len(purpose) < 2:
        raise MatterError(f"{act}要写明用途，例如“{example}”。")
    return masked_numbers(purpose)


def original(letter: Letter, user: User, purpose: str, address: str | None) -> Original:
    """The clear text of a letter: the only door to it. Kept before it is opened.

    Raises:
        MatterError: no purpose, or the clear text was erased.
    """
    from pipeline.desk.models import Access, Erasure, Original

    purpose = stated(purpose, "查看原件", "联系来信人核实地址")
    erased = Erasure.objects.filter(letter=letter).first()
    if erased:
        day = f"{timezone.localtime(erased.at):%Y年%-m月%-d日}"
        raise MatterError(f"原件和联系方式已于{day}按规定清除（{erased.rule}），只保留遮盖后的文字。")
    with transaction.atomic():
        note_access(Access.Kind.ORIGINAL, user, address, letter=letter, purpose=purpose)
        return Original.objects.get(letter=letter)
