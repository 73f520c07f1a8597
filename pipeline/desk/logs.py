"""The desk's log: where something broke, and never what it held: a driver's message may quote a row."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType


class Plain(logging.Formatter):
    """Tracebacks without the source lines' values and without the exception's message."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:  # fmt: skip
        kind, _, where = ei
        return "".join(traceback.format_tb(where)) + (kind.__name__ if kind else "")
