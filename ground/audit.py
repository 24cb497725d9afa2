"""Every act leaves a line: who, in which unit, did what to what, from where. Written in the transaction of the act itself."""

from typing import NamedTuple

from ground.db import Tx

INSERT = """
INSERT INTO audit (at, person_id, unit_id, act, object, detail, address)
VALUES (:at, :person, :unit, :act, :object, :detail, :address)
"""
NEWEST = """
SELECT a.id, a.at, a.person_id, COALESCE(p.name, ''), a.unit_id, a.act, a.object, a.detail, a.address
FROM audit a LEFT JOIN people p ON p.id = a.person_id
WHERE a.id < :before AND (:person = 0 OR a.person_id = :person) AND (:object = '' OR a.object = :object)
ORDER BY a.id DESC LIMIT :limit
"""


class Line(NamedTuple):
    """One act in the audit."""

    id: int
    at: str
    person_id: int
    person: str
    unit_id: int
    act: str
    object: str
    detail: str
    address: str


async def note(
    tx: Tx, act: str, object: str, *, at: str, person: int = 0, unit: int = 0, detail: str = "", address: str = ""
) -> None:
    """Write one line. `object` is kind:id, as in `notice:12`; `detail` names no secrets and no phone numbers."""
    await tx.run(INSERT, at=at, person=person, unit=unit, act=act, object=object, detail=detail, address=address)


async def newest(tx: Tx, *, before: int, person: int = 0, object: str = "", limit: int = 50) -> list[Line]:
    """Lines with an id below `before`, newest first."""
    return await tx.all(NEWEST, Line, before=before, person=person, object=object, limit=limit)


WORDS = {
    "sign_in": "登录", "sign_in_failed": "登录失败", "sign_out": "退出", "session_ended": "结束登录", "password": "改密码",
    "totp_on": "打开验证码", "totp_off": "关闭验证码", "token": "发令牌", "token_revoked": "停用令牌", "unit_opened": "启用单位",
    "unit_changed": "改单位资料", "unit_renamed": "单位更名", "unit_closed": "停用单位", "unit_merged": "合并单位",
    "post_given": "给岗位", "post_ended": "结束岗位", "person_changed": "改人员资料", "person_disabled": "停用账号",
    "person_enabled": "启用账号", "delegated": "委托", "delegation_revoked": "收回委托", "group_opened": "新发文范围",
    "group_changed": "改发文范围", "group_closed": "停用发文范围", "notice_published": "发会议通知",
    "notice_changed": "改会议通知", "notice_cancelled": "取消会议", "answered": "报名", "confirmed": "确认变动",
    "leave_approved": "同意请假", "leave_refused": "不同意请假", "late_asked": "申请晚改", "chased": "催办",
    "document_sent": "发公文", "document_chased": "催办公文", "document_supplemented": "补发", "document_recalled": "撤回",
    "document_reissued": "更正重发", "document_voided": "作废公文", "number_voided": "作废字号", "recall_agreed": "同意撤回",
    "recall_refused": "不同意撤回", "series_opened": "新字号系列", "series_closed": "停用字号系列",
}  # fmt: skip
