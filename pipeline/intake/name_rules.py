"""What a name looks like by rule: slots that only a name fills, lists of names, and words that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import rjieba

from pipeline.intake.surnames import surnames

Span = tuple[int, int]

HAN = "[\u3400-\u9fff]"
FOREIGN = re.compile(r"[\u3400-\u9fff]{2,8}(?:[·•・．][\u3400-\u9fff]{1,8}){1,3}")
"""Names with a dot: 阿依古丽·买买提."""
CALLED = re.compile(r"(?:我叫|本人叫|我名叫|我的名字[是叫])(?P<name>[\u3400-\u9fff]{2,8})(?=[，,。.；;！!、\s]|$)")
"""Names whose surname no list holds (阿依古丽, 扎西次仁): what stands between 我叫 and the next stop."""
NOT_CALLED = frozenset("的了是在我你他她它们这那不也都被把对到给因以就没很再来去过着天门警救人车开停醒骂话")
FRONT = re.compile(
    r"^(?:.*(?:我叫|名叫|姓名|反映人|联系人|我爷爷|我奶奶|我爱人|我父亲|我母亲|我丈夫|我妻子|我儿子|我女儿|业主|村民|老板|司机|居民|牧民)(?:是|为|叫)?)(?=.{2,}[·•・．])"
)
"""Words that the dotted pattern swallows in front of a name."""
STOP = r"[，,。；;、：:！!？?（()）\s\d“”\"《》\[\]［］/—\-]|$"
AFTER_SURE = rf"(?={STOP}|电话|手机|身份证|男|女|今年|现年|家住|住在|联系|系(?!电)|是|来自|于\d|敬上|叩|拜|代笔|等|和|及|与|原系|户籍|籍贯)"
SURE = re.compile(
    r"(?:我叫做?|我名叫|本人叫|名叫|名字叫|叫做|上他?叫|姓名是?|名字四个字|签名|签字|落款|联系人|经办人|当事人|举报人|投诉人|反映人|信访人|申请人|写信人|来信人|"
    r"求助人|受害人|负责人|被举报人|被投诉人|法人代表|法定代表人|户主|户名|收款人|知情人|代表)(?:姓名|是|为|叫|名叫)?[：: ，,]{0,3}(?P<name>SURNAMEHAN{1,2}?)".replace(
        "HAN", HAN
    )
    + AFTER_SURE
)
ROLE = re.compile(
    r"(?<!敬的)(?<!爱的)(?:包工头|工头|司机|车主|老板娘?|店长|厂长|校长|园长|院长|所长|站长|队长|组长|村长|乡长|镇长|县长|局长|科长|处长|股长|主任|书记|支书|会计|出纳|经理|主管|"
    r"总监|董事长|团长|连长|船长|工长|老师|班主任|教练|医生|大夫|护士|律师|法官|民警|辅警|协警|警官|城管|网格员|柜员|信贷员|业务员?|销售|中介|房东|房主|租客|租户|"
    r"邻居|隔壁|对门|楼上|楼下|[一二三四五六七八九十]楼|业主|住户|居民|村民|牧民|农民|果农|工友|工人|同事|同学|同村|学员|学生|毕业生|家长|家属|孩子|儿子|女儿|孙子|"
    r"孙女|外孙女?|父亲|母亲|爸爸|妈妈|[我他她]爸|[我他她]妈|爷爷|奶奶|外公|外婆|公公|婆婆|岳父|岳母|舅舅|姑姑|叔叔|伯伯|哥哥?|弟弟|姐姐|妹妹|小舅子|媳妇|丈夫|妻子|老公|"
    r"老婆|老伴|老头子|爱人|外甥|侄子|女婿|女友|男友|表弟|表哥|养父|养母|继父|继母|证人|骑手|快递员|病人|患者|死者|伤者|孕妇|老人|残疾人|人士|军人|军官|干部|文书|委员|"
    r"科员|办事员|窗口|红娘|制片|焊工|木工|瓦工|法人|股东|控制人|承包人|债务人|担保人|被告人?|原告人?|民政所|畜牧站|水利站|管理局|农资店|本人|我是|本村|"
    r"(?:收钱|包工|柜台|提意见|放贷|卖房|保费)的)(?:姓名|是|为|叫|名叫)?[：: ]{0,2}"
)
SIGNED = re.compile(
    r"(?:^|\n)[ 　]*(?:(?:村民|业主|工人|职工|市民|居民|家长|农民|群众|学生|老师|代表|一位\S{1,6}|\S{0,8}(?:村|镇|乡|小区|社区|厂|队|组|班))[：: 　]{0,3})?"
    r"(?P<name>SURNAMEHAN{1,2})[ 　]*(?:敬上|叩首|叩上|拜上|上|呈|手书|代笔|书)?[ 　]*(?=\n|$|\d{4}[年.\-/]|二[〇○零]|1[3-9]\d)".replace(
        "HAN", HAN
    )
)
NOT_GIVEN = frozenset("的了是在与或我你他她它们这那不也都被把对从到给因以就要没很再又只并且但其等位些吗呢吧啊呀嘛说某")
"""Characters of the grammar: no given name holds one."""
SELDOM_GIVEN = frozenset("有和及向为所还会能可才而于之个名")
"""Characters of the grammar that some given names hold (和平, 有才, 向东): allowed where a slot or the recogniser speaks, not behind a role."""
NOT_ALONE = frozenset("家总工姓氏某哥姐嫂婶叔伯爷奶姨队村市县省区镇乡院校厂店楼路街桥山河户方人员时间上下中前后里外内年月日元万名个次种类")
"""A given name of one character is none of these where only a rule speaks."""
TITLES = (
    "老师", "医生", "大夫", "主任", "书记", "局长", "处长", "科长", "县长", "镇长", "乡长", "村长", "队长", "组长", "校长", "院长", "经理", "总经理", "老板",
    "先生", "女士", "小姐", "同志", "师傅", "律师", "警官", "法官", "会计", "阿姨", "大爷", "大妈", "大姐", "大哥", "叔叔", "某", "某某", "姓", "总", "家",
    "市长", "省长", "区长", "州长", "主席", "常委", "同学", "所长", "厂长", "站长", "董事", "董事长", "教授", "护士", "司机", "教练", "支书", "委员", "干部",
    "民警", "工", "氏", "氏族", "家人", "嫂", "婶", "奶奶", "某人", "老板娘", "副县长", "副市长", "副局长", "副书记", "副主任",
)  # fmt: skip
NOT_NAMES = frozenset(
    """高新区 高新 高速 高铁 金融 金额 金星 金霞 黄花 黄兴 马路 方便 万元 白天 石材 江苏 江西 安徽 安排 安全 于是 成立 成都 时间 时代 常年 解决 应该 应当
    任何 任意 周末 周边 周围 周一 周二 周三 周四 周五 周六 周日 雷锋 孔子 毛泽东 毛主席 习近平 李克强 邓小平 周恩来 包青天 焦裕禄 文明 明显 计划
    平安 平台 平时 平均 和谐 和平 路段 路面 路口 路灯 路边 车辆 车位 车主 车库 车站 房屋 房产 房子 房东 居民 居住 水电 水费 水泥 水管 向上 向阳 国家 国土
    通知 通过 通行 通告 商家 商户 商铺 东西 东方 后来 后面 经常 经济 经过 关于 关系 关注 关心 花园 花钱 花费 公司 公安 公交 公园 公共 从来 全部 全家 全体
    满意 单位 单元 双方 支持 支付 管理 管道 管网 项目 席位 祝愿 祝福 支部 相关 相信 相邻 师生 师范 连续 连接 连带 年底 年初 容易 游客 游乐 官方 原因 原来
    来源 来信 户口 户主 代表 代理 位于 位置 海关 法院 法律 法规 商量 农民 农村 农业 能否 终于 都是 都会 万科 恒大 碧桂园 保利 利息 利益 别人 别的""".split()  # noqa: SIM905
)
"""What the recogniser or a rule takes for a name and is none; national figures are no party to a county's letter."""
NAME_TAGS = frozenset({"nr", "nrt", "nrfg"})
GRAMMAR = frozenset({"t", "d", "p", "c", "r", "m", "f", "u", "ul", "uj", "uz", "ug", "q", "mq", "zg", "y"})
"""Part-of-speech tags of words that are no given name."""
ENDING = re.compile(rf"{STOP}|说|把|给|被|让|的|是|在")
HAN_ONLY = re.compile(f"{HAN}+")
NEXT = re.compile(
    r"(?:、|和|与|及)(?P<name>HAN{2,4}?)(?=[、，,。；;：:！!？?（(）)\s\d［]|$|等|和|与|及|的|说|两|去|联|都)".replace("HAN", HAN)
)
PREVIOUS = re.compile(r"(?:^|[，,。；;：:！!？?（(\s、”“]|有|人|和)(?P<name>HAN{2,3})[、]$".replace("HAN", HAN))


