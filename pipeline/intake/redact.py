"""Letter -> RedactedLetter: personal data is masked before text reaches the model, an index, a log or an export. Pure.

A mask keeps its kind; the first value of a kind in a letter is ［手机］, further values are ［手机2］, ［手机3］, and the same value has the same
mask wherever it stands. Estates and villages stay: staff route by them. What is masked and why: data/README.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.intake.characters import for_recogniser, plain
from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.intake.names import find_names

KINDS = {
    "name": "姓名", "id_card": "身份证", "mobile": "手机", "landline": "电话", "bank_card": "银行卡", "plate": "车牌",
    "email": "邮箱", "wechat": "微信", "qq": "QQ", "passport": "护照", "dwelling": "住址",
}  # fmt: skip
DASHES = str.maketrans("—–‑−", "----")
BEFORE_BLANK = re.compile(r"[\u3400-\u9fff](?=[ \t\u3000])")
LETTER_SPACED = 0.5
"""Share of Chinese characters with a blank behind, from which on a text is written with blanks between all of them."""

NUM = r"(?:\d{1,4}|[一二三四五六七八九十百]{1,4})"
BLOCK = rf"(?:{NUM}栋)?[甲乙丙丁东西南北]?(?:[A-Za-z]?-?{NUM}|[A-Za-z])\s?(?:栋|幢|座|号楼|号院|号|#楼?|楼)"
DOOR = r"[A-Za-z]?\d{1,4}(?:-\d{1,4})?(?:室|号房|号|房|户|门)?"
NOT_MORE = r"(?![\d年月日元人平米多余万千个名位家户.%‰层楼栋]|-\d)"
SEP = r"[\s,，、\-]{0,2}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of personal data: what it looks like in half-width text, and a check of what was found."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[re.Match[str]], bool] = lambda match: True


def _digits(text: str) -> str:
    return re.sub(r"[\s\-]", "", text)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        return 1900 <= date(year, month, day).year <= 2100
    except ValueError:
        return False


def id_check_digit(first17: str) -> str:
    """The 18th character of a citizen's number (GB 11643-1999: ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first17, weights, strict=True)) % 11]


