"""Words for invented people and places. Pure; the same random numbers give the same names."""

from collections.abc import Iterator
from random import Random

_COMMON = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_OTHER = (
    "郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙"
    "史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯"
)
_FIRST = "建国志海玉秀桂春文明永新晓红丽小淑金俊宏庆兴德立世忠振子雪静云凤美长思佳雅宇浩泽梦欣一若景怀维克"
_LAST = "华军平英强伟芳敏霞波涛杰峰刚辉斌鹏飞燕玲萍娟琴梅兰莉丹洁颖琳宁超勇亮磊东林峻祥成贵福生荣才义民鑫宇轩涵怡然睿"

_PLACE_FIRST = "青石柳桃松槐枣杏梨南北东西上下大长高黄红清双三龙凤金银玉云星月芦苇竹枫桂茶盐"
_PLACE_LAST = "溪岭泉河湾坪塬川沟峪滩桥店庄堡寨铺集坝垭渡岔坡塘岩埠"
# Invented by chance, but there are townships of these names in the region that the service was first thought of for.
_TAKEN = {"红河", "大寨", "黄寨", "南坪", "双岘", "高平", "龙门", "石桥", "东峡", "西屯", "韩店"}


def person(random: Random) -> str:
    """A name of two or three characters, as frequent as such names are."""
    surname = random.choice(_COMMON if random.random() < 0.55 else _OTHER)
    if random.random() < 0.18:
        return surname + random.choice(_LAST)
    first, last = random.choice(_FIRST), random.choice(_LAST)
    return surname + first + (last if last != first else "平")


def places(random: Random) -> Iterator[str]:
    """Names of places, each once, in a random order; when they run out, with a number."""
    names = [a + b for a in _PLACE_FIRST for b in _PLACE_LAST if a + b not in _TAKEN]
    random.shuffle(names)
    yield from names
    number = 2
    while True:
        yield from (f"{name}{number}" for name in names)
        number += 1


def mobile(number: int) -> str:
    """The n-th telephone number of the demo: all in blocks that end in 0000 before the last four digits."""
    block, last = divmod(number, 10_000)
    return f"1{(39 - block) if block < 10 else (89 - block + 10)}0000{last:04d}"