@cache
def _slots() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """The compiled slots, and whether a dictionary word may stand in them."""
    surname = surnames().pattern()
    return tuple((re.compile(rule.pattern.replace("SURNAME", surname)), sure) for rule, sure in ((SURE, True), (SIGNED, False)))


@lru_cache(maxsize=65536)
def is_word(text: str) -> bool:
    """Whether the dictionary has it as a word that is no name."""
    cut = rjieba.tag(text, False)
    return len(cut) == 1 and cut[0][1] not in NAME_TAGS


def plausible(name: str, seldom: bool = True) -> bool:
    """Whether a surname and what follows could be a full name, as far as characters tell; `seldom`: with characters few names hold."""
    given = name[2:] if name[:2] in surnames().compound and len(name) > 2 else name[1:]
    return (
        bool(given)
        and name not in NOT_NAMES
        and not NOT_GIVEN.intersection(given)
        and (seldom or not SELDOM_GIVEN.intersection(given))
        and not given.startswith(TITLES)
        and not (len(given) == 1 and given in NOT_ALONE)
        and name[-1] not in "村镇乡县市区省"
    )


def in_slots(text: str) -> set[Span]:
    """Names in slots: after 我叫 even one that is a word (高兴), in a signature only one that is none; and names with a dot."""
    found = {
        match.span("name")
        for slot, sure in _slots()
        for match in slot.finditer(text)
        if plausible(match["name"]) and (sure or not is_word(match["name"]))
    }
    found |= {match.span("name") for match in CALLED.finditer(text) if not NOT_CALLED.intersection(match["name"])}
    return found | {_dotted(match) for match in FOREIGN.finditer(text)}


