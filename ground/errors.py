"""How the service says no: one sentence for a person, a short code to read out on the telephone.

Sentences are Chinese message ids with named holes: `Refused("少了 {n} 位，请填 11 位手机号。", n=1)`. The page translates the
template, then fills the holes, so that both languages work and nothing a user typed is ever looked up as a message.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class FieldError(NamedTuple):
    """One wrong field: its form name and the sentence that says what to do."""

    field: str
    detail: str


class Refused(Exception):
    """An act that the rules do not allow; the sentence says what to do instead. Status 409 unless a subclass says otherwise."""

    status = 409
    code = "refused"

    def __init__(self, sentence: str, /, *, code: str = "", **holes: object) -> None:
        """Keep the sentence and its holes apart, so that the face can translate before filling."""
        super().__init__(sentence.format(**holes) if holes else sentence)
        self.sentence = sentence
        self.holes: Mapping[str, object] = holes
        if code:
            self.code = code

    def text(self) -> str:
        """The Chinese sentence with its holes filled."""
        return self.sentence.format(**self.holes) if self.holes else self.sentence


class NotFound(Refused):
    """No such thing, or not yours to know of: both answer alike (404)."""

    status = 404
    code = "not_found"

    def __init__(self, sentence: str = "没有找到，或者没有发给贵单位。需要的话请与发出单位联系。") -> None:
        """The same sentence for a thing that is not there and one that is another unit's."""
        super().__init__(sentence)


class Forbidden(Refused):
    """Signed in, but this post may not do this act at all (403)."""

    status = 403
    code = "forbidden"


class Invalid(Refused):
    """What was typed cannot be taken; `errors` names each field (422)."""

    status = 422
    code = "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        """Keep every wrong field: all are reported at once."""
        super().__init__(errors[0].detail if errors else "请检查填写的内容。")
        self.errors = tuple(errors)

    @classmethod
    def one(cls, field: str, detail: str) -> "Invalid":
        """The error for a single field."""
        return cls([FieldError(field, detail)])


class TooLarge(Refused):
    """More bytes than the limit (413)."""

    status = 413
    code = "too_large"


class TooMany(Refused):
    """Too many tries; `wait_s` says when the next one counts (429)."""

    status = 429
    code = "too_many"

    def __init__(self, sentence: str, /, *, wait_s: int, **holes: object) -> None:
        """Keep the seconds to wait for the Retry-After header."""
        super().__init__(sentence, code="too_many", **holes)
        self.wait_s = wait_s


class Unavailable(Refused):
    """The service cannot be sure just now (database gone, disk failing): it says so, and nothing was done (503)."""

    status = 503
    code = "unavailable"


class DiskFull(Unavailable):
    """No room on the disk (507)."""

    status = 507
    code = "disk_full"
