"""Papers to set in tests: the sample of the design, and its kin."""

from datetime import date

from exchange.typesetting import Paper
from exchange.writing import compose

ITEM = (
    "各县（市、区）和有关部门要对辖区内各级文物保护单位、博物馆、A级旅游景区、民宿集聚区逐一检查，重点查看电气线路、"
    "消防水源、疏散通道和值班值守情况，3月22日前完成第一轮排查。"
)
TEXT = f"""近期天气干燥多风，清明临近，旅游景区客流增加，用火用电用气集中，火灾风险上升。经市政府同意，现通知如下。
一、立即开展拉网式排查。{ITEM}
（一）重点场所
1.检查电气线路。{ITEM}
（1）查看线路老化情况。
二、建立问题清单。对查出的问题要逐条登记，明确责任人和整改时限。
"""
TAIL = """附件：1.排查整治任务分工表
2.文博场所和旅游景区消防安全隐患排查整治问题隐患清单（样表）及填报说明
（联系人：何淑珍，电话：8210110）"""
TABLE = """单位 | 检查对象 | 完成时限
市文旅局 | 各级文物保护单位、博物馆 | 3月22日
市消防救援支队 | 民宿集聚区 | 3月25日
"""
NOTICE = Paper(
    title="关于立即开展文博场所和旅游景区消防安全隐患排查整治的紧急通知",
    body=compose(TEXT + TAIL),
    heads=("平凉市人民政府办公室",),
    number="平政办发〔2026〕9号",
    dated=date(2026, 3, 18),
    main="各县（市、区）人民政府，市文化和旅游局、市消防救援支队、市应急管理局：",
    copies="市委办公室，市人大常委会办公室，市政协办公室",
    copy_number="000042",
    urgency="特急",
    office="平凉市人民政府办公室",
    printed=date(2026, 3, 19),
)
REQUEST = NOTICE._replace(
    title="平凉市文化和旅游局关于解决文博场所消防设施改造资金的请示",
    heads=("平凉市文化和旅游局",),
    number="平文旅发〔2026〕31号",
    body=compose("因资金不足，恳请市政府解决。\n妥否，请批示。"),
    main="市人民政府",
    upward=True,
    signers=("许建平", "李镕", "王堃"),
    sealed=False,
)
LETTER = NOTICE._replace(
    form="letter",
    title="关于商请协助开展文物安全检查的函",
    heads=("平凉市文化和旅游局",),
    number="平文旅函〔2026〕12号",
    body=compose("为做好文物安全工作，请派员协助。\n请函复。"),
    main="市消防救援支队",
    both_sides=False,
)
MINUTES = NOTICE._replace(
    form="minutes",
    title="",
    heads=("平凉市人民政府常务会议纪要",),
    number="第5期",
    main="",
    body=compose("会议听取了文博场所消防安全工作汇报。\n会议决定，由市文旅局牵头整改。"),
    attendance=(("出席", "、".join(f"出席者{n}" for n in "甲乙丙丁戊己庚辛壬癸")), ("请假", "张三"), ("列席", "李四")),
)
