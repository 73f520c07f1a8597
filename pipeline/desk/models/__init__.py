"""The tables. letters: what came in; matters: what they are about and how far it is handled; people: who works here; ledger: what was done."""

from pipeline.desk.models.chinese import ChineseJSON
from pipeline.desk.models.ledger import Access, AppendOnlyError, Erasure, Event, Run, Seal
from pipeline.desk.models.letters import Correction, Letter, Original, QueueItem, Score
from pipeline.desk.models.matters import Clock, Decision, Flag, FlagAct, Link, Matter, Note, SavedView, Suggestion
from pipeline.desk.models.people import User

__all__ = [
    "Access", "AppendOnlyError", "ChineseJSON", "Clock", "Correction", "Decision", "Erasure", "Event", "Flag", "FlagAct", "Letter", "Link",
    "Matter", "Note", "Original", "QueueItem", "Run", "SavedView", "Score", "Seal", "Suggestion", "User",
]  # fmt: skip
