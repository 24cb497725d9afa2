"""What meetings of the demo city are about, and what their notices say. Words only."""

from typing import NamedTuple

from notices.notice import Quota


class Topic(NamedTuple):
    """Something to meet about, and the office (short name) that calls the meeting."""

    host: str
    words: str


_TOPICS = """
市政府办公室 政务公开 重点项目建设 民生实事 经济运行 政府工作报告任务落实 招商引资 城市更新 产业链发展
市政府办公室 节能降碳 县域经济发展 营商环境 政府系统值班
市委办公室 督查落实 基层减负 调查研究 信息报送 乡村振兴 巡视整改
市委组织部 基层党建 干部教育培训 人才 驻村帮扶
市委宣传部 精神文明建设 文艺精品创作 国防教育
市应急局 安全生产 防灾减灾救灾 森林草原防灭火 应急演练
市教育局 校园安全 义务教育优质均衡发展 高考组织 学校食堂管理
市卫健委 基层医疗卫生服务 健康城市建设 传染病防控
市农业农村局 春耕生产 高标准农田建设 秋粮收购 农村人居环境整治 动物疫病防控
市水务局 防汛抗旱 河湖长制 农村饮水安全
市住建局 老旧小区改造 城镇燃气安全 建筑施工安全
市交通局 农村公路建设 春运 治超
市生态环境局 大气污染防治 秸秆禁烧 饮用水水源地保护
市发改委 项目谋划储备 优化营商环境 能源保供
市财政局 预算编制 政府采购 财政资金绩效
市人社局 高校毕业生就业 根治欠薪 社会保险
市民政局 养老服务 冬春救助 地名普查
市市场监管局 食品安全 质量强市建设 特种设备安全
市统计局 统计 经济普查 劳动力调查
市文旅局 文化旅游产业发展 文物保护 假日旅游
市公安局 道路交通安全 禁毒 反诈宣传
市林草局 国土绿化 林长制
市政务数据局 数字政府建设 政务服务 数据共享
市信访局 信访积案化解
市商务局 促消费 生活必需品保供
市消防救援支队 消防安全 冬季防火
"""
TOPICS = [
    Topic(host, words) for host, *all_words in (line.split() for line in _TOPICS.split("\n") if line) for words in all_words
]
FORMS = (
    "{place}{topic}工作会议", "{place}{topic}工作推进会议", "{place}{topic}工作专题会议",
    "{place}{topic}工作视频调度会议", "{place}{topic}工作第{n}季度例会", "{place}{topic}业务培训会议",
    "{place}{topic}工作动员部署会议", "{place}{topic}工作座谈会",
)  # fmt: skip
PLACES = (
    "市政府一楼会议室", "市政府二楼第三会议室", "市委一楼会议室", "市会议中心三楼第一会议室", "市会议中心二楼会议厅",
    "云川宾馆二楼多功能厅", "市应急指挥中心", "市政务信息中心三楼", "市文化馆多功能厅", "视频会议，各县区设分会场",
)  # fmt: skip
WHY_CANCELLED = (
    "因参会领导另有公务，会议取消。", "与上级会议时间冲突，会议取消，时间另行通知。", "改以书面形式征求意见，会议取消。",
    "因天气原因会议取消，请各单位做好值班值守。",
)  # fmt: skip
BODY = (
    "为进一步做好{about}工作，经研究，决定召开会议。现将有关事项通知如下。\n\n"
    "一、会议内容\n传达学习上级有关精神，通报{about}工作进展，安排部署下一阶段任务。\n\n"
    "二、有关要求\n请各单位按时限在线报送参会人员。主要负责同志因故不能参会的，须在线请假，并安排分管负责同志替会。"
    "参会人员提前 10 分钟入场，会议期间将手机调至静音。"
)
AGENDA = "1. 通报{about}工作进展情况\n2. 有关单位作交流发言\n3. 安排下一阶段工作\n4. 领导讲话"
VEHICLE = "请从东门入院，按引导停放"
BRING = "参会人员名单所列同志请携带本单位工作进展材料"
REASONS = (
    "在省里参加会议", "外出学习培训", "下乡检查工作", "接待上级调研组", "因病住院治疗", "参加同一时间的市委会议",
    "带队外出招商", "休年假，已报批",
)  # fmt: skip
LATE_REASON = "参会同志临时被抽调到省里开会，需要换人，请予同意。"
HANDOUT = (
    "{title}\n{rule}\n\n时间：以通知为准\n地点：{place}\n\n1. 请提前 10 分钟凭二维码签到入场。\n2. 会议期间请将手机调至静音。\n"
    "3. 会议材料会后在本系统下载。\n4. 有事请联系会务：{contact} {phone}\n"
)

QUOTAS = (
    (Quota("principal", 1, 1), Quota("staff", 0, 2)),
    (Quota("deputy", 1, 1), Quota("staff", 0, 1)),
    (Quota("principal", 1, 1), Quota("deputy", 0, 1), Quota("driver", 0, 1)),
    (Quota("staff", 1, 2),),
    (Quota("principal", 1, 1),),
    (Quota("deputy", 0, 1), Quota("staff", 0, 2)),
)
