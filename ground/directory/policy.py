"""Who may do what: one table, default no.

`may(roles, act)` answers for a kind of act; whether this person may do it to *this* object is decided by the action, which
looks the object up through the person's own unit, so that another unit's thing is simply not found.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a post allows. The Chinese words stand in `ROLE_WORDS`."""

    SECRETARY = "secretary"
    ORGANISER = "organiser"
    LEADER = "leader"
    UNIT_ADMIN = "unit_admin"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    SECURITY = "security"
    AUDITOR = "auditor"


ROLE_WORDS = {
    Role.SECRETARY: "文书",
    Role.ORGANISER: "会务",
    Role.LEADER: "领导",
    Role.UNIT_ADMIN: "单位管理员",
    Role.SUPERVISOR: "督查",
    Role.OPERATOR: "系统管理员",
    Role.SECURITY: "安全管理员",
    Role.AUDITOR: "审计员",
}


class Act(StrEnum):
    """A kind of act that a route declares. PUBLIC needs no sign-in, SIGNED_IN any post."""

    PUBLIC = "public"
    CARRIER = "carrier"  # a gateway's callback, by its own secret
    SIGNED_IN = "signed_in"
    READ = "read"  # the unit's inbox and what was sent to it
    SIGN = "sign"
    REGISTER = "register"  # 收文号, 登记簿
    ANSWER = "answer"  # sign people up, ask leave, confirm
    SEND = "send"  # draft, send, recall, reissue, supplement, void and chase documents of the own unit
    COMPOSE = "compose"  # draft and publish notices
    ORGANISE = "organise"  # decide leave, chase, enter for a unit, lists, attendance
    GROUPS = "groups"  # the unit's own groups; the city's only for operators
    PEOPLE = "people"  # people and posts of the own unit and below
    UNITS = "units"  # the tree of units
    MESSAGES = "messages"  # the outbox, for operators
    STATE = "state"  # settings, backup, health
    ROLES = "roles"  # roles of all units, sessions of others
    AUDIT = "audit"


_SECRETARY = {Act.READ, Act.SIGN, Act.REGISTER, Act.ANSWER, Act.SEND, Act.GROUPS}
_ORGANISER = {Act.READ, Act.COMPOSE, Act.ORGANISE, Act.GROUPS}

TABLE: dict[Role, frozenset[Act]] = {
    Role.SECRETARY: frozenset(_SECRETARY),
    Role.ORGANISER: frozenset(_ORGANISER),
    Role.LEADER: frozenset({Act.READ}),
    Role.UNIT_ADMIN: frozenset({Act.PEOPLE, Act.GROUPS}),
    Role.SUPERVISOR: frozenset({Act.READ}),
    Role.OPERATOR: frozenset({Act.UNITS, Act.PEOPLE, Act.GROUPS, Act.MESSAGES, Act.STATE}),
    Role.SECURITY: frozenset({Act.PEOPLE, Act.ROLES}),
    Role.AUDITOR: frozenset({Act.AUDIT}),
}

ANYONE = frozenset({Act.PUBLIC, Act.CARRIER})


def may(roles: frozenset[str], act: Act) -> bool:
    """Whether any of `roles` allows `act`."""
    if act in ANYONE:
        return True
    if act is Act.SIGNED_IN:
        return bool(roles)
    return any(act in TABLE[Role(role)] for role in roles)


def clash(roles: frozenset[str], *, joined: bool) -> str:
    """Why one person may not hold all of `roles` (三员分立), or ''.

    Args:
        roles: all roles of the person, over all units.
        joined: the city's setting that lets one person be operator and security.
    """
    admins = roles & {Role.OPERATOR, Role.SECURITY}
    if Role.AUDITOR in roles and admins:
        return "审计员不能同时是系统管理员或安全管理员（三员分立）。请选另一个人。"
    if len(admins) == 2 and not joined:
        return "系统管理员和安全管理员要由两个人担任（三员分立）。人少的市可以在设置里打开 joined_roles。"
    return ""
