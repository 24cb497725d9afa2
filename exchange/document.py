"""What an official document is: its kinds and urgencies. The room's actions come with the exchange of documents.

Source: 党政机关公文处理工作条例 (2012), article 8.
"""

KINDS = ("决议", "决定", "命令", "公报", "公告", "通告", "意见", "通知", "通报", "报告", "请示", "批复", "议案", "函", "纪要")
UPWARD = frozenset({"请示", "报告"})  # to the body above; a 请示 has one main recipient and one matter
LEVEL = frozenset({"函"})  # between bodies that are not one another's superior
