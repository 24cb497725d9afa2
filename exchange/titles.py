"""Breaking a title into lines: words stay whole, the lines look like a trapezium or a lozenge.

Source: GB/T 9704-2012, 7.3.1 (回行时，要做到词意完整，排列对称，长短适宜，间距恰当). There is no dictionary here: a list of the words
that titles are made of says where a break would hurt, marks and small words say where it is welcome.
"""

import re
import unicodedata
from functools import cache

MOST = 20  # characters of 22 pt in a line of 156 mm
CUT = 120.0  # what a break inside a word costs

_WORDS = re.compile(
    "中华人民共和国|人民代表大会|人民法院|人民检察院|人民政府|人民银行|人民|政府|机构编制|机构|编制|主要职责|职责|内设|委员会|办公室|办公厅|领导小组|指挥部|关于|印发|转发|批转|通知|通报|通告|公告|意见|方案|规划|计划|办法|规定|规则|细则|条例"
    "|决定|决议|请示|报告|批复|会议|纪要|工作|管理|实施|建设|发展|改革|安全|生产|经济|社会|推进|加强|开展|进一步|深化|促进|加快|做好|切实"
    "|组织|召开|举办|成立|调整|任免|任职|免职|同意|设立|撤销|修订|修改|废止|公布|发布|表彰|奖励|考核|评价|评估|监督|检查|督查|整治|排查"
    "|治理|保护|保障|服务|体系|制度|机制|政策|措施|行动|项目|资金|资源|环境|生态|农业|农村|工业|企业|产业|教育|卫生|健康|医疗|文化|旅游"
    "|体育|科技|创新|信息|公开|政务|行政|审批|许可|执法|法治|法律|财政|税收|金融|投资|土地|规范|消防|应急|防控|疫情|防汛|抗旱|灾害|事故"
    "|责任|目标|任务|分工|重点|专项|综合|全市|全省|全县|全国|有关|相关|问题|事项|情况|若干|暂行|试行|临时|年度|人员|干部|职工|居民|群众"
    "|紧急|隐患|场所|景区|文博|城镇|乡镇|街道|社区|城市|县级|市级|省级|国家|中央|国务院|自治区|自治州|同志"
)
_TIED = set("，。、；：？！”’）》〉】〕…—的地得了")  # never at the beginning of a line
_OPEN = set("“‘（《〈【〔第")  # never at the end
_WELCOME = re.compile(r"(?<=[，、；》）的])|(?=关于)|(?<=关于)|(?=《)|(?<=印发)|(?<=转发)|(?<=和)|(?<=及)")
_LONELY = set("和与及或等")  # a line does not end before nor begin with a joining word


def title_lines(title: str, most: int = MOST) -> tuple[str, ...]:
    """The title in lines of at most `most` characters; line breaks that were typed stay."""
    parts = [" ".join(part.split(" ")).strip() for part in title.splitlines() if part.strip()]
    return tuple(line for part in parts for line in _lines(part, most))


def width(text: str) -> float:
    """How many characters wide: a letter or figure is half."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WFA" else 0.55 for char in text)


def _lines(text: str, most: int) -> tuple[str, ...]:
    """One part of a title, in as few lines as it needs; in one more when that keeps a word whole."""
    count = max(1, -int(-width(text) // most))
    while not (found := _best(text, count, most))[1]:
        count += 1
    if found[0] >= CUT:
        more = _best(text, count + 1, most)
        found = more if more[1] and more[0] < found[0] else found
    return found[1]


def _best(text: str, count: int, most: int) -> tuple[float, tuple[str, ...]]:
    """What the break into `count` lines that costs least costs, and its lines; no lines when none fits."""
    costs, ideal = _costs(text), width(text) / count

    @cache
    def rest(start: int, left: int) -> tuple[float, tuple[int, ...]]:
        if left == 1:
            tail = width(text[start:])
            return ((tail - ideal) ** 2, (len(text),)) if tail <= most else (float("inf"), ())
        found: tuple[float, tuple[int, ...]] = (float("inf"), ())
        for end in range(start + 1, min(len(text), start + 2 * most) + 1 - (left - 1)):
            size = width(text[start:end])
            if size > most:
                break
            cost, ends = rest(end, left - 1)
            found = min(found, ((size - ideal) ** 2 + costs[end] + cost, (end, *ends)), key=lambda option: option[0])
        return found

    cost, ends = rest(0, count)
    if cost == float("inf"):
        return cost, ()
    return cost, tuple(text[start:end].strip() for start, end in zip((0, *ends[:-1]), ends, strict=True))


def _costs(text: str) -> list[float]:
    """What a break before each character costs, in squared characters of unevenness."""
    costs = [12.0] * (len(text) + 1)
    for found in _WORDS.finditer(text):
        costs[found.start()], costs[found.end()] = min(costs[found.start()], 4.0), min(costs[found.end()], 4.0)
        for inside in range(found.start() + 1, found.end()):
            costs[inside] = CUT
    for found in _WELCOME.finditer(text):
        costs[found.start()] = min(costs[found.start()], 1.0)
    for found in re.finditer(r"[!-~０-９]+[年月日号届次个项件]?|〔[^〕]*〕", text):
        for inside in range(found.start() + 1, found.end()):
            costs[inside] = 400.0
    for at in range(1, len(text)):
        if text[at] in _TIED or text[at - 1] in _OPEN:
            costs[at] = 5000.0
        elif text[at] in _LONELY or text[at - 1] == " ":
            costs[at] += 6.0
    return costs
