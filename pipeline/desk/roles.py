"""Roles and what each may do: the one table that every page and service asks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pipeline.desk.choices import TextChoices


class Role(TextChoices):
    CLERK = "clerk", "分拣员"
    HANDLER = "handler", "承办人"
    SUPERVISOR = "supervisor", "科长"
    ANALYST = "analyst", "分析员"
    AUDITOR = "auditor", "审计"
    ADMIN = "admin", "管理员"


class Ability(StrEnum):
    """What a person may do; over which matters, the scope says."""

    READ = "read"  # the queue, matters and redacted letters
    WORK = "work"  # claim, and take the steps that the workflow gives the role
    TRIAGE = "triage"  # correct, route, set priority, merge, split, move
    ASSIGN = "assign"  # give a matter to somebody else, approve an extension
    ORIGINAL = "original"  # read the clear text and the contact, with a purpose, recorded
    EXPORT = "export"  # dossier, selection and ledger to a file, recorded
    LEDGER = "ledger"  # take a ledger back from Excel
    EMERGING = "emerging"  # see what is starting
    JUDGE = "judge"  # acknowledge, watch, dismiss it
    FIGURES = "figures"
    MODEL = "model"
    AUDIT = "audit"
    ADMIN = "admin"


_READING = {Ability.READ, Ability.EMERGING, Ability.FIGURES}
_CLERK = _READING | {Ability.WORK, Ability.TRIAGE, Ability.ORIGINAL, Ability.EXPORT, Ability.JUDGE}
ABILITIES: Mapping[str, frozenset[Ability]] = MappingProxyType(
    {
        Role.CLERK: frozenset(_CLERK),
        Role.HANDLER: frozenset({Ability.READ, Ability.WORK, Ability.ORIGINAL, Ability.EXPORT, Ability.FIGURES}),
        Role.SUPERVISOR: frozenset(_CLERK | {Ability.ASSIGN, Ability.LEDGER, Ability.MODEL}),
        Role.ANALYST: frozenset(_READING | {Ability.MODEL}),
        Role.AUDITOR: frozenset({Ability.AUDIT, Ability.FIGURES}),
        Role.ADMIN: frozenset({Ability.ADMIN, Ability.MODEL}),
    }
)
"""Analyst: redacted text only. Auditor and admin: no letter text at all."""

NOTHING: frozenset[Ability] = frozenset()


def abilities(role: str) -> frozenset[Ability]:
    """What a role may do; nothing for an unknown one."""
    return ABILITIES.get(role, NOTHING)
