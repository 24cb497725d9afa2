"""What programs send, declared once: the declaration reads it, refuses it with sentences, and describes itself in OpenAPI.

    NEW = Record("NewNotice", {"title": Text(200), "seats": Whole(0, 9)}, need="title")
    NEW.body({"title": " 会 "})  → {"title": "会"}      only what was sent, in our form; Invalid names every wrong field at once

Fields inside a list or an object are named like those of a page's form: `people-0-mobile`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from ground import clock
from ground.errors import FieldError, Invalid

Schema = dict[str, Any]
Wrong = Callable[[str, str], None]
MOST_ERRORS = 100
# Marks that turn the reading direction: a name with one in it reads otherwise than it is stored.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


class Shape(Protocol):
    """How one value must look."""

    def read(self, value: Any, field: str, wrong: Wrong) -> Any:
        """The value in our form; what is wrong with it goes to `wrong(field, sentence)`."""
        ...

    def schema(self) -> Schema:
        """JSON Schema 2020-12 of it; a named record is a reference."""
        ...


@dataclass(frozen=True)
class Text:
    """Text, trimmed, without control characters; with `lines`, line ends and tabs are allowed."""

    most: int = 200
    least: int = 0
    lines: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    says: str = "这一项的写法不对。"  # when the pattern does not fit

    def read(self, value: Any, field: str, wrong: Wrong) -> str:
        """The text."""
        if not isinstance(value, str):
            wrong(field, "这一项应当是文字。")
            return ""
        text = value.replace("\r\n", "\n").strip() if self.lines else value.strip()
        if sentence := self._fault(text):
            wrong(field, sentence)
        return text

    def _fault(self, text: str) -> str:
        if any(_hidden(c) and not (self.lines and c in "\n\t") for c in text):
            return "这一项里有看不见的控制字符，请去掉。"
        if len(text) < self.least:
            return "请填这一项。"
        if len(text) > self.most:
            return f"这一项太长（{len(text)} 字），请不超过 {self.most} 字。"
        if self.choices and text not in self.choices:
            return f"这一项只能是：{'、'.join(self.choices)}。"
        if self.pattern and not re.fullmatch(self.pattern, text):
            return self.says
        return ""

    def schema(self) -> Schema:
        """A string."""
        said: Schema = {"type": "string", "maxLength": self.most}
        if self.least:
            said["minLength"] = self.least
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        if self.pattern:
            said["pattern"] = f"^(?:{self.pattern})$"
        return said


def _hidden(c: str) -> bool:
    return unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _TURNING


@dataclass(frozen=True)
class Whole:
    """A whole number in a range, both ends allowed."""

    low: int = 0
    high: int = 10**15

    def read(self, value: Any, field: str, wrong: Wrong) -> int:
        """The number; 2.0 is 2."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            wrong(field, f"这一项应当是 {self.low} 至 {self.high} 的整数。")
            return self.low
        return value

    def schema(self) -> Schema:
        """An integer."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Id:
    """The id of something that is numbered, as text (or as a number): no position, no sum, only a name."""

    def read(self, value: Any, field: str, wrong: Wrong) -> int:
        """The number behind it; 0 when it is none."""
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch("[0-9]{1,15}", text):
            wrong(field, "这一项应当是编号，请照抄答案里的 id。")
            return 0
        return int(text)

    def schema(self) -> Schema:
        """A string of digits."""
        return {"type": "string", "pattern": "^[0-9]{1,15}$"}


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def read(self, value: Any, field: str, wrong: Wrong) -> bool:
        """The flag."""
        if not isinstance(value, bool):
            wrong(field, "这一项应当是 true 或 false。")
        return value is True

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Moment:
    """RFC 3339 with any offset, between 2000 and 2100; read as our UTC text. `empty`: '' is allowed and means none."""

    empty: bool = False

    def read(self, value: Any, field: str, wrong: Wrong) -> str:
        """UTC text, or ''."""
        if self.empty and value == "":
            return ""
        try:
            if not isinstance(value, str) or not _MOMENT.fullmatch(value):
                raise ValueError(value)
            moment = datetime.fromisoformat(value.upper().replace(" ", "T"))
            if not 2000 <= moment.year < 2100:
                wrong(field, "时间应当在 2000 年到 2099 年之间。")
                return ""
            return clock.text(moment.astimezone(UTC))
        except ValueError:
            wrong(field, "时间应当写成 2026-03-20T09:00:00+08:00 这样。")
            return ""

    def schema(self) -> Schema:
        """A date-time."""
        moment = {"type": "string", "format": "date-time"}
        return {"anyOf": [moment, {"const": ""}]} if self.empty else moment


@dataclass(frozen=True)
class Listed:
    """A list of one kind of thing."""

    of: Shape
    most: int = 100
    least: int = 0

    def read(self, value: Any, field: str, wrong: Wrong) -> list[Any]:
        """The list."""
        if not isinstance(value, list):
            wrong(field, "这一项应当是一个列表。")
            return []
        if not self.least <= len(value) <= self.most:
            wrong(field, f"这一项应当有 {self.least} 至 {self.most} 个。")
            return []
        return [self.of.read(one, f"{field}-{n}", wrong) for n, one in enumerate(value)]

    def schema(self) -> Schema:
        """An array."""
        said: Schema = {"type": "array", "items": self.of.schema(), "maxItems": self.most}
        return said | ({"minItems": self.least} if self.least else {})


@dataclass(frozen=True)
class Pairs:
    """An object whose keys the asker chooses: key → text."""

    most: int = 12
    of: Text = field(default_factory=Text)

    def read(self, value: Any, field: str, wrong: Wrong) -> dict[str, str]:
        """The pairs."""
        if not isinstance(value, dict) or len(value) > self.most:
            wrong(field, f"这一项应当是一个对象，最多 {self.most} 项，值是文字。")
            return {}
        return {plain(key): self.of.read(one, f"{field}-{plain(key)}", wrong) for key, one in value.items()}

    def schema(self) -> Schema:
        """An object of strings."""
        return {"type": "object", "additionalProperties": self.of.schema(), "maxProperties": self.most}


@dataclass(frozen=True)
class Maybe:
    """The thing, or null."""

    of: Shape

    def read(self, value: Any, field: str, wrong: Wrong) -> Any:
        """The thing, or None."""
        return None if value is None else self.of.read(value, field, wrong)

    def schema(self) -> Schema:
        """Either."""
        return {"anyOf": [self.of.schema(), {"type": "null"}]}


@dataclass(frozen=True)
class Either:
    """One shape, or an object."""

    plain: Shape
    of: "Record"

    def read(self, value: Any, field: str, wrong: Wrong) -> Any:
        """Whichever was sent."""
        return self.of.read(value, field, wrong) if isinstance(value, dict) else self.plain.read(value, field, wrong)

    def schema(self) -> Schema:
        """Either."""
        return {"anyOf": [self.plain.schema(), self.of.schema()]}


@dataclass(frozen=True)
class Record:
    """An object with known fields; any other is refused, with the known ones named.

    name: of the schema in the OpenAPI document, unique. need: the fields that must be there, in one text.
    """

    name: str
    fields: Mapping[str, Shape]
    need: str = ""

    def read(self, value: Any, field: str, wrong: Wrong) -> dict[str, Any]:
        """The fields that were sent."""
        if not isinstance(value, dict):
            wrong(field, "这一项应当是一个对象。")
            return {}
        where = f"{field}-" if field else ""
        for key in (key for key in value if key not in self.fields):
            known = f"可用的是：{'、'.join(self.fields)}。" if self.fields else "这个请求不用带内容。"
            wrong(where + plain(key), f"没有这一项。{known}")
        for key in self.need.split():
            if key not in value:
                wrong(where + key, "缺少这一项，请补上。")
        return {key: shape.read(value[key], where + key, wrong) for key, shape in self.fields.items() if key in value}

    def body(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a request in our form. Raises Invalid with every wrong field (at most a hundred)."""
        errors: list[FieldError] = []
        found = self.read(sent, "", lambda field, sentence: errors.append(FieldError(field, sentence)))
        if errors:
            raise Invalid(errors[:MOST_ERRORS])
        return found

    def schema(self) -> Schema:
        """A reference to the schema of this name."""
        return {"$ref": f"#/components/schemas/{self.name}"}

    def whole(self) -> Schema:
        """The schema itself."""
        said: Schema = {"type": "object", "properties": {key: shape.schema() for key, shape in self.fields.items()}}
        said["additionalProperties"] = False
        return said | ({"required": self.need.split()} if self.need else {})


