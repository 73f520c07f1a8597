"""What both halves of the model read of a letter: the matter in one plain writing, without who writes and how politely.

Some things must not move a score at all: the writer's name, sex, age, ethnicity, faith, home town and occupation, greetings and closing
formulas, full-width or half-width signs, traditional characters, blanks, and which of title and body comes first. Training alone does not
give that to the last hundredth, so it is built in here: such words are dropped, or put in one common form, before anything is read. A clause
goes only when nothing but formula or self-description stands in it ("我是一名退休教师"); what describes the matter (退役军人, 残疾人, 学生家长) stays,
and so does what was done ("问题解决了"). VERSION goes into a model's config: a model is only used with the writing it was trained on.
"""

from __future__ import annotations

import re

from pipeline.intake.characters import SIGNS, plain
from pipeline.intake.surnames import surnames

VERSION = "1"
MOST_CHARACTERS = 6_000
"""Characters that are looked at: head and tail of twice what any limit keeps, so that an endless letter costs no more."""

MOST_FORMULA = 40
"""Characters of a clause up to which it can be nothing but formula."""

MASK = re.compile(r"[［\[](姓名|身份证|手机|电话|银行卡|车牌|邮箱|微信|QQ|护照|住址)\d*[］\]]")
CLAUSE = re.compile(r"([，。！？：；、…~\n]+)")
BLANKS = re.compile(r"(?<=[^\x21-\x7e])[^\S\n]+|[^\S\n]+(?=[^\x21-\x7e])|(?<=\d)[^\S\n](?=\d)")
"""Blanks beside Chinese and between digits."""
REPEATED = re.compile(r"([^\w\s])\1+")

RELATIVES = {
    "女儿": "孩子", "儿子": "孩子", "闺女": "孩子", "女孩": "孩子", "男孩": "孩子", "女婴": "婴儿", "男婴": "婴儿", "孙女": "孙子", "母亲": "父母", "父亲": "父母",
    "妈妈": "父母", "爸爸": "父母", "老公": "配偶", "老婆": "配偶", "丈夫": "配偶", "妻子": "配偶", "爷爷": "老人", "奶奶": "老人", "姥姥": "老人", "姥爷": "老人",
    "外公": "老人", "外婆": "老人", "女工": "工人", "女生": "学生", "男生": "学生", "男子": "人", "女子": "人", "男人": "人", "女人": "人", "她": "他",
}  # fmt: skip
PART_OF_ANOTHER = {"女工": r"(?<![子妇])女工(?!作)", "女生": r"(?<![子妇])女生(?![活产育])", "女子": r"(?<!子)女子(?!监狱)", "女人": r"(?<![子妇])女人",
                   "女孩": r"(?<!子)女孩", "道教": r"(?<!街)(?<!通)道教(?![育师学])", "教徒": r"(?<!传)教徒(?!弟)"}  # fmt: skip
"""Words that also stand inside others (子女工作, 街道教育)."""
SURNAMES = "".join(sorted(surnames().common))
ADDRESSED = re.compile(rf"(?:[{SURNAMES}]|\[姓名\])(?:女士|先生|小姐)")
FAITHS = dict.fromkeys(("伊斯兰教", "基督教", "天主教", "佛教", "道教"), "宗教") | dict.fromkeys(
    ("基督徒", "天主教徒", "佛教徒", "道教徒", "穆斯林", "教徒", "居士"), "信徒"
)
ETHNIC = "汉|回|满|藏|苗|彝|壮|侗|瑶|白|傣|黎|畲|羌|维吾尔|维|蒙古|蒙|朝鲜|土家|哈萨克|布依|哈尼|傈僳|佤|高山|拉祜|水|东乡|纳西|景颇|土|达斡尔|仡佬|锡伯|鄂伦春|鄂温克|赫哲|裕固|撒拉|塔吉克|仫佬|毛南"
FOLK = re.compile(rf"(?:{ETHNIC})族(?!自治|馆|箱|谱|长)")
PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|内蒙|广西|西藏|宁夏|新疆|香港|澳门|东北|西地"
)


def longest_first(*words: str) -> str:
    """Alternatives of a pattern, the longest first: tried atomically, so that no text can make the search slow."""
    return "|".join(sorted({word for part in words for word in part.split("|")}, key=lambda word: (-len(word), word)))


