"""The workflow of a matter: the one table of allowed steps. Each step names who may take it, from where to where, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.desk.choices import TextChoices
from pipeline.desk.roles import Ability, Role


class Status(TextChoices):
    OPEN = "open", "待分拣"
    ACCEPTED = "accepted", "已受理"
    FORWARDED = "forwarded", "已转办"
    HANDLING = "handling", "办理中"
    ANSWERED = "answered", "已答复"
    REVIEW = "review", "复查中"
    REVIEWED = "reviewed", "已复查"
    RECHECK = "recheck", "复核中"
    CLOSED = "closed", "已办结"
    DECLINED = "declined", "不予受理"


class Way(TextChoices):
    MEDIATION = "mediation", "调解"
    ADMINISTRATION = "administration", "行政"
    COURT = "court", "诉讼"
    LEGAL_AID = "legal_aid", "法律援助"
    EXPLANATION = "explanation", "政策解释"


class Outcome(TextChoices):
    SETTLED = "settled", "化解"
    PARTLY = "partly", "部分化解"
    UNSETTLED = "unsettled", "未化解"


class Satisfaction(TextChoices):
    GOOD = "good", "满意"
    FAIR = "fair", "基本满意"
    POOR = "poor", "不满意"


FIELDS: Mapping[str, str] = MappingProxyType({"leader": "包保领导", "plan": "一案一策", "way": "化解渠道", "satisfaction": "满意度"})
"""What the form of the plan changes: column of Matter -> what staff call it."""
GIVEN: Mapping[str, str] = MappingProxyType({"unit": "责任单位", "reason": "理由", "text": "办理或答复内容", "outcome": "办理结果"})
"""What a step may ask for."""
CHOICES: Mapping[str, type[TextChoices]] = MappingProxyType({"way": Way, "satisfaction": Satisfaction, "outcome": Outcome})
"""Of the fields above those that are chosen from a list."""
DONE = frozenset({Status.CLOSED, Status.DECLINED})
"""A matter in one of these is out of the queue."""
ANSWERED = frozenset({Status.ANSWERED, Status.REVIEWED})
"""In one of these the office has done its part; the petitioner may ask for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One allowed step.

    Attributes:
        name: the button. sources, target: states; target None leaves the state. roles: who may take it.
        asks: what the form must bring, of GIVEN.
        starts, ends: clocks of triage/regulation.py. registers: the matter's open letters count as registered.
        hands: the unit's people see the matter from now on. ability: what else the person needs.
    """

    key: str
    name: str
    sources: frozenset[Status]
    target: Status | None
    roles: frozenset[Role]
    asks: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    registers: bool = False
    hands: bool = False
    ability: Ability = Ability.WORK


_DESK = frozenset({Role.CLERK, Role.SUPERVISOR})
_UNIT = frozenset({Role.HANDLER, Role.SUPERVISOR})
_ALL = _DESK | _UNIT
_LIVE = frozenset(Status) - DONE


def _of(*states: Status) -> frozenset[Status]:
    return frozenset(states)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        step.key: step
        for step in (
            Step(
                key="accept", name="受理", sources=_of(Status.OPEN), target=Status.ACCEPTED, roles=_DESK, starts=("conclude",), registers=True,
            ),
            Step(
                key="forward", name="转办", sources=_of(Status.OPEN, Status.ACCEPTED), target=Status.FORWARDED, roles=_DESK,
                asks=frozenset({"unit"}), starts=("notice", "object"), registers=True, hands=True,
            ),
            Step(
                key="decline", name="不予受理", sources=_of(Status.OPEN), target=Status.DECLINED, roles=_DESK, asks=frozenset({"reason"}),
                registers=True,
            ),
            Step(key="register", name="登记新来信", sources=_LIVE - {Status.OPEN}, target=None, roles=_DESK, registers=True),
            Step(
                key="take", name="接办", sources=_of(Status.FORWARDED), target=Status.HANDLING, roles=_UNIT, starts=("conclude",),
                ends=("object",),
            ),
            Step(
                key="notify", name="已书面告知", sources=_of(Status.FORWARDED, Status.HANDLING), target=None, roles=_UNIT, ends=("notice",),
            ),
            Step(
                key="return", name="退回", sources=_of(Status.FORWARDED), target=Status.OPEN, roles=_UNIT, asks=frozenset({"reason"}),
                ends=("notice", "object"),
            ),
            Step(
                key="transfer", name="改转", sources=_of(Status.FORWARDED, Status.HANDLING), target=Status.FORWARDED,
                roles=frozenset({Role.SUPERVISOR}), asks=frozenset({"unit", "reason"}), starts=("notice", "object"), ends=("notice", "object"),
                hands=True,
            ),
            Step(key="handle", name="开始办理", sources=_of(Status.ACCEPTED), target=Status.HANDLING, roles=_DESK),
            Step(
                key="answer", name="答复", sources=_of(Status.HANDLING), target=Status.ANSWERED, roles=_ALL,
                asks=frozenset({"text", "outcome"}), starts=("ask_review",), ends=("conclude", "notice"),
            ),
            Step(
                key="ask_review", name="收到复查申请", sources=_of(Status.ANSWERED), target=Status.REVIEW, roles=_DESK, starts=("review",),
                ends=("ask_review",),
            ),
            Step(
                key="review", name="复查答复", sources=_of(Status.REVIEW), target=Status.REVIEWED, roles=_DESK,
                asks=frozenset({"text", "outcome"}), starts=("ask_recheck",), ends=("review",),
            ),
            Step(
                key="ask_recheck", name="收到复核申请", sources=_of(Status.REVIEWED), target=Status.RECHECK, roles=_DESK, starts=("recheck",),
                ends=("ask_recheck",),
            ),
            Step(
                key="recheck", name="复核答复", sources=_of(Status.RECHECK), target=Status.CLOSED, roles=_DESK,
                asks=frozenset({"text", "outcome"}), ends=("recheck",),
            ),
            Step(
                key="close", name="办结归档", sources=_of(Status.ANSWERED, Status.REVIEWED), target=Status.CLOSED, roles=_DESK,
                asks=frozenset({"outcome"}), ends=("ask_review", "ask_recheck"),
            ),
            Step(
                key="reopen", name="重新办理", sources=DONE, target=Status.HANDLING, roles=frozenset({Role.SUPERVISOR}),
                asks=frozenset({"reason"}), starts=("conclude",),
            ),
        )
    }
)  # fmt: skip


def allowed(status: str, role: str) -> list[Step]:
    """The steps that a role may take from a state, in the order of the table."""
    return [step for step in STEPS.values() if status in step.sources and role in step.roles]
