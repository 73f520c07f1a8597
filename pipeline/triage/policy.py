"""Score -> Priority with its reasons: what staff see first, and why. Pure; the numbers are in data/policy.toml.

Only the matter counts. Nothing about a person enters, and nothing that changes from day to day: the same score gives the same priority.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import SettingsError
from pipeline.scoring.labels import Labels, load_labels
from pipeline.scoring.score import Evidence, Score
from pipeline.settings import problem

POLICY_FILE = Path(__file__).resolve().parents[2] / "data" / "policy.toml"
CONSULT, URGENT = 0, 3
TENTHS = "零一二三四五六七八九"

SENTENCES: Mapping[str, str] = {
    "collective": "涉及群体：不止一家一户受影响",
    "repeat": "反复未决：此前反映过，仍未解决",
    "escalation": "可能升级：信中说到下一步打算，事情还没有着落",
    "safety": "人身安全：信中说到现实的危险",
    "livelihood": "基本生计：吃住、工资、就医或上学受影响",
    "conflict": "对立冲突：已有冲突、威胁或强制行为",
    "misconduct": "公职履职：反映有关单位不作为或乱作为",
    "deadline": "时限紧迫：过了期限难以挽回",
}
FLOOR = "疑为紧急件：今明两日内要有人过问"
REST = "其他较弱的迹象"


class Policy(BaseModel):
    """The numbers of data/policy.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    risk: float = Field(gt=0)
    urgent_floor: float = Field(ge=0, le=100)
    consult: float = Field(ge=0, le=1)
    named_from: float = Field(ge=0, le=1)
    signals: dict[str, float]
    answered: float = Field(ge=0, le=1)
    clocks: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Reason:
    """One short Chinese sentence and its share of the priority, 0..1."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Priority:
    """`value` 0..100, two decimals; `reasons` by falling share, which sum to 1."""

    value: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A letter with its score and its place in the queue: what the output file, the summary and the desk show. Masked throughout.

    `human_priority` is what a person set; it goes before the policy's value in the order. `matter_id` is empty until the letter is linked; `unit` is who it is for. `evidence`: the sentences that carried the score,
    for the head of the queue.
    """

    letter_id: str
    received_at: datetime | None
    title: str
    place: str
    score: Score
    priority: Priority
    due_on: date
    matter_id: str = ""
    unit: str = ""
    human_priority: float | None = None
    evidence: tuple[Evidence, ...] = ()


@cache
def load_policy(path: Path = POLICY_FILE) -> Policy:
    """Read and check the policy file.

    Raises:
        SettingsError: unreadable; an unknown or missing key or signal; negative points; points that do not add up to 100.
    """
    try:
        policy = Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"policy file {path}: expected readable TOML, found: {exc}; restore it.") from exc
    except ValidationError as exc:
        raise SettingsError(f"policy file {path}: {problem(exc, Policy)}") from exc
    _check_signals(policy, load_labels(), path)
    return policy


def _check_signals(policy: Policy, labels: Labels, path: Path) -> None:
    if set(policy.signals) != set(labels.signals):
        odd = sorted(set(policy.signals) ^ set(labels.signals))
        raise SettingsError(f"policy file {path}: [signals] must name {', '.join(labels.signals)}; unknown or missing: {', '.join(odd)}.")
    if min(policy.signals.values()) < 0:
        raise SettingsError(f"policy file {path}: points must not be negative: a signal never lowers a priority.")
    total = policy.risk + sum(policy.signals.values())
    if abs(total - 100) > 1e-9:
        raise SettingsError(f"policy file {path}: risk and signals must add up to 100 points, found {total:g}; correct it.")


def prioritise(score: Score, policy: Policy) -> Priority:
    """The place of one letter in the queue. A higher risk, signal or level, the others unchanged, never lowers the value."""
    parts = _points(score, policy)
    points = min(sum(parts.values()), 100.0)
    if score.level >= URGENT:
        value = policy.urgent_floor + (100 - policy.urgent_floor) * points / 100
        parts[FLOOR] = value - points
    else:
        value = points * policy.consult if score.level == CONSULT else points
    return Priority(round(value, 2), _reasons(parts))


def _points(score: Score, policy: Policy) -> dict[str, float]:
    """Points by sentence; what is not probable enough to be named is gathered in one."""
    parts = {_risk_sentence(score): policy.risk * score.risk, REST: 0.0}
    for signal, p in zip(load_labels().signals, score.signals.tolist(), strict=True):
        sentence = SENTENCES[signal] if p >= policy.named_from else REST
        parts[sentence] = parts.get(sentence, 0.0) + policy.signals[signal] * p
    return parts


def _reasons(parts: Mapping[str, float]) -> tuple[Reason, ...]:
    total = sum(parts.values())
    if total <= 0:
        return (Reason(next(iter(parts)), 1.0),)
    shares = (Reason(text, points / total) for text, points in parts.items() if points > 0)
    return tuple(sorted(shares, key=lambda reason: -reason.share))


def _risk_sentence(score: Score) -> str:
    band = "风险较高" if score.risk >= 0.5 else "有一定风险" if score.risk >= 0.2 else "风险低"
    if score.level == CONSULT and score.risk < 0.5:
        band = "咨询建议类，" + band
    return f"{band}：同类信件{share_in_words(score.risk)}属于苗头件"


def share_in_words(p: float) -> str:
    tenths = round(p * 10)
    return "很少" if tenths == 0 else "几乎都" if tenths == 10 else f"约{TENTHS[tenths]}成"


def render(priority: Priority, least: float = 0.01) -> str:
    """The reasons in one line; what makes up less than `least` of the priority is left out."""
    shown = [reason for reason in priority.reasons if reason.share >= least]
    return "；".join(f"{reason.text}（约 {reason.share:.0%}）" for reason in shown)