def _dotted(match: re.Match[str]) -> Span:
    front = FRONT.match(match[0])
    return match.start() + (front.end() if front else 0), match.end()


@dataclass(frozen=True, slots=True)
class Cut:
    """A text cut into dictionary words: where each begins, and the words with their tags."""

    words: dict[int, tuple[str, str]]
    length: int

    @classmethod
    def of(cls, text: str) -> Cut:
        words, at = {}, 0
        for word, tag in rjieba.tag(text, False):
            words[at] = (word, tag)
            at += len(word)
        return cls(words, len(text))

    def begins(self, at: int) -> bool:
        return at in self.words or at == self.length


def after_roles(text: str, cut: Cut) -> set[Span]:
    """Names behind a role (司机麻建新说…): a surname, then one or two characters that end where a word ends."""
    found = set()
    for match in ROLE.finditer(text):
        span = _name_at(text, match.end(), cut)
        if span:
            found.add(span)
    return found


def _name_at(text: str, at: int, cut: Cut) -> Span | None:
    known = surnames()
    width = 2 if text[at : at + 2] in known.compound else 1
    word, tag = cut.words.get(at, ("", ""))
    opens = width == 2 or text[at : at + 1] in known.common or text[at : at + 1] in known.rare
    if not word or not opens or (len(word) > width and tag not in NAME_TAGS):
        return None
    for given in (2, 1):
        end = at + width + given
        name = text[at:end]
        if (
            end <= len(text)
            and HAN_ONLY.fullmatch(name)
            and _ends(text, end, cut)
            and plausible(name, seldom=False)
            and not is_word(name)
            and _given(at + width, given, cut)
        ):
            return at, end
    return None


def _ends(text: str, at: int, cut: Cut) -> bool:
    """Whether a word, or the clause, ends here."""
    return cut.begins(at) or ENDING.match(text, at) is not None


def _given(at: int, length: int, cut: Cut) -> bool:
    """Whether the characters are free to be a given name: not a word of time, number, place, manner or grammar (于|昨天)."""
    word, tag = cut.words.get(at, ("", "nr"))
    return tag not in GRAMMAR if len(word) == length > 1 else not (length == 1 and tag in GRAMMAR)


def beside(text: str, spans: set[Span]) -> set[Span]:
    """Names that stand in a list beside a found one: 张三、李四和王五."""
    found, fresh = set(spans), set(spans)
    while fresh:
        fresh = {span for known in fresh for span in _neighbours(text, known)} - found
        found |= fresh
    return found


def _neighbours(text: str, known: Span) -> Iterator[Span]:
    start, end = known
    after = NEXT.match(text, end)
    before = PREVIOUS.search(text[max(start - 6, 0) : start])
    if after and surnames().opens(after["name"]) and plausible(after["name"]):
        yield after.span("name")
    if before and surnames().opens(before["name"]) and plausible(before["name"]):
        yield start - 1 - len(before["name"]), start - 1