HOME = rf"(?:(?:{PROVINCES})(?:省|市|自治区)?|外地|本地|当地|外省|本省|外县|本县)(?:人|籍|老乡)|(?:家住|老家在?|籍贯|来自|祖籍)(?:{PROVINCES})(?:省|市|自治区)?(?:农村)?"
AGE = r"(?:今年|现年|年龄|已经|已|年近|年满|快){0,2}(?:\d{1,3}|[一二三四五六七八九十]{1,4})多?(?:周岁|岁)[多了的]?|[016-9]0后"
WORK = (
    "人民教师|教师|老师|教授|医生|护士|工人|农民工|农民|司机|驾驶员|律师|会计|保安|保洁员|公务员|工程师|程序员|个体户|个体工商户|商人|老板|企业家|记者|厨师|服务员|"
    "快递员|外卖员|外卖骑手|骑手|店主|职员|白领|打工者|打工人|打工仔|打工妹|打工的|研究生|大学生|学者|干部|职工|员工|自由职业者|销售员|理发师|裁缝|木匠|泥瓦匠|渔民|牧民|"
    "建筑工|清洁工|环卫工人|家庭主妇|主妇|科研人员|公司职员|工薪族|上班族|警察|军人|消防员|博士|硕士"
)
FORMER = "退休|在职|离休|下岗|失业|待业|无业|在读|普通|平凡|老实|老实巴交|守法|善良|热心|年轻|年老|年迈|中年|老|小|老年"
PERSON = "市民|公民|居民|群众|老百姓|百姓|网友|热心人|妇女|老人|老汉|老头|老太太|老太|大爷|大妈|大叔|阿姨|小伙子|小伙|姑娘|年轻人|青年人|中年人|老年人|青年"
SEX = "女性|男性|男|女|男的|女的"
STUDIED = "大学本科|本科|大专|高中|初中|小学|中专|文盲|大学|不识字|大学本科毕业"
FAITH = "某族|信徒|信仰宗教|信宗教|信奉宗教|无宗教信仰|不信教|已婚|未婚|单身|离异"
LINK = (
    "是|系|为|叫|名叫|姓|性别|民族|学历|文化|毕业|文化程度|职业|政治面貌|信仰|作为|身为|一名|一位|一个|一介|名|位|个|的|、|也|而且|并且|人"
)
SELF = "我本人|本人|我们|我|写信人|来信人|来电人|反映人|投诉人|诉求人|信访人"
SOME_ONE = rf"\[姓名\]|[{SURNAMES}]某某?"
IDENTITY = rf"{AGE}|{SOME_ONE}|{HOME}|{longest_first(WORK, FORMER, PERSON, SEX, STUDIED, FAITH)}"
HAS_IDENTITY = re.compile(IDENTITY)
WHO_CLAUSE = re.compile(rf"(?>(?:{SELF})?)(?>{AGE}|{SOME_ONE}|{HOME}|{longest_first(WORK, FORMER, PERSON, SEX, STUDIED, FAITH, LINK)})++")
ONLY_PERSON = re.compile(rf"(?>{longest_first(WORK, FORMER, PERSON, STUDIED)})++")
WHO_START = re.compile(
    rf"^(?:{SELF})?(?:是|系|作为|身为)(?:一名|一位|一个)(?>(?:{AGE}|{HOME}|{longest_first(WORK, FORMER, PERSON, SEX, STUDIED, FAITH)}|的|、)++)(?<!的)(?<!老)(?<!小)(?!代表|长|们|口|家|区|民|工|生|证|资格|公寓|用户|户|业主|宿舍|村)的?(?=.)"
)

