"""The night's brief: the right letters are counted, the right ones come first, and page, Word file and terminal tell the same."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docx import Document
from docx.oxml.ns import qn

from pipeline.brief import CARDS, LINES, Brief, gather, main, text, write
from pipeline.brief_page import NOTES, html, sections
from pipeline.desk.services.store import Entry, Store
from pipeline.intake.letter import SHANGHAI, Letter, RedactedLetter
from pipeline.matters.linking import Linked, Night
from pipeline.matters.matter import HIGHEST, Matter
from pipeline.matters.places import Gazetteer, Where
from pipeline.matters.trace import trace_of
from pipeline.matters.trends import Trend
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Evidence, Score
from pipeline.triage.policy import Priority, Ranked, Reason
from pipeline.triage.routing import Route

TODAY = date(2026, 3, 20)
SECRET = "13800138000"
FARMING, WAGES = "农村农业", "劳动和社会保障"
FARM, WAGE = (load_labels().issues.index(name) for name in (FARMING, WAGES))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def score(letter_id: str, *, issue: int = FARM, level: int = 1) -> Score:
    return Score(
        letter_id=letter_id,
        issue=np.eye(16, dtype=np.float32)[issue],
        signals=np.zeros(8, np.float32),
        risk=0.4,
        level=level,
        embedding=np.eye(384, dtype=np.float32)[0],
        abstain=False,
        model_version="m1",
    )


def entry(
    letter_id: str, day: date | None, *, issue: int = FARM, level: int = 1, value: float = 30, title: str = "玉米种子不出苗"
) -> Entry:
    received = datetime(day.year, day.month, day.day, 23, 30, tzinfo=SHANGHAI) if day else None
    return Entry(
        letter=Letter(letter_id=letter_id, title=f"{title}{SECRET}", body=f"请打{SECRET}", received_at=received),
        content=letter_id,
        redacted=RedactedLetter(letter_id=letter_id, text=f"{title}［手机］\n请打［手机］", received_at=received),
        place=Where(None, "柳河村", ()),
        route=Route("农业农村局", "属事", 2, "农事归农业农村局"),
        score=score(letter_id, issue=issue, level=level),
        priority=Priority(value, (Reason("有一定风险", 0.8), Reason("其他较弱的迹象", 0.2))),
        due_on=(day or TODAY) + timedelta(days=15),
    )


def trend(key: str, on: date, *, p: float = 1e-4, **told: Any) -> Trend:
    given = {
        "kind": "matter", "matter_id": "", "title": f"{key}号事", "place": "柳河村", "since": on - timedelta(days=4), "seen": 7, "writers": 6,
        "expected": 1.3, "q": 0.1, "words": ("种子", "出苗"), "letters": (("L7", "种子不出苗"),), "like": "以往有9件也曾到6人来信。",
        "text": f"{key}号事的全部说明",
    }  # fmt: skip
    return Trend(key=key, on=on, p=p, **{**given, **told})


def matter(matter_id: str = "M-L1", **told: Any) -> Matter:
    given = {
        "title": "丰禾玉米种子不出苗", "letters": 12, "writers": 11, "first_on": ago(100), "last_on": ago(1), "places": ("柳河村", "河东村"),
        "issue": FARMING, "signals": ("collective", "livelihood"), "level": 2, "risk": 0.71, "lately": 5, "growth": 2,
    }  # fmt: skip
    return Matter(matter_id=matter_id, **{**given, **told})


def ranked(letter_id: str = "L1", **told: Any) -> Ranked:
    given = {
        "received_at": datetime(2026, 3, 18, 9, tzinfo=SHANGHAI), "title": "桥墩被水冲走", "place": "柳河村", "unit": "交通局", "score": score(letter_id, level=3),
        "priority": Priority(91.0, (Reason("人身安全：信中说到现实的危险", 0.7), Reason("其他较弱的迹象", 0.3))), "due_on": date(2026, 4, 2),
        "evidence": (Evidence("risk", "桥面已经歪了。", 0.1), Evidence("safety", "娃娃们还从上面走。", 0.4)),
    }  # fmt: skip
    return Ranked(letter_id=letter_id, **{**given, **told})


def brief(**told: Any) -> Brief:
    given = {
        "day": TODAY, "made_at": datetime(2026, 3, 21, 6, 12, tzinfo=SHANGHAI), "waiting": {0: 104, 1: 2241, 3: 6},
        "received": {(FARMING, 3): 2, (FARMING, 1): 31, (WAGES, 2): 40}, "before": {(FARMING, 1): 45}, "weeks": [17, 45, 73],
        "emerging": [trend("甲", ago(1)), trend("乙", ago(3), expected=0.01)], "earlier": [trend("丙", ago(12))],
        "urgent": [ranked()], "overdue": [ranked("L2", title="路灯坏了", due_on=ago(3))], "overdue_total": 23, "matters": [matter()],
    }  # fmt: skip
    return Brief(**{**given, **told})


def words_of(page: str) -> str:
    """What a reader sees of a page."""
    shown = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return markup.unescape(re.sub(r"<[^>]*>", "\n", shown))


def words_in(path: Path) -> str:
    """What a reader sees of a Word file, in order."""
    body = Document(str(path)).element.body
    return "\n".join("".join(piece.text or "" for piece in line.iter(qn("w:t"))) for line in body.iter(qn("w:p")))


@pytest.fixture
def store(queue: str) -> Iterator[Store]:
    with Store.open(queue) as opened:
        yield opened


def saved(store: Store, *entries: Entry) -> int:
    run = store.start_run(["letters.csv"], "m1")
    store.save_chunk(run, entries)
    return run


def three_told(told: Brief, folder: Path) -> dict[str, str]:
    page, document = write(told, folder)
    return {"page": words_of(page.read_text(encoding="utf-8")), "document": words_in(document), "terminal": text(told)}


def in_order(text: str, parts: Sequence[str]) -> list[str]:
    """The parts as they first stand in a text."""
    assert [part for part in parts if part not in text] == []
    return sorted(parts, key=text.index)


def test_a_week_has_seven_days_and_ends_on_the_day(store: Store) -> None:
    days = {"A": 0, "B": 6, "C": 7, "D": 13, "E": 14, "F": 83, "G": 84}
    saved(store, *(entry(name, ago(back)) for name, back in days.items()), entry("H", TODAY, issue=WAGE, level=3), entry("I", None))
    told = gather(store, TODAY)
    assert told.received == {(FARMING, 1): 2, (WAGES, 3): 1}
    assert told.before == {(FARMING, 1): 2}
    assert list(told.weeks) == [1, *[0] * 8, 1, 2, 3]
    assert told.waiting == {1: 8, 3: 1}


def test_weeks_before_the_first_letter_are_no_empty_weeks(store: Store) -> None:
    saved(store, entry("A", TODAY))
    assert list(gather(store, TODAY).weeks) == [0, 1]


def test_tendencies_by_when_they_began(store: Store) -> None:
    days = {"a": 0, "b": 6, "c": 7, "d": 36, "e": 37, "f": -1}
    chance = {"a": 1e-3, "b": 1e-5}
    run = saved(store, entry("A", TODAY))
    store.matters.save_flags(run, [trend(key, ago(back), p=chance.get(key, 1e-4)) for key, back in days.items()])
    told = gather(store, TODAY)
    assert [one.key for one in told.emerging] == ["b", "a"]
    assert [one.key for one in told.earlier] == ["c", "d"]


def test_what_began_twice_stands_once(store: Store) -> None:
    run = saved(store, entry("A", TODAY))
    store.matters.save_flags(run, [trend("a", ago(20)), trend("b", ago(30), writers=3)])
    store.matters.save_flags(run, [trend("a", ago(2)), trend("b", ago(9), writers=8)])
    told = gather(store, TODAY)
    assert [(one.key, one.on) for one in told.emerging] == [("a", ago(2))]
    assert [(one.key, one.writers) for one in told.earlier] == [("b", 8)]


def test_the_ten_that_cannot_wait_come_in_the_order_of_the_queue(store: Store) -> None:
    from pipeline.desk.models import QueueItem

    saved(store, *(entry(f"L{at:02}", TODAY, value=at) for at in range(13)))
    QueueItem.objects.filter(pk="L01").update(human_priority=99)
    assert [one.letter_id for one in gather(store, TODAY).urgent] == ["L01", *(f"L{at:02}" for at in range(12, 3, -1))]


def test_overdue_is_what_was_due_before_the_day(store: Store) -> None:
    saved(store, *(entry(f"L{at:02}", ago(16)) for at in range(12)), entry("M", ago(15)))
    told = gather(store, TODAY)
    assert (len(told.overdue), told.overdue_total) == (10, 12)
    assert gather(store, TODAY + timedelta(days=1)).overdue_total == 13


def test_matters_of_two_letters_and_more(store: Store) -> None:
    entries = [entry("A", ago(2)), entry("B", ago(1)), entry("C", TODAY)]
    saved(store, *entries)
    traces = {one.letter.letter_id: trace_of(one.redacted, one.score, Gazetteer.load()) for one in entries}
    night = Night([Linked("A", "M-A", 1), Linked("B", "M-A", 1), Linked("C", "M-C", 1)], [], [])
    store.matters.save(night, traces, "m1", HIGHEST, TODAY)
    told = gather(store, TODAY)
    assert [(one.matter_id, one.letters) for one in told.matters] == [("M-A", 2)]
    assert "编号 M-A" in text(told)


def test_all_three_tell_the_same_in_the_same_order(tmp_path: Path) -> None:
    headings = [
        "近7天新冒头的问题（2 个）", "甲号事", "乙号事", "此前30天冒头的（1 个，2月12日至3月13日）", "丙号事",
        "最不能等的 1 件", "桥墩被水冲走", "已过登记期限、仍在待办的（共 23 封）", "路灯坏了", "多封来信的事项（1 个）", "丰禾玉米种子不出苗", "五、来信数量",
    ]  # fmt: skip
    for told in three_told(brief(), tmp_path).values():
        assert in_order(told, headings) == headings
        for number in ("73 封", "前7天 45 封，多 28 封", "2,351 封", "紧急 6，苗头 0，一般诉求 2,241，咨询建议 104", "23 封"):
            assert number in told
        assert "截至3月20日（含当天）" in told
        assert "取自3月21日06:12的队列" in told


def test_page_and_word_file_hold_every_cell_of_every_table(tmp_path: Path) -> None:
    told = brief()
    shown = three_told(told, tmp_path)
    cells = {line for section in sections(told) for row in (section.head, *section.rows) for cell in row for line in cell.split("\n")}
    assert len(cells) > 40
    for name in ("page", "document"):
        assert {cell for cell in [*cells, *NOTES] if cell not in shown[name]} == set()
        for part in ("6 人来信 7 封，往常约 1.3 人", "往常约 不到 0.1 人", "种子、出苗", "种子不出苗（L7）", "以往有9件也曾到6人来信。"):
            assert part in shown[name]
        assert in_order(shown[name], ["3月6日", "3月13日", "3月20日"])


def test_a_letter_that_cannot_wait_says_why_to_whom_and_by_when() -> None:
    late = ranked("L3", title="楼道有煤气味", received_at=None, due_on=ago(2), human_priority=99.0, evidence=(), matter_id="M-L9")
    first, second = sections(brief(urgent=[ranked(matter_id="M-L1"), late]))[0].rows
    assert first == (
        "1",
        "桥墩被水冲走\n“娃娃们还从上面走。”\n编号 L1",
        "人身安全：信中说到现实的危险。",
        "紧急\n柳河村 → 交通局\n3月18日收到，4月2日前登记",
    )
    assert second[1:] == (
        "楼道有煤气味\n编号 L3 · 事项 M-L9",
        "人工定的先后；人身安全：信中说到现实的危险。",
        "紧急\n柳河村 → 交通局\n收到日期不详，3月18日前登记，已过 2 天",
    )


def test_a_sentence_about_a_single_person_is_not_quoted() -> None:
    evidence = (Evidence("risk", "［姓名］ ［手机］", 0.5), Evidence("risk", "桥面已经歪了。", 0.1), Evidence("risk", "桥墩被水冲走", 0.4))
    quoted = sections(brief(urgent=[ranked(evidence=evidence)]))[0].rows[0][1]
    assert quoted == "桥墩被水冲走\n“桥面已经歪了。”\n编号 L1"


def test_a_matter_says_how_many_wrote_since_when_and_how_likely_it_goes_on() -> None:
    told = brief(matters=[matter(), matter("M-L2", places=(), signals=(), risk=0.999), matter("M-L3", risk=0.02)])
    first, second, third = sections(told)[2].rows
    assert first[1:] == ("柳河村等 2 处\n农村农业", "群体、基本生计", "2025年12月10日\n3月19日", "12 封", "11 人", "约七成")
    assert (second[1], second[2], second[6], third[6]) == ("农村农业", "—", "九成以上", "不到一成")


def test_the_count_table_adds_up_and_the_most_letters_come_first() -> None:
    rows = sections(brief())[3].rows
    assert rows == [
        (WAGES, "40", "0", "+40", "0", "40", "0", "0"),
        (FARMING, "33", "45", "−12", "2", "0", "31", "0"),
        ("合计", "73", "45", "+28", "2", "40", "31", "0"),
    ]


def test_the_bars_are_as_long_as_the_numbers() -> None:
    page = html(brief(emerging=[trend("甲", ago(1), writers=12, expected=3.0), trend("乙", ago(1), writers=6, expected=1.5)]))
    lengths = [float(one) for one in re.findall(r'<rect class=(?:usual|now) [^>]*width="([\d.]+)"', page)]
    assert [length / lengths[1] for length in lengths] == pytest.approx([0.25, 1, 0.125, 0.5])
    assert 100 < lengths[1] < 180
    heights = [float(one) for one in re.findall(r'<rect class=(?:week|last) [^>]*height="([\d.]+)"', page)]
    assert [height / heights[2] for height in heights] == pytest.approx([17 / 73, 45 / 73, 1], abs=0.001)


def test_many_tendencies_are_shortened_and_the_rest_is_counted(tmp_path: Path) -> None:
    many = [trend(f"第{at:02}", ago(1)) for at in range(CARDS + LINES + 3)]
    for name, told in three_told(brief(emerging=many), tmp_path).items():
        assert f"近7天新冒头的问题（{len(many)} 个）" in told, name
        assert "另有 3 个没有列出" in told, name
        assert "第14号事" in told, name
        assert "第15号事" not in told, name


def test_a_quiet_week_says_so(tmp_path: Path) -> None:
    quiet = brief(
        emerging=[], earlier=[], urgent=[], overdue=[], overdue_total=0, matters=[], received={}, before={}, weeks=[0, 0], waiting={}
    )
    for told in three_told(quiet, tmp_path).values():
        for sentence in ("近7天没有新冒头的问题。", "没有待办的来信。", "没有过期的来信。", "没有两封以上来信的事项。", "前7天 0 封，持平"):
            assert sentence in told


def test_what_stands_in_a_letter_cannot_act_on_the_page(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>&<b>\x00\x1b\u202e"
    told = brief(
        emerging=[
            trend("甲", ago(1), title=evil, place=evil, words=(evil,), letters=((evil, evil),), like=evil, text=evil, matter_id=evil)
        ],
        urgent=[ranked(evil, title=evil, place=evil, unit=evil, evidence=(Evidence("risk", f"又{evil}", 0.2),))],
        matters=[matter(evil, title=evil, places=(evil,))],
    )
    page = html(told)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&lt;b&gt;") >= 10
    assert not re.search("[\x00\x1b\u202e]", page + text(replace(told, urgent=[])))
    assert "<script>alert(1)</script>&<b>" in words_in(write(told, tmp_path)[1])


def test_the_page_needs_no_other_host_and_no_script() -> None:
    page = html(brief())
    assert not re.search(r"https?:|//|src=|href=|url\(|@import|<script|<link|\son\w+=", page)
    assert "default-src 'none'" in page
    assert 'charset="utf-8"' in page
    assert "size:A4" in page


def test_a_title_that_reads_like_a_level_is_not_shown_as_one() -> None:
    levels = html(brief(urgent=[ranked(title="紧急")], overdue=[])).split("二、最不能等的")[1]
    assert "<b>紧急</b>" in levels
    assert levels.count('class="level level3"') == 1


def test_the_word_file_is_a4_with_chinese_fonts_and_page_numbers(tmp_path: Path) -> None:
    document = Document(str(write(brief(), tmp_path)[1]))
    page = document.sections[0]
    assert [round(length.mm) for length in (page.page_width, page.page_height) if length] == [210, 297]
    assert "PAGE" in page.footer._element.xml
    for name in ("Normal", "Title", "Heading 1", "Heading 2"):
        fonts = document.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) in {"仿宋", "宋体", "黑体", "楷体"}
        assert fonts.get(qn("w:eastAsiaTheme")) is None
    shares = sections(brief())[0].shares
    for row in document.tables[2].rows:
        assert [cell.width.cm for cell in row.cells] == pytest.approx([17 * share / 100 for share in shares], abs=0.01)
    assert document.core_properties.title == "信访苗头专报 2026-03-20"


def test_the_command_writes_both_files_masked_and_prints_the_brief(
    store: Store, queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = saved(store, entry("A", TODAY, title="丰禾种子不出苗"), entry("B", ago(20), level=3, value=95, title="桥墩被水冲走"))
    store.matters.save_flags(run, [trend("甲", ago(2))])
    store.close()
    out = tmp_path / "new" / "folder"
    assert main(["--queue", queue, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    page, document = out / "专报-2026-03-20.html", out / "专报-2026-03-20.docx"
    assert printed.endswith(f"网页：{page}\n文档：{document}\n")
    assert sorted(out.iterdir()) == sorted([page, document])
    for told in (printed, page.read_text(encoding="utf-8"), words_in(document)):
        assert in_order(told, ["甲号事", "桥墩被水冲走［手机］", "丰禾种子不出苗［手机］"])[0] == "甲号事"
        assert SECRET not in told


def test_another_day_counts_what_came_up_to_it(store: Store, queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = saved(store, *(entry(f"L{back}", ago(back)) for back in (0, 1, 12, 13, 14)))
    store.matters.save_flags(run, [trend("甲", ago(1)), trend("乙", ago(12))])
    store.close()
    assert main(["--queue", queue, "--out", str(tmp_path), "--day", "2026-03-08"]) == 0
    printed = capsys.readouterr().out
    assert "信访苗头专报　2026年3月8日" in printed
    assert re.search(r"近7天来信 +3 封（前7天 0 封，多 3 封）", printed)
    assert "乙号事的全部说明" in printed
    assert "甲号事" not in printed
    assert (tmp_path / "专报-2026-03-08.docx").is_file()


@pytest.mark.parametrize("day", ["20日", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused(day: str, queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--queue", queue, "--day", day])
    assert stopped.value.code == 2
    assert f"expected a day like 2026-03-20, found '{day}'" in capsys.readouterr().err


def test_an_empty_queue_is_said_kindly_and_nothing_is_written(queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--queue", queue, "--out", str(tmp_path / "out"), "--day", "2026-03-20"]) == 0
    assert capsys.readouterr().out == "队列是空的，还没有来信可写进专报：先用 predict.py 打分入队。\n"
    assert not (tmp_path / "out").exists()


def test_letters_without_a_date_make_a_brief_all_the_same(
    store: Store, queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(store, entry("A", None))
    store.close()
    assert main(["--queue", queue, "--out", str(tmp_path / "out")]) == 0
    assert "一般诉求 1" in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_folder_that_cannot_be_written(store: Store, queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(store, entry("A", TODAY))
    store.close()
    (tmp_path / "file").touch()
    assert main(["--queue", queue, "--out", str(tmp_path / "file")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"brief: output \S+file: cannot be written \(.+\); check the folder's rights.*\n", printed.err)


def test_a_failed_writing_leaves_the_old_files_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in write(brief(), tmp_path)}

    def full(brief: Brief, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.brief_docx.docx", full)
    from pipeline.errors import OutputError

    with pytest.raises(OutputError, match="No space left on device"):
        write(brief(waiting={0: 1}), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_queue_that_is_busy_ends_with_its_sentence(store: Store, queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--queue", queue]) == 2
    assert "another run is working on it" in capsys.readouterr().err
