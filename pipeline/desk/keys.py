"""Ids in addresses: whatever an office's export uses as an id becomes one safe part of a path."""

from __future__ import annotations

import re


class Key:
    """Letters, digits, Chinese characters and - stay; anything else is written as ~ and its UTF-8 bytes in hex, ended by a dot."""

    regex = r"[^/]+"

    def to_python(self, value: str) -> str:
        """Raises ValueError, which Django turns into 404, for what `to_url` cannot have written, and for a NUL, which no database keeps."""
        name = re.sub(r"~([0-9a-f]*)\.", lambda found: bytes.fromhex(found[1]).decode("utf-8"), value)
        if "\0" in name:
            raise ValueError("a NUL is no part of an id")
        return name

    def to_url(self, value: str) -> str:
        return re.sub(r"[^\w-]+", lambda found: f"~{found[0].encode('utf-8').hex()}.", value)
