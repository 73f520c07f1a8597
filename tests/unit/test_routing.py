"""Which unit a letter goes to, and why. All letters and local names are invented."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.matters.places import Gazetteer, Place, main_place
from pipeline.scoring.labels import load_labels
from pipeline.triage.routing import BY_ISSUE, BY_PLACE, ROUTING_FILE, UNITS_FILE, Route, load_routing, main, route

LABELS = load_labels()
GAZETTEER = Gazetteer.load()
ROUTING = load_routing()


def sent(issue: str, text: str, hint: str = "", signals: Collection[str] = ()) -> Route:
    return route(issue, signals, main_place(text, hint, GAZETTEER), text, ROUTING)


@pytest.mark.parametrize(
    ("issue", "text", "hint", "unit"),
    [
        ("劳动和社会保障", "工地欠我三个月工资", "", "人社局"),
        ("劳动和社会保障", "慢病卡一直批不下来", "", "医保局"),
        ("教育文体", "学校食堂的饭是凉的", "柳河镇", "教育局"),
        ("农村农业", "村务三年没有公开", "大青川乡黑瞎子沟村", "大青川乡政府"),
        ("农村农业", "村务三年没有公开", "", "农业农村局"),
        ("农村农业", "种子不出苗", "柳河镇前甸子村", "农业农村局"),
        ("城乡建设", "邻居垒墙占了排水沟", "白桦镇三合村", "白桦镇政府"),
        ("城乡建设", "物业不修门", "锦绣家园", "住建局"),
        ("城乡建设", "老粮库小区评估少算了面积", "", "住建局"),
        ("其他", "想问一件事", "锦绣家园", "东山街道办事处"),
        ("其他", "想问一件事", "", "信访局"),
        ("其他", "想问一件事", "A市A3区", "信访局"),
        ("其他", "想问一件事", "三合村", "信访局"),
    ],
)
def test_a_letter_goes_to_the_unit_of_its_issue_or_place(issue: str, text: str, hint: str, unit: str) -> None:
    assert sent(issue, text, hint).unit == unit


def test_the_route_says_by_which_rule_and_why() -> None:
    found = sent("民政", "想办低保", "柳河镇")
    row = ROUTING_FILE.read_text(encoding="utf-8").splitlines()[found.rule - 1]
    assert found == Route("民政局", BY_ISSUE, found.rule, "社会救助归民政局")
    assert row.startswith("民政,,,低保;")
    assert row.endswith(found.why)
    assert sent("其他", "想问一件事", "柳河镇").basis == BY_PLACE


def test_danger_goes_before_the_issue() -> None:
    text = "楼道里煤气味很重"
    assert sent("商贸旅游", text, "锦绣家园", ["safety"]).unit == "住建局"
    assert sent("商贸旅游", text, "锦绣家园").unit == "市场监管局"


def test_a_letter_about_a_township_does_not_go_back_to_it() -> None:
    text = "镇里把村务的账压着不给看"
    assert sent("农村农业", text, "柳河镇", ["misconduct"]).unit == "纪委监委"
    assert sent("农村农业", text, "柳河镇").unit == "柳河镇政府"


@given(
    st.sampled_from(LABELS.issues), st.sets(st.sampled_from(LABELS.signals)), st.sampled_from([None, *GAZETTEER.own]), st.text(max_size=40)
)
@settings(deadline=None)
def test_every_letter_has_a_unit_of_the_list(issue: str, signals: set[str], place: Place | None, text: str) -> None:
    found = route(issue, signals, place, text, ROUTING)
    units = [line.split(",")[0] for line in UNITS_FILE.read_text(encoding="utf-8").splitlines()[1:]]
    assert found.unit in units
    assert found.why


def test_every_township_of_the_office_has_its_government() -> None:
    assert set(ROUTING.townships) == {place.path for place in GAZETTEER.own if place.kind == "township"}


HEAD = "类别,迹象,地点,词语,责任单位,属,说明\n"
LAST = ",,,,信访局,属事,其余\n"


def table(folder: Path, rules: str) -> Path:
    path = folder / "routing.csv"
    path.write_text(rules, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("类别,迹象\n", r"row 1: expected the columns 类别, 迹象, 地点, 词语, 责任单位, 属, 说明, found 类别, 迹象; correct the header\.$"),
        (HEAD + "养老,,,,民政局,属事,归民政\n" + LAST, r"row 2: expected nothing or one of 城乡建设、.*、其他 as 类别, found 养老; correct it\.$"),
        (HEAD + ",着急,,,民政局,属事,归民政\n" + LAST, r"row 2: expected nothing or one of 群体、.*、时限紧迫 as 迹象, found 着急; correct it\.$"),
        (HEAD + ",,枫树镇,,民政局,属事,归民政\n" + LAST, r"row 2: expected nothing or a place of the places file as 地点, found 枫树镇; correct it or add the place\.$"),
        (HEAD + ",,,；;,民政局,属事,归民政\n" + LAST, r"row 2: expected nothing or words joined by ; as 词语, found ；;; correct it\.$"),
        (HEAD + "民政,,,,民政处,属事,归民政\n" + LAST, r"row 2: expected a unit of the units file or 属地乡镇 as 责任单位, found 民政处; correct it or add the unit\.$"),
        (HEAD + "民政,,,,,属事,归民政\n" + LAST, r"row 2: expected a unit of the units file or 属地乡镇 as 责任单位, found nothing; correct it or add the unit\.$"),
        (HEAD + "民政,,,,民政局,属人,归民政\n" + LAST, r"row 2: expected 属地 or 属事 as 属, found 属人; correct it\.$"),
        (HEAD + "民政,,,,属地乡镇,属事,归乡镇\n" + LAST, r"row 2: expected 属地 as 属, found 属事; correct it\.$"),
        (HEAD + "民政,,,,民政局,属事,\n" + LAST, r"row 2: expected a reason that staff can read as 说明, found nothing; write one line\.$"),
        (HEAD + "民政,,,,民政局,属事,归民政\n", r"row 2: expected a last rule that fits every letter \(.*, a unit other than 属地乡镇\), found none; add it\.$"),
        (HEAD + ",,,,属地乡镇,属地,归乡镇\n", r"row 2: expected a last rule that fits every letter .*, found none; add it\.$"),
        (HEAD, r"row 1: expected a last rule that fits every letter .*, found none; add it\.$"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused(tmp_path: Path, rules: str, said: str) -> None:
    path = table(tmp_path, rules)
    with pytest.raises(SettingsError, match=said) as raised:
        load_routing(path)
    assert str(raised.value).startswith(f"routing file {path}, row ")


@pytest.mark.parametrize(
    ("wider", "narrower"),
    [
        (",,,,信访局,属事,全部", "民政,,,,民政局,属事,归民政"),
        ("民政,,,,民政局,属事,归民政", "民政,,,低保,民政局,属事,归民政"),
        ("民政,,,,民政局,属事,归民政", "民政,safety,柳河镇,低保,民政局,属事,归民政"),
        (",人身安全,,,公安局,属事,归公安", "民政,safety,,,民政局,属事,归民政"),
        (",,柳河镇,,柳河镇政府,属地,归镇", ",,前甸子村,,民政局,属事,归民政"),
        (",,云杉县,,信访局,属地,归县", ",,三合村,,民政局,属事,归民政"),
        (",,,工资,人社局,属事,归人社", ",,,拖欠工资;工资卡,民政局,属事,归民政"),
        ("民政,,,,属地乡镇,属地,归乡镇", "民政,,,低保,属地乡镇,属地,归乡镇"),
    ],
)
def test_a_rule_that_can_never_fit_is_refused(tmp_path: Path, wider: str, narrower: str) -> None:
    path = table(tmp_path, f"{HEAD}{wider}\n{narrower}\n{LAST}")
    with pytest.raises(SettingsError, match=r"row 3: expected a rule that can fit, found one that the wider rule in row 2 always precedes; move it up or remove it\.$"):  # fmt: skip
        load_routing(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("民政,,,低保,民政局,属事,归民政", "民政,,,,民政局,属事,归民政"),
        ("民政,safety,,,民政局,属事,归民政", "民政,deadline,,,民政局,属事,归民政"),
        (",,柳河镇,,柳河镇政府,属地,归镇", ",,三合村,,民政局,属事,归民政"),
        (",,柳河镇,,柳河镇政府,属地,归镇", "民政,,,,民政局,属事,归民政"),
        (",,,拖欠工资,人社局,属事,归人社", ",,,工资,民政局,属事,归民政"),
        ("民政,,,,属地乡镇,属地,归乡镇", "民政,,,,民政局,属事,归民政"),
    ],
)
def test_rules_that_each_can_fit_are_taken(tmp_path: Path, first: str, second: str) -> None:
    assert [rule.row for rule in load_routing(table(tmp_path, f"{HEAD}{first}\n{second}\n{LAST}")).rules] == [2, 3, 4]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ("单位,类别\n信访局,党委机构\n信访局,党委机构\n", r"row 3: expected each unit once, found 信访局 as in row 2; remove one of the two\.$"),
        ("单位,类别\n信访局,大机构\n", r"row 2: expected one of 党委机构、.*、乡镇街道 as 类别, found '大机构'; correct it\.$"),
        ("单位,类别\n,党委机构\n", r"row 2: expected the name of a unit, found 'nothing'; write it out\.$"),
        ("单位,类别\n属地乡镇,乡镇街道\n", r"row 2: expected the name of a unit, found '属地乡镇'; write it out\.$"),
        ("单位,类别\n枫树镇政府,乡镇街道\n", r"row 2: expected a unit that begins with a township of the places file \(柳河镇、.*\), found 枫树镇政府; correct it or add the township\.$"),
        ("单位\n信访局\n", r"row 1: expected the columns 单位, 类别, found 单位; correct the header\.$"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_units_is_refused(tmp_path: Path, units: str, said: str) -> None:
    path = tmp_path / "units.csv"
    path.write_text(units, encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as raised:
        load_routing(ROUTING_FILE, path)
    assert str(raised.value).startswith(f"units file {path}, row ")


def test_a_township_without_a_unit_keeps_its_letters_by_issue(tmp_path: Path) -> None:
    units = tmp_path / "units.csv"
    units.write_text(UNITS_FILE.read_text(encoding="utf-8").replace("柳河镇政府,乡镇街道\n", ""), encoding="utf-8")
    place = main_place("村务不公开", "柳河镇", GAZETTEER)
    assert route("农村农业", (), place, "村务不公开", load_routing(ROUTING_FILE, units)).unit == "农业农村局"


def test_check_prints_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(ROUTING.rules)
    assert (
        printed[0]
        == "第 2 行  迹象 人身安全，词语 轻生、自杀、跳楼、塔吊、喝药、不想活 → 公安局（属事）：人命关天，先由公安到场，其他单位随后"
    )
    assert printed[-1].endswith("任何来信 → 信访局（属事）：其余由信访局分拣")


def test_try_shows_which_rule_fires_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "煤气味很重", "--issue", "城乡建设", "--place", "锦绣家园", "--signal", "人身安全"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "地点：吉林省/白山市/云杉县/东山街道/锦绣家园",
        "责任单位：住建局（属事）",
        "依据：第 4 行  迹象 人身安全，词语 煤气、燃气、液化气 → 住建局（属事）：燃气安全由住建局主管",
    ]
    assert main(["try", "想问一件事"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["地点：未看出", "责任单位：信访局（属事）"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--issue", "养老"], "--issue 养老: expected one of 城乡建设、"),
        (["--signal", "着急"], "--signal 着急: expected one of collective、"),
    ],
)
def test_try_refuses_what_is_no_label(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "想问一件事", *arguments]) == 2
    assert capsys.readouterr().err.startswith(said)


def test_check_says_what_is_wrong_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--routing", str(table(tmp_path, HEAD)), "check"]) == 2
    assert "expected a last rule that fits every letter" in capsys.readouterr().err


def test_routing_loads_no_heavy_package() -> None:
    code = "import sys, pipeline.triage.routing; print([name for name in ('django', 'onnxruntime', 'pandas', 'requests') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROUTING_FILE.parents[1])
    assert done.stdout.strip() == "[]"
