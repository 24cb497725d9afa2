"""Planning an import of people and their posts. Pure; `importing` gives it out."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from ground.directory.plans import ExistingPerson, Faults, Line, PersonRow, Plan, check_controls, check_text, cut, lines_of
from ground.directory.policy import ROLE_WORDS, Role, clash
from ground.directory.tables import PERSON_HEADINGS, Table
from ground.mobile import WrongMobile, normal_mobile

LONGEST_NAME = 60
LONGEST_EMAIL = 254
_ROLES = {word: str(role) for role, word in ROLE_WORDS.items()} | {str(role): str(role) for role in Role}
_LOGIN = re.compile(r"[A-Za-z0-9._-]{2,64}")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")


def people(
    table: Table, units: Collection[str], existing: Mapping[str, ExistingPerson], *, joined: bool = False
) -> Plan[PersonRow]:
    """What importing `table` would do to people and their posts.

    Args:
        table: columns login, name, unit_code and role at least; see PERSON_HEADINGS. One row is one post.
        units: the codes of all open units.
        existing: people who are there, by login.
        joined: the city's setting that lets one person be operator and security.
    Returns:
        `added`: rows of logins that are new; `changed`: rows of known logins with a new post or other particulars. Posts that
        the file does not name stay. Never raises.
    """
    faults = Faults(table)
    lines = list(lines_of(table, PERSON_HEADINGS, ("login", "name", "unit_code", "role"), faults))
    rows = [_person(line, faults) for line in lines]
    for row in rows:
        if row.unit_code and row.unit_code not in units:
            faults.add(row.row, f"单位代码 {cut(row.unit_code)} 在系统里没有")
    _check_repeats(rows, faults)
    _check_spelling(rows, existing, faults)
    _check_clashes(rows, existing, joined, faults)
    good = [row for row in _filled(rows, existing) if row.row not in faults.reasons]
    known = [row for row in good if row.login in existing]
    return Plan(
        [row for row in good if row.login not in existing],
        [row for row in known if not _is_so(row, existing[row.login])],
        [row for row in known if _is_so(row, existing[row.login])],
        faults.rows(),
    )


def _person(line: Line, faults: Faults) -> PersonRow:
    """The post that `line` describes, with what is wrong in it noted."""
    for field, word in (("login", "账号"), ("name", "姓名"), ("unit_code", "单位代码"), ("role", "岗位")):
        if not line.get(field):
            faults.add(line.row, f"缺少{word}")
    check_text(line, ("position",), faults)
    login, name, typed_role = line.get("login"), line.get("name"), line.get("role")
    name = re.sub(r"(?<=[^\x00-\u02ff])\s+(?=[^\x00-\u02ff])", "", name)  # 张　三, padded to the width of three
    if len(name) > LONGEST_NAME:
        faults.add(line.row, f"姓名有 {len(name)} 个字，最多 {LONGEST_NAME} 个")
    check_controls(name, "姓名", line.row, faults)
    if login and not _LOGIN.fullmatch(login):
        faults.add(line.row, f"账号“{cut(login)}”只能用 2–64 个字母、数字、点、横线、下划线，或 11 位手机号")
    role = _ROLES.get(typed_role.lower(), "")
    if typed_role and not role:
        faults.add(line.row, f"岗位“{cut(typed_role)}”不认识，可以填：{'、'.join(ROLE_WORDS.values())}")
    mobile, trouble = mobile_number(line.get("mobile"))
    if trouble:
        faults.add(line.row, trouble)
    email = line.get("email")
    if email and (len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
        faults.add(line.row, f"邮箱“{cut(email)}”写得不对")
    return PersonRow(line.row, login, name, line.get("unit_code"), role, line.get("position"), mobile, email)


def mobile_number(typed: str) -> tuple[str, str]:
    """(11 digits or "", what is wrong in Chinese or "") of a mobile number as people type it; an empty one is not wrong."""
    if not typed.strip():
        return "", ""
    try:
        return normal_mobile(typed), ""
    except WrongMobile as wrong:
        return "", f"手机：{str(wrong).removesuffix('。')}"


def _check_repeats(rows: Iterable[PersonRow], faults: Faults) -> None:
    """Note a post named twice, and rows of one login that disagree about the person."""
    posts: dict[tuple[str, str, str], int] = {}
    said: dict[tuple[str, str], tuple[int, str]] = {}
    for row in rows:
        if not row.login:
            continue
        post = (row.login, row.unit_code, row.role)
        if row.unit_code and row.role and posts.setdefault(post, row.row) != row.row:
            faults.add(row.row, f"与第 {posts[post]} 行重复（同一账号、单位和岗位）")
        for word, value in (("姓名", row.name), ("手机号", row.mobile), ("邮箱", row.email)):
            if value:
                number, before = said.setdefault((row.login, word), (row.row, value))
                if value != before:
                    faults.add(row.row, f"账号 {cut(row.login)} 的{word}与第 {number} 行不同（“{cut(before)}”）")


def _check_spelling(rows: Iterable[PersonRow], existing: Collection[str], faults: Faults) -> None:
    """Note logins that differ from another one only in capitals: nobody could tell them apart on the telephone."""
    spelt = {login.casefold(): (0, login) for login in existing}
    for row in rows:
        number, login = spelt.setdefault(row.login.casefold(), (row.row, row.login))
        if login != row.login and row.login not in existing:
            where = f"第 {number} 行" if number else "系统里"
            faults.add(row.row, f"账号 {cut(row.login)} 与{where}的 {cut(login)} 只差大小写")


def _check_clashes(rows: Iterable[PersonRow], existing: Mapping[str, ExistingPerson], joined: bool, faults: Faults) -> None:
    """Note rows after which one person would hold roles that exclude each other (三员分立)."""
    held: dict[str, set[str]] = {}
    for row in rows:
        if not row.role:
            continue
        if row.login not in held:
            held[row.login] = {role for _, role in existing[row.login].posts} if row.login in existing else set()
        before = clash(frozenset(held[row.login]), joined=joined)
        held[row.login].add(row.role)
        reason = clash(frozenset(held[row.login]), joined=joined)
        if reason and not before:
            faults.add(row.row, reason.rstrip("。"))


def _filled(rows: Iterable[PersonRow], existing: Mapping[str, ExistingPerson]) -> Iterator[PersonRow]:
    """Each row with what it leaves empty: mobile and e-mail from the login's other rows, else all from what is there now."""
    rows = list(rows)
    mobiles = {row.login: row.mobile for row in reversed(rows) if row.mobile}
    emails = {row.login: row.email for row in reversed(rows) if row.email}
    nobody = ExistingPerson("", "", "", "", {})
    for row in rows:
        now = existing.get(row.login, nobody)
        yield row._replace(
            position=row.position or now.posts.get((row.unit_code, row.role), ""),
            mobile=mobiles.get(row.login, now.mobile),
            email=emails.get(row.login, now.email),
        )


def _is_so(row: PersonRow, now: ExistingPerson) -> bool:
    """Whether `row` says nothing new."""
    particulars = (row.name, row.mobile, row.email) == (now.name, now.mobile, now.email)
    return particulars and now.posts.get((row.unit_code, row.role)) == row.position
