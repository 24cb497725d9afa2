"""The marks of state secrets. This network must not carry them; whatever room takes a text or a file asks here.

CLASSIFIED.search(title)     in one line, as a title or a field is
mark_in(text)                in a text of many lines, as `ground.reading.text_of` gives it: the mark, or ''
"""

import re

CLASSIFIED = re.compile(
    r"(绝密|机密|秘密)\s*[★☆]|[★☆]\s*(绝密|机密|秘密)|^[【\[(（]?(绝密|机密|秘密)[】\])）]?$|【(绝密|机密|秘密)】"
)
_LINES = re.compile(CLASSIFIED.pattern, re.MULTILINE)
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff★☆])[ \t\u3000]+(?=[\u4e00-\u9fff★☆])")


def mark_in(text: str) -> str:
    """The first mark in a text, as it stands there; '' for none. Spaced out marks (机 密 ★) count."""
    lines = "\n".join(_SPACED.sub("", line).strip() for line in text.splitlines())
    found = _LINES.search(lines)
    return found[0] if found else ""