@dataclass(frozen=True)
class Shown(Record):
    """An object that we answer: every field is there, and later versions may add some."""

    def whole(self) -> Schema:
        """The schema itself."""
        properties = {key: shape.schema() for key, shape in self.fields.items()}
        return {"type": "object", "properties": properties, "required": list(self.fields)}


@dataclass(frozen=True)
class Page:
    """A page of a list: {"items": […], "next": "…"|null}."""

    of: Shape

    def read(self, value: Any, field: str, wrong: Wrong) -> Any:
        """Answers are not read."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """An object."""
        properties = {"items": {"type": "array", "items": self.of.schema()}, "next": {"type": ["string", "null"]}}
        return {"type": "object", "properties": properties, "required": ["items", "next"]}


def plain(key: str) -> str:
    """A name that somebody sent, fit to be said back to them."""
    return "".join(c for c in key if c.isprintable())[:60]


EMPTY = Record("Empty", {})
NO_QUERY: Mapping[str, Shape] = {}
PAGED: Mapping[str, Shape] = {"limit": Whole(1, 200), "cursor": Text(60)}  # read by the directory's `limit_of` and `after_of`


def query(shapes: Mapping[str, Shape], sent: Mapping[str, str]) -> dict[str, Any]:
    """The query's known parameters in our form; others are left alone. Raises Invalid."""
    return Record("Query", shapes).body({name: sent[name] for name in shapes if name in sent})
