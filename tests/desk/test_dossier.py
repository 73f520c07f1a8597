"""The dossier: all of a matter is in it, whatever its letters hold, and a long one is written soon."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import docx
import pytest

from pipeline.desk.dossier import ActLine, ClockLine, Dossier, LetterLine, ReasonLine
from pipeline.desk.dossier_docx import write_dossier

AT = datetime(2026, 4, 20, 1, 30, tzinfo=UTC)
LETTERS = (
    LetterLine(
        letter_id="L0001",
        day=date(2026, 3, 2),
        channel="网上信访",
        text="丰禾玉米种子不出苗。\n\n我们村四十多户都没有收成，联系电话[电话]。",
    ),
    LetterLine(letter_id="L0002", day=date(2026, 4, 1), channel="", text="多次向镇里反映种子的事，一直没有人管。"),
)
FULL = Dossier(
    matter_id="M-2026-017", title="平安镇多户购买丰禾玉米种子不出苗要求赔偿", printed_at=AT, printed_by="陈某（分拣员）", purpose="报包保领导阅示",
    issue="农业农村", level="苗头", risk="涉及多户且多次反映未决，拖延会影响春耕。", places=("吉林县平安镇", "柳河村"), unit="县农业农村局", leader="副县长周某", status="办理中",
    clocks=(ClockLine(name="办结", article="《信访工作条例》第三十四条", started=date(2026, 4, 2), due=date(2026, 6, 1), state="还有42天"),),
    reasons=(ReasonLine(sentence="多人反映同一问题", share=0.62), ReasonLine(sentence="反复反映未解决", share=0.38)),
    plan="由县农业农村局牵头取样鉴定。\n鉴定结果出来后三日内组织调解。", way="调解", way_reason="事实清楚，双方都愿意谈。",
    steps=(ActLine(at=AT, who="吴某", what="已到村取样，送省种子站鉴定。"),),
    outcome="部分化解", satisfaction="基本满意", letters=LETTERS,
    events=(ActLine(at=datetime(2026, 4, 19, 23, 59, tzinfo=UTC), who="陈某", what="转办：县农业农村局"),),
)  # fmt: skip


def opened(dossier: Dossier) -> docx.document.Document:
    buffer = io.BytesIO()
    write_dossier(dossier, buffer)
    buffer.seek(0)
    return docx.Document(buffer)


def lines_of(document: docx.document.Document) -> list[str]:
    """Paragraphs and rows of tables in the order in which they stand."""
    lines = []
    for part in document.iter_inner_content():
        if isinstance(part, docx.table.Table):
            lines += ["|".join(dict.fromkeys(cell.text for cell in row.cells)) for row in part.rows]
        else:
            lines.append(part.text)
    return lines


def test_all_of_the_matter_is_there_in_its_order() -> None:
    assert lines_of(opened(FULL)) == [
        "信访事项卷宗",
        "平安镇多户购买丰禾玉米种子不出苗要求赔偿",
        "打印时间：2026-04-20 09:30　打印人：陈某（分拣员）　用途：报包保领导阅示",
        "一、基本情况",
        "事项编号|M-2026-017|办理状态|办理中",
        "诉求类别|农业农村|等级|苗头",
        "责任单位|县农业农村局|包保领导|副县长周某",
        "涉及地点|吉林县平安镇、柳河村|来信|2 封，2026-03-02至2026-04-01",
        "风险说明|涉及多户且多次反映未决，拖延会影响春耕。",
        "二、法定时限",
        "时限|依据|起算|到期|现状",
        "办结|《信访工作条例》第三十四条|2026-04-02|2026-06-01|还有42天",
        "三、排序理由",
        "理由|所占份额",
        "多人反映同一问题|62%",
        "反复反映未解决|38%",
        "四、化解方案",
        "由县农业农村局牵头取样鉴定。",
        "鉴定结果出来后三日内组织调解。",
        "建议化解渠道：调解。理由：事实清楚，双方都愿意谈。",
        "五、办理经过",
        "时间|经办人|办理内容",
        "2026-04-20 09:30|吴某|已到村取样，送省种子站鉴定。",
        "六、办理结果",
        "办理结果|部分化解|满意度|基本满意",
        "七、来信内容",
        "来信均已遮盖个人信息；查阅原件须另行登记事由。",
        "第 1 封　2026-03-02　网上信访　编号 L0001",
        "丰禾玉米种子不出苗。",
        "我们村四十多户都没有收成，联系电话[电话]。",
        "第 2 封　2026-04-01　来源不明　编号 L0002",
        "多次向镇里反映种子的事，一直没有人管。",
        "八、操作记录",
        "时间|经办人|操作",
        "2026-04-20 07:59|陈某|转办：县农业农村局",
    ]


def test_each_page_says_what_it_is_and_its_number() -> None:
    page = opened(FULL).sections[0]
    assert (page.page_width.mm, page.page_height.mm) == (pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))
    assert page.header.paragraphs[0].text == "事项编号：M-2026-017\t内部材料 依规使用"
    foot = page.footer.paragraphs[0]._p
    told = [
        next(iter(part.attrib.values())) if part.tag.endswith("fldSimple") else part.text for part in foot if not part.tag.endswith("pPr")
    ]
    assert told == ["第 ", "PAGE", " 页 共 ", "NUMPAGES", " 页"]


def test_a_matter_that_was_just_opened_says_what_is_missing() -> None:
    lines = lines_of(opened(Dossier(matter_id="M1", title="路灯不亮", printed_at=AT, printed_by="陈某", purpose="")))
    assert "打印时间：2026-04-20 09:30　打印人：陈某　用途：未填写" in lines
    assert "责任单位|未填写|包保领导" in lines
    assert "一案一策：未填写。" in lines
    assert lines.count("暂无记录。") == 5


def test_control_characters_do_not_break_it(tmp_path: Path) -> None:
    odd = "种\x00子\x0b不\ud800出\x1f苗\ufffe"
    letters = (replace(LETTERS[0], letter_id=odd, channel=odd, text=odd + "\r\n第二行"),)
    act = ActLine(at=AT, who=odd, what=odd)
    dossier = replace(FULL, matter_id=odd, title=odd, purpose=odd, plan=odd, unit=odd, letters=letters, steps=(act,), events=(act,))
    path = tmp_path / "卷宗.docx"
    write_dossier(dossier, path)
    lines = lines_of(docx.Document(str(path)))
    assert lines[1] == "种子不出苗"
    assert lines.count("种子不出苗") == 3  # the title, the plan, the letter
    assert lines.count("2026-04-20 09:30|种子不出苗") == 2
    assert "第二行" in lines


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        write_dossier(replace(FULL, printed_at=datetime(2026, 4, 20)), io.BytesIO())


def test_three_hundred_letters_take_a_few_seconds() -> None:
    letters = tuple(
        replace(LETTERS[0], letter_id=f"L{at:04}", text="工地拖欠工资三个月，孩子开学没有钱交学费。\n" * 20) for at in range(300)
    )
    events = tuple(replace(FULL.events[0], what=f"登记新来信 L{at:04}") for at in range(300))
    began = time.perf_counter()
    document = opened(replace(FULL, letters=letters, events=events))
    assert time.perf_counter() - began < 8  # about one second on a quiet machine
    assert sum(paragraph.text.startswith("第 ") for paragraph in document.paragraphs) == 300
    assert len(document.tables[-1].rows) == 301