OFFICIAL = (
    "书记|市长|县长|区长|镇长|乡长|省长|局长|厅长|主任|部长|院长|领导们|领导|政府|上级|有关部门|相关部门|各级|部门|同志们|同志|青天|父母官|工作人员|"
    "贵单位|贵局|贵厅|贵市|编辑|平台|信访局"
)
FORMULA_WORD = (
    "尊敬的|敬爱的|亲爱的|各位|你们|你|好|你好|大家|早上好|上午好|中午好|下午好|晚上好|打扰了|打扰|辛苦了|辛苦|麻烦|劳驾|冒昧|写信|给|百忙之中|百忙中|抽空|抽出时间|"
    "抽时间|此致|敬礼|致敬|敬上|敬启|顿首|谢谢了|谢谢|多谢|万分|非常|十分|衷心|由衷|深表|再次|先|在此|表示|感谢|感激|感恩|不尽|不胜|祝愿|祝福|祝|身体健康|工作顺利|工作愉快|"
    "生活愉快|身体安康|阖家幸福|万事如意|阖家欢乐|节日快乐|新年快乐|恳请|恳求|敬请|请求|希望|盼望|期盼|期待|请|望|盼|还|能够|能|予以|尽快|尽早|早日|及时|高度|认真|我们|"
    "我|本人|一个|满意|回复|答复|回音|处理|解决|重视|关注|核实|调查|查实|帮忙|帮帮|帮助|支持|过问|批示|为盼|为谢|一下|此事|这个|这件事|该|问题|百姓|老百姓|早|的|了|吧|啊|呀|"
    "和|与|及|会|把|对|为|诚挚|敬意|期望|收到|得到|看看|拜托|拜谢|叩谢|特此|反映|如下|情况|现|将|向|以下|想"
)
FORMULA = re.compile(rf"(?>{longest_first(OFFICIAL, FORMULA_WORD)}|\[姓名\])++")
GREETING = re.compile(
    rf"(?:尊敬的|敬爱的|亲爱的)?(?:[{SURNAMES}]|某某?|[xX]{{1,3}}|\[姓名\])?(?>{longest_first(OFFICIAL)})(?:你好|好|你们好|早上好|下午好)?"
)
ASKS = re.compile("恳请|恳求|敬请|请求|请|希望|盼|期|还请|还望|望|麻烦|劳驾|拜托|给|能|帮|尽快|尽早|早日|及时")
DONE = re.compile("解决|处理|回复|答复|调查|核实|查实|帮助|支持")
WORKER = re.compile(longest_first(WORK))
HAS_SELF = re.compile(rf"(?:{SELF})")
CALM = str.maketrans("您", "你")


def bounded(text: str) -> str:
    """Head and tail of an endless text."""
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    return text[:half] + text[-half:]


FORMS = RELATIVES | FAITHS
SWAP = re.compile("|".join(PART_OF_ANOTHER.get(word, re.escape(word)) for word in sorted(FORMS, key=len, reverse=True)))


def _only_who(clause: str) -> bool:
    """Whether the clause says nothing but who writes. A bare role (作为老师) may be the one complained of: it goes only with 我."""
    if not (WHO_CLAUSE.fullmatch(clause) and HAS_IDENTITY.search(clause)) or ONLY_PERSON.fullmatch(clause):
        return False
    return bool(HAS_SELF.match(clause)) or not WORKER.search(clause)


def _only_formula(clause: str) -> bool:
    """Whether the clause is a greeting, a plea or thanks and nothing else; "问题解决了" tells what was done and stays."""
    if GREETING.fullmatch(clause):
        return True
    return bool(FORMULA.fullmatch(clause)) and (not DONE.search(clause) or bool(ASKS.match(clause)))


def in_one_writing(text: str) -> str:
    """Simplified characters, half-width letters, full-width signs, no blanks beside Chinese, masks without numbers."""
    text = text.translate(plain()).translate(SIGNS)
    text = MASK.sub(r"[\1]", text)
    text = BLANKS.sub("", re.sub(r"[^\S\n]+", " ", text))
    return REPEATED.sub(r"\1", text.translate(CALM))


def without_person(text: str) -> str:
    """Drop clauses of formula and self-description; put words that tell a sex, a people or a faith in a common form."""
    text = FOLK.sub("某族", SWAP.sub(lambda word: FORMS[word[0]], ADDRESSED.sub("[姓名]", text)))
    kept: list[str] = []
    parts = CLAUSE.split(text)
    for clause, sign in zip(parts[::2], [*parts[1::2], ""], strict=True):
        bare = clause.strip()
        if not bare:
            continue
        if len(bare) <= MOST_FORMULA and (_only_formula(bare) or _only_who(bare)):
            continue
        kept.append(WHO_START.sub("", bare, count=1) + sign[:1])
    return ("".join(kept) if kept else text).replace("[姓名]", "")


def normalise(text: str) -> str:
    """Shorter part, newline, longer part of a masked letter (title, newline, body) as both halves of the model read it.

    The shorter of title and body stands first whichever was which, so their order cannot matter.
    """
    title, _, body = text.partition("\n")
    parts = [without_person(in_one_writing(bounded(part))).replace("\n", " ").strip(" ，。！？：；、") for part in (title, body)]
    return "\n".join(sorted(parts, key=lambda part: (len(part), part)))
