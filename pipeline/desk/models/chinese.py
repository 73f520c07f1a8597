"""How the tables write JSON."""

from __future__ import annotations

import json
from typing import Any


class ChineseJSON(json.JSONEncoder):
    """JSON that stays readable in the database."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False})