def luhn(number: str) -> bool:
    """Whether a card number's check digit is right (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def _said_before(match: re.Match[str], words: str, reach: int = 14) -> bool:
    return re.search(words, match.string[max(match.start() - reach, 0) : match.start()], re.IGNORECASE) is not None


def _id18(match: re.Match[str]) -> bool:
    number = _digits(match[0]).upper()
    right = id_check_digit(number[:17]) == number[17] and _is_day(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return right or _said_before(match, "身份证|证件号|身份号")


def _id15(match: re.Match[str]) -> bool:
    number = _digits(match[0])
    plausible = number[0] in "123456" and _is_day(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))
    return plausible and not _said_before(match, "订单|单号|编号|合同|账号|卡号|注册号|执照")


def _card(match: re.Match[str]) -> bool:
    if _said_before(match, "卡号?|账号|账户|帐号|帐户|银行|存折|工行|农行|建行|农商行|信用社"):
        return not _said_before(match, "订单|运单|合同编?号|发票|信用代码", 6)
    return luhn(_digits(match[0])) and match[0][0] in "3456" and not _said_before(match, "订单|单号|编号|合同|代码|案号|发票|流水")


def _passport(match: re.Match[str]) -> bool:
    return _said_before(match, "护照|通行证|passport", 16) or match[0][0] in "EG"


def _room(match: re.Match[str]) -> bool:
    return re.search(r"\d{4}-\d", match[0]) is None


def _home(match: re.Match[str]) -> bool:
    return _said_before(match, "住|家在|地址|我家", 16)


RULES = (
    Rule("email", re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}")),
    Rule("id_card", re.compile(r"(?<![\dA-Za-z])[1-9](?:[ \-]{0,2}\d){16}[ \-]{0,2}[\dXx](?![\dA-Za-z])"), _id18),
    Rule("bank_card", re.compile(r"(?<![\dA-Za-z])\d{4}(?:[ \-]{0,2}\d){11,15}(?![\dA-Za-z])"), _card),
    Rule("id_card", re.compile(r"(?<![\dA-Za-z])[1-9](?:[ \-]?\d){14}(?![\dA-Za-z])"), _id15),
    Rule("mobile", re.compile(r"(?<!\d)(?:\(?\+?(?:00)?86\)?[ \-]{0,2})?1[3-9](?:[ \-.]{0,2}\d){9}(?!\d)")),
    Rule(
        "landline",
        re.compile(
            r"(?<![\d\-])(?:\+?86[ \-]?)?\(?0\d{2,3}\)?[ \-]{0,2}[2-9]\d{2,3}[ \-]?\d{4}(?:(?:转|-|ext\.?|分机)\s?\d{1,5})?(?![\d])"
        ),
    ),
    Rule(
        "landline",
        re.compile(
            r"(?:电话|座机|传真|固话|致电|家里电话|办公室电话|tel)(?:号码?|是|为)?[^\d\n]{0,4}(?P<value>[2-8]\d{2,3}[ \-]?\d{4})(?!\d)",
            re.I,
        ),
    ),
    Rule(
        "plate",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][A-HJ-NP-Za-hj-np-z]\s?[·.•\-]?\s?"
            r"(?:[DFdf][A-HJ-NP-Za-hj-np-z0-9]\d{4}|\d{5}[DFdf]|(?=[A-Za-z0-9]*\d)[A-HJ-NP-Za-hj-np-z0-9]{4}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳领])(?![A-Za-z0-9])"
        ),
    ),
    Rule(
        "wechat",
        re.compile(
            r"(?:微信|wechat|wx|vx|V信|薇信)(?:号码?|账号|ID|联系|加我)?(?:是|为|叫)?[：: ]{0,3}(?P<value>[A-Za-z][A-Za-z0-9_\-]{4,19}|\d{6,11})",
            re.I,
        ),
    ),
    Rule("qq", re.compile(r"(?:QQ|扣扣|企鹅)(?:号码?|账号)?(?:是|为)?[：: ]{0,3}(?P<value>[1-9]\d{4,10})(?!\d)", re.I)),
    Rule("qq", re.compile(r"(?<!\d)(?P<value>[1-9]\d{4,10})(?=(?:是|为|这是)?(?:我的?|本人)?的?(?:QQ|扣扣))", re.I)),
    Rule("passport", re.compile(r"(?<![A-Za-z0-9])(?:[EGDSPegdsp]\d{8}|[Ee][A-Za-z]\d{7})(?![A-Za-z0-9])"), _passport),
    Rule(
        "dwelling",
        re.compile(
            rf"{BLOCK}{SEP}(?:{NUM}|[东西中南北甲乙丙]|[A-Za-z])\s?(?:单元|门洞|门)(?:{SEP}{NUM}(?:楼|层))?(?:{SEP}(?:{DOOR}|{NUM}(?:室|号|户|房)){NOT_MORE})?"
        ),
    ),
    Rule(
        "dwelling", re.compile(rf"{BLOCK}{SEP}(?:{NUM}(?:楼|层){SEP})?(?:[A-Za-z]?\d{{3,4}}(?:室|号房|号|房|户)?|{NUM}(?:室|房)){NOT_MORE}")
    ),
    Rule("dwelling", re.compile(rf"(?<![\dA-Za-z])(?:{NUM}|[东西中])\s?单元{SEP}(?:{NUM}(?:楼|层){SEP})?{DOOR}{NOT_MORE}")),
    Rule("dwelling", re.compile(r"(?<!\d)\d{1,3}排\d{1,3}(?:号|栋|户)(?!楼)")),
    Rule("dwelling", re.compile(r"(?<=[村组屯庄寨社队洼沟湾])(?P<value>(?:附)?\d{1,4}号(?:附\d{1,3}号)?)(?![\d线楼桥井文令地路公会])")),
    Rule("dwelling", re.compile(r"(?<=[街路巷道里弄同])(?P<value>\d{1,4}号(?:附\d{1,3}号)?(?:\d{1,2}楼)?)(?![\d线楼桥井文令])"), _home),
    Rule(
        "dwelling", re.compile(r"(?<![\d\-A-Za-z])[A-Za-z]?\d{1,3}\s?-\s?\d{1,2}\s?-\s?\d{3,4}(?:室|号|房)?(?![\d\-年月栋幢座号])"), _room
    ),
)
"""Order matters: what an earlier rule has taken, a later one leaves alone."""


def redact(letter: Letter, *, names: bool = True) -> RedactedLetter:
    """Mask the personal data of one letter; without `names` only what has a form of its own (numbers, addresses)."""
    return redact_all([letter], names=names)[0]


def redact_all(letters: Sequence[Letter], threads: int = 1, *, names: bool = True) -> list[RedactedLetter]:
    """Mask many letters at once: the recogniser of names reads them in batches, on `threads` cores."""
    texts = [_text(letter) for letter in letters]
    taken = [_structured(text) for text in texts]
    places = [_places(text) for text in texts]
    seen = [_blank(text.translate(for_recogniser()), spans) for text, spans in zip(texts, taken, strict=True)]
    read = ["".join(map(text.__getitem__, at)) for text, at in zip(seen, places, strict=True)]
    persons = find_names(read, threads) if names else [[] for _ in read]
    return [
        _masked(letter, text, spans + [(at[start], at[end - 1] + 1, "name") for start, end in found])
        for letter, text, spans, at, found in zip(letters, texts, taken, places, persons, strict=True)
    ]


def _places(text: str) -> Sequence[int]:
    """The places that the recogniser reads: all of them, or of a letter-spaced text (王 小 明) all but the blanks."""
    if len(BEFORE_BLANK.findall(text)) < LETTER_SPACED * sum("\u3400" <= char <= "\u9fff" for char in text):
        return range(len(text))
    return [at for at, char in enumerate(text) if char not in " \t\u3000"]


def _text(letter: Letter) -> str:
    return " ".join(letter.title.split()) + "\n" + letter.body.replace("\r\n", "\n").replace("\r", "\n")


def _half(text: str) -> str:
    """Simplified characters, half-width signs, one kind of dash; every character in its place."""
    return text.translate(plain()).translate(DASHES)


def _structured(text: str) -> list[tuple[int, int, str]]:
    half = _half(text)
    free = bytearray(len(text))
    spans = []
    for rule in RULES:
        for match in rule.pattern.finditer(half):
            start, end = match.span("value" if "value" in rule.pattern.groupindex else 0)
            if not any(free[start:end]) and rule.check(match):
                free[start:end] = b"\1" * (end - start)
                spans.append((start, end, rule.kind))
    return spans


def _blank(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    """The text with what is already taken put out of the recogniser's sight, every other character in its place."""
    chars = list(text)
    for start, end, _kind in spans:
        chars[start:end] = "［" * (end - start)
    return "".join(chars)


def _masked(letter: Letter, text: str, spans: list[tuple[int, int, str]]) -> RedactedLetter:
    tokens: dict[tuple[str, str], str] = {}
    values: Counter[str] = Counter()
    kinds: Counter[str] = Counter()

    def pieces() -> Iterator[str]:
        at = 0
        for start, end, kind in sorted(spans):
            value = (kind, _digits(_half(text[start:end])).lower())
            if value not in tokens:
                values[kind] += 1
                tokens[value] = f"［{KINDS[kind]}{values[kind] if values[kind] > 1 else ''}］"
            kinds[kind] += 1
            yield text[at:start]
            yield tokens[value]
            at = end
        yield text[at:]

    return RedactedLetter(letter_id=letter.letter_id, text="".join(pieces()), received_at=letter.received_at, masks=dict(kinds))
