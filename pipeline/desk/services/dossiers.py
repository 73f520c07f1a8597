"""A matter's dossier as a file: gathered, recorded as taken out, written."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from pipeline.desk.dossier import ActLine, ClockLine, Dossier, LetterLine, ReasonLine
from pipeline.desk.dossier_docx import write_dossier
from pipeline.desk.services.access import note_access, stated
from pipeline.desk.services.deadlines import deadlines
from pipeline.desk.services.letters import masked_numbers
from pipeline.desk.services.timeline import event_entry, family, note_entry, screened
from pipeline.desk.services.ways import suggested_way
from pipeline.desk.workflow import Status, Way
from pipeline.intake.letter import SHANGHAI
from pipeline.scoring.labels import load_labels
from pipeline.triage.policy import share_in_words
from pipeline.triage.regulation import REGISTER_DAYS

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Letter, Matter, User


def printed(matter: Matter, user: User, purpose: str, address: str | None) -> tuple[str, bytes]:
    """(file name, docx); kept before it leaves.

    Raises:
        MatterError: no purpose.
    """
    from pipeline.desk.models import Access

    purpose = stated(purpose, "打印卷宗", "提交联席会议研究")
    name = file_name(matter.pk)
    with transaction.atomic():
        dossier = gathered(matter, user, purpose)
        detail = {"file": name, "letters": len(dossier.letters)}
        note_access(Access.Kind.DOSSIER, user, address, matter=matter, purpose=purpose, detail=detail)
        buffer = io.BytesIO()
        write_dossier(dossier, buffer)
    return name, buffer.getvalue()


def file_name(matter_id: str) -> str:
    """卷宗-….docx; what a file system or a header might take amiss becomes _."""
    safe = re.sub(r"[^\w-]+", "_", matter_id)[:100]
    return f"卷宗-{safe}.docx"


def gathered(matter: Matter, user: User, purpose: str) -> Dossier:
    """All that the dossier says of a matter."""
    from pipeline.desk.models import Event, Note

    names, suggested = family(matter), suggested_way(matter)
    chosen = f"；现已选定：{matter.get_way_display()}" if matter.way else ""
    return Dossier(
        matter_id=matter.pk,
        title=matter.title,
        printed_at=timezone.now(),
        printed_by=user.name,
        purpose=purpose,
        issue=matter.shown_issue,
        level=load_labels().level_names[matter.level],
        risk=f"同类事项{share_in_words(matter.risk)}属于苗头，或还会有人反映",
        places=tuple(matter.places),
        unit=matter.unit,
        leader=matter.leader,
        status=Status(matter.status).label,
        clocks=tuple(
            ClockLine(name=one.name, article=one.article, started=one.started_on, due=one.due_on, state=one.said)
            for one in deadlines(matter)
        ),
        reasons=tuple(ReasonLine(sentence=sentence, share=share) for sentence, share in matter.reasons),
        plan=masked_numbers(matter.plan),
        way=Way(suggested.way).label,
        way_reason=suggested.reason + chosen,
        steps=tuple(
            ActLine(at=entry.at, who=entry.who, what=f"{entry.what}：{masked_numbers(entry.text)}")
            for entry in map(note_entry, Note.objects.filter(matter__in=names).select_related("by").order_by("at", "pk"))
        ),
        outcome=matter.get_outcome_display(),
        satisfaction=matter.get_satisfaction_display(),
        letters=_letters(matter),
        events=tuple(
            ActLine(at=entry.at, who=entry.who, what=entry.what)
            for entry in map(event_entry, screened(Event.objects.filter(matter__in=names).select_related("by").order_by("at", "pk"), user))
        ),
    )


def _letters(matter: Matter) -> tuple[LetterLine, ...]:
    links = matter.links.select_related("letter", "letter__item").order_by("letter__received_at", "letter")
    return tuple(
        LetterLine(letter_id=link.letter_id, day=_day(link.letter), channel=link.letter.channel, text=link.letter.text) for link in links
    )


def _day(letter: Letter) -> date:
    """When it was received; of an undated letter about when it came, as reckoned for its clock."""
    if letter.received_at is None:
        return letter.item.due_on - timedelta(days=REGISTER_DAYS)
    return letter.received_at.astimezone(SHANGHAI).date()
