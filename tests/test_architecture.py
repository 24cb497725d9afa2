"""What import-linter cannot see: where SQL, Starlette and script may stand, how long things are, what may not be in the tree.

Each rule is a function that lists offenders as `file:line what`; each is shown a planted one first.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("ground", "receipts", "notices", "exchange")
NOT_FACES = {"ground.web.api", "ground.web.page"}  # functions
FACES = {"app.py", "pages.py", "api.py", "web.py", "visit.py", "headers.py", "live.py", "routing.py"}
NOT_OURS = {"__pycache__", "data", "build", "dist", "artefacts"}  # as in .gitignore

MAX_FILE = 400
MAX_FUNCTION = 45  # lines without the docstring

SQL = re.compile(r"\s*(SELECT|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s+(RECURSIVE\s+)?\w+\s*(\(.*\)\s*)?AS)\s")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
DATA_OR_SRC = r"""(?![^>]*\s(?:src\s*=|type\s*=\s*"application/json"))"""  # a script element that runs nothing inline
INLINE = re.compile(rf"\sstyle\s*=|<style\b|<script\b{DATA_OR_SRC}|\son[a-z]+\s*=|\shx-on\b", re.IGNORECASE)
HOSTS = [".".join(host) for host in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs", "org"), ("debian", "org"))]


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of ours with one of these suffixes (all files without any)."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and not NOT_OURS & set(parts[:-1]) and (not suffixes or path.suffix in suffixes):
            yield path.relative_to(ROOT)


def code() -> Iterator[Path]:
    """The service's Python files: the roof and the rooms."""
    return (path for path in files(".py") if path.parts[0] in ROOMS or path == Path("app.py"))


def text_of(path: Path) -> str:
    """The file's text; what is no text comes out as question marks."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def sql_out_of_place(path: Path, text: str) -> Iterator[str]:
    """SQL belongs to queries.py, and to the small modules that stand directly in ground/."""
    if path.name == "queries.py" or path.parent == Path("ground"):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield f"{path}:{node.lineno} {node.value.strip()[:50]!r}"


def imports_out_of_place(path: Path, text: str) -> Iterator[str]:
    """Only faces know Starlette; only app.py knows faces; nothing knows app.py."""
    for line, name in imported(ast.parse(text)):
        parts = name.split(".")
        own_face = path.name in FACES or path.name.endswith(("_pages.py", "_api.py"))
        web = parts[0] == "starlette" and not own_face
        at_home = own_face and parts[0] in {path.parts[0], "ground"}  # a room's faces may share their helpers
        is_face = parts[0] in ROOMS and {"pages", "api"} & set(parts) and name not in NOT_FACES
        face = is_face and not at_home and path != Path("app.py")
        if web or face or parts[0] == "app":
            yield f"{path}:{line} {name}"


def too_long(path: Path, text: str) -> Iterator[str]:
    """Outside the tests a file has at most 400 lines, a function at most 45 without its docstring."""
    lines = text.count("\n")
    if lines > MAX_FILE and path.parts[0] != "tests":
        yield f"{path} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno and path.parts[0] != "tests":
            lines = node.end_lineno - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            if lines > MAX_FUNCTION:
                yield f"{path}:{node.lineno} {node.name} has {lines} lines"


def inline_in_template(path: Path, text: str) -> Iterator[str]:
    """The CSP forbids inline script and style. Mail has no CSP, and its readers know no style sheets."""
    if path.is_relative_to("templates/messages"):
        return
    plain = JINJA.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in INLINE.finditer(plain):
        yield f"{path}:{plain.count(chr(10), 0, match.start()) + 1} {match[0].strip()}"


def of_this_machine(path: Path, text: str) -> Iterator[str]:
    """No package registry by its host, no path of a checkout."""
    checkout = [f"{ROOT}/"] if len(ROOT.parts) > 2 else []
    yield from (f"{path} {word}" for word in [*HOSTS, *checkout] if word in text)


Rule = Callable[[Path, str], Iterator[str]]
PLANTED: list[tuple[Rule, str, str, int]] = [
    (sql_out_of_place, "exchange/sending.py", 'A = "SELECT id FROM t"\nB = f"""\n  UPDATE t SET n = {n}"""', 2),
    (sql_out_of_place, "exchange/queries.py", 'A = "SELECT id FROM t"', 0),
    (sql_out_of_place, "exchange/sending.py", '"""Select whom to send to."""\nA = "Update the page"', 0),
    (imports_out_of_place, "receipts/inbox.py", "from starlette.requests import Request\nimport starlette", 2),
    (imports_out_of_place, "receipts/pages.py", "from starlette.requests import Request", 0),
    (imports_out_of_place, "receipts/inbox.py", "from receipts import pages\nfrom app import main\nimport notices.api", 3),
    (imports_out_of_place, "app.py", "from receipts import pages", 0),
    (too_long, "bench/load.py", "x = 1\n" * 401, 1),
    (too_long, "ground/worker.py", "def f():\n" + "    x = 1\n" * 45, 1),
    (too_long, "ground/worker.py", "def f():\n" + "    x = 1\n" * 44, 0),
    (inline_in_template, "templates/a.html", '<p style="x"><style></style><script>1</script><a onclick="x" hx-on:click="y">', 5),
    (inline_in_template, "templates/a.html", '<script src="/a.js"></script>{{ field(once=1, style="big") }}<p class="style">', 0),
    (inline_in_template, "templates/messages/email/a.html", '<p style="x">', 0),
    (of_this_machine, "README.md", f"see {HOSTS[0]} and {ROOT}/x", 2),
]


@pytest.mark.parametrize(("rule", "path", "text", "offences"), PLANTED)
def test_a_planted_offence_is_found(rule: Rule, path: str, text: str, offences: int) -> None:
    assert len(list(rule(Path(path), text))) == offences


def keep(rule: Rule, paths: Iterable[Path]) -> None:
    """Fail with the whole list of offenders, if there are any."""
    offences = [offence for path in paths for offence in rule(path, text_of(path))]
    if offences:
        pytest.fail("\n".join([rule.__doc__ or "", *offences]), pytrace=False)


def test_sql_stands_in_queries() -> None:
    keep(sql_out_of_place, code())


def test_starlette_and_faces_are_imported_where_they_may_be() -> None:
    keep(imports_out_of_place, code())


def test_files_and_functions_are_short() -> None:
    keep(too_long, files(".py"))


def test_templates_hold_no_inline_script_or_style() -> None:
    keep(inline_in_template, (path for path in files(".html") if path.parts[0] == "templates"))


def test_nothing_of_this_machine_is_in_the_tree() -> None:
    keep(of_this_machine, files())
    assert [path for path in files() if path.name in {"uv.lock", "package-lock.json"}] == []


def test_vendored_files_are_those_that_vendor_txt_names() -> None:
    """Each line of VENDOR.txt: file, name, version, SHA-256, then anything; `#` begins a comment."""
    vendor = ROOT / "templates/static/vendor"
    found = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "VENDOR.txt"
    }
    entries = (vendor / "VENDOR.txt").read_text(encoding="utf-8").splitlines() if found else []
    named = [line.split() for line in entries if line.strip() and not line.startswith("#")]
    assert {file: sha256 for file, _name, _version, sha256, *_ in named} == found
