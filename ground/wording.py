"""Words and marks that every room reads alike: urgencies, marks of secrecy, characters that nobody can see. Pure."""

import re

from ground.classified import CLASSIFIED as CLASSIFIED

URGENCIES = {"normal": "平件", "urgent": "加急", "immediate": "特急"}
CLASSIFIED_SENTENCE = "标题或内容里有密级标志。本网不得传送国家秘密，请按保密规定办理。"
# Characters that nobody can see: controls (not tab and line ends), marks that turn the direction of writing, half characters.
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
INVISIBLE_SENTENCE = "这一项里有看不见的控制字符，请重新输入后再发。"


def tidy(text: str, *, lines: bool = False) -> str:
    """The text trimmed, its line ends made one kind, without the marks of invisible width that come along when copying."""
    text = re.sub("[\ufeff\u200b\u200e\u200f\u2060]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.strip() if lines else re.sub(r"[\n\t\v\f\u2028\u2029]+", " ", text).strip()
