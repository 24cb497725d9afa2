"""Keeps `templates/locale/en.po` complete: every Chinese sentence that a person may read, with its English twin.

    python -m scripts.catalogue          add what is missing (empty), drop what is gone, print how many are left to write
    python -m scripts.catalogue --list   print the sentences that have no English yet

Sentences are found in the templates (`_('…')`) and in the code: what `Refused` and its kin, `FieldError` and `t()` are given, the
Chinese words in tables of constants, and whatever ends like a sentence or has a hole to fill. What is put together by an f-string
cannot have a twin and is left out: say it with holes instead.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "templates" / "locale" / "en.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SAID = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")  # templates also say 、 and 。 alone
SENTENCE = re.compile(r"。$|\{[a-z]\w*\}")
SQL = re.compile(r"\bSELECT\b")
SAYERS = {
    "Refused", "Invalid", "NotFound", "Forbidden", "TooLarge", "TooMany", "Unavailable", "DiskFull", "FieldError", "one", "t",
    "No", "WrongMobile", "wrong", "_t", "BadTable", "MissingGlyphs", "Unauthorized",
}  # fmt: skip
HOLE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
NOT_WORDS = {  # modules whose tables are no words for people: keywords that are read, SQL, the API's description
    *("pinyin.py", "tables.py", "importing.py", "planning_people.py", "plans.py", "inbound.py", "workdays.py", "forms.py"),
    *("document.py", "queries.py", "api.py", "writing.py", "moments.py"),
}
ALWAYS_CHINESE = {  # text messages, sheets of paper, the API's description, the operator's terminal
    *("notices/by_sms.py", "notices/telling.py", "notices/reminders.py", "notices/lists.py", "ground/openapi.py"),
    *("exchange/typesetting.py", "exchange/titles.py", "exchange/papers.py", "ground/fonts.py"),
    *("ground/doctor.py", "ground/checking.py", "ground/backup.py", "exchange/incoming_api.py", "exchange/incoming_telling.py"),
}
BY_NAME = ("昨天", "是", "否")  # looked up through a variable
HEAD = "# The English twin of every Chinese sentence. Kept by scripts/catalogue.py: write only the msgstr lines."
FOLDERS = ("ground", "receipts", "notices", "exchange")


def in_templates() -> Iterator[str]:
    """Every `_('…')` of the templates."""
    found = extract_from_dir(
        str(ROOT / "templates"), [("**.html", "jinja2")], keywords={"_": None}, options_map={"**.html": {"silent": "false"}}
    )
    for _file, _line, message, _comments, _context in found:
        if isinstance(message, str):
            yield message


def in_code() -> Iterator[str]:
    """Chinese texts that the code gives to a sayer, keeps in a table of words at a module's top, or that read as sentences."""
    for path in [*(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")), ROOT / "app.py"]:
        if path.relative_to(ROOT).as_posix() in ALWAYS_CHINESE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in SAYERS:
                yield from (t for a in node.args for t in _texts(a))
        yield from _class_sentences(tree)
        yield from (t for t in _texts(tree) if SENTENCE.search(t))
        for node in tree.body if path.name not in NOT_WORDS else ():
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                yield from _texts(node.value)
    yield from BY_NAME


def _class_sentences(tree: ast.Module) -> Iterator[str]:
    """Default sentences of exception classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for default in node.args.defaults:
                yield from _texts(default)


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _texts(node: ast.AST) -> Iterator[str]:
    """The Chinese constants in a piece of code, but for f-strings, patterns and docstrings."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and CHINESE.search(node.value) and not SQL.search(node.value):
            yield node.value
        return
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and _name(node.func) == "compile"):
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _texts(child)


def wanted() -> list[str]:
    """Every sentence that needs a twin, sorted."""
    return sorted({s for s in (*in_templates(), *in_code()) if SAID.search(s)})


def load() -> Catalog:
    """The catalogue as it is; an empty one when there is none."""
    if not PO.exists():
        return Catalog(locale="en")
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def holes(sentence: str) -> set[str]:
    """The names of a sentence's holes."""
    return {a or b for a, b in HOLE.findall(sentence)}


def unwritten(catalogue: Catalog) -> list[str]:
    """Sentences without an English twin."""
    have = {str(m.id): str(m.string) for m in catalogue if m.id}
    return [s for s in wanted() if not have.get(s)]


def broken(catalogue: Catalog) -> list[str]:
    """Twins whose holes are not those of their sentence."""
    return [str(m.id) for m in catalogue if m.id and m.string and holes(str(m.id)) != holes(str(m.string))]


def main(arguments: list[str]) -> int:
    """Update or list; the number of unwritten sentences, at most 1 as an exit code."""
    catalogue = load()
    missing = unwritten(catalogue)
    if "--list" in arguments:
        sys.stdout.write("".join(f"{s!r}\n" for s in missing))
        return 0
    fresh = Catalog(
        locale="en", header_comment=HEAD, project="songda", version="1", msgid_bugs_address="-", last_translator="-",
        language_team="-", charset="utf-8", creation_date=catalogue.creation_date, revision_date=catalogue.creation_date, fuzzy=False,
    )  # fmt: skip
    have = {str(m.id): str(m.string) for m in catalogue if m.id}
    for sentence in wanted():
        fresh.add(sentence, have.get(sentence, ""))
    PO.parent.mkdir(exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, fresh, omit_header=False, width=0, no_location=True)
    sys.stdout.write(f"{len(list(fresh)) - 1} sentences, {len(missing)} without English\n")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
