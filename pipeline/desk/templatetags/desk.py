"""How the desk's pages say things: levels, clocks, shares, days."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.http import QueryDict

from pipeline.desk.workflow import Status
from pipeline.scoring.labels import load_labels
from pipeline.triage.policy import share_in_words

register = template.Library()


@register.filter
def level_name(value: int) -> str:
    """0..3 as a word."""
    return load_labels().level_names[value]


@register.filter
def signal_name(key: str) -> str:
    """A signal's Chinese name; the key of anything else comes back."""
    labels = load_labels()
    return labels.signal_names[labels.signals.index(key)] if key in labels.signals else key


@register.filter
def status_name(key: str) -> str:
    """A state of the workflow as a word."""
    return Status(key).label


@register.filter
def percent(share: float) -> str:
    """0..1 as a whole percentage."""
    return f"{share:.0%}"


@register.filter
def in_words(share: float) -> str:
    """0..1 as clerks say it: 约七成."""
    return share_in_words(share)


@register.filter
def width(share: float) -> str:
    """0..1 as a class of desk.css, w-0..w-20: inline style is forbidden."""
    return f"w-{round(min(max(share, 0.0), 1.0) * 20)}"


@register.simple_tag
def query_with(query: QueryDict, **changes: object) -> str:
    """The page's query string with some keys set, or, with an empty value, taken out; the page number always goes."""
    kept = {key: query.getlist(key) for key in query if key not in changes and key != "page"}
    kept |= {key: [str(value)] for key, value in changes.items() if value not in ("", None)}
    return "?" + urlencode(kept, doseq=True)
