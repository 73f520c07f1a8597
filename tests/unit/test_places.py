"""Which places a letter names, and which one it is about. All letters and local names are invented."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.matters.gazetteer.place import KINDS
from pipeline.matters.places import PLACES_FILE, Gazetteer, Place, crosses, main_place

GAZETTEER = Gazetteer.load()
COUNTY = ("吉林省", "白山市", "云杉县")


def names(text: str) -> list[str]:
    return [place.name for place in GAZETTEER.find(text)]


def place(text: str) -> Place:
    """The last place of a text."""
    return GAZETTEER.find(text)[-1]


def known_miss(text: str, expected: list[str], why: str) -> object:
    return pytest.param(text, expected, marks=pytest.mark.xfail(reason=why, strict=True))


SENTENCES = [
    ("我们村去年修的路又坏了", []),
    ("该小区物业乱收费", []),
    ("附近学校太吵，没法睡觉", []),
    ("在阳光小区门口有人乱摆摊", ["阳光小区"]),
    ("我家住翠湖花园3栋", ["翠湖花园"]),
    ("A市A3区银杏街道长期停水", ["A市", "A3区", "银杏街道"]),
    ("投诉A7县绿洲名城开发商", ["A7县", "绿洲名城"]),
    ("向县人社局反映过两次", ["县人社局"]),
    ("柳河镇前甸子、后甸子两个村都没有水", ["柳河镇", "前甸子村", "后甸子村"]),
    ("白桦镇三合村修路占了地", ["白桦镇", "三合村"]),
    ("举报红星村支书", ["红星村"]),
    ("孩子在县二中念书", ["县二中"]),
    ("他把柳河镇中心小学的操场租出去了", ["柳河镇", "柳河镇中心小学"]),
    ("我是湖南人，在阳光水岸买了房", ["阳光水岸"]),
    ("老家在四川省南充市，现在大青川乡种地", ["大青川乡"]),
    ("乡镇干部下乡到各村走一走", []),
    ("城中村改造什么时候开始", []),
    ("全村人都等着用水", []),
    ("请住建局和自然资源局一起来看", ["住建局", "自然资源局"]),
    ("这是一个骗局，当局要管", []),
    ("长沙市岳麓区的房子和这里比", ["长沙市", "岳麓区"]),
    ("货从长春发到沈阳就没了消息", ["长春市", "沈阳市"]),
    ("朝阳的一面墙皮掉了", []),
    ("大家和平相处，不要吵", []),
    ("东方红广场的灯不亮", []),
    ("吉林省朝阳区那家公司", ["吉林省", "朝阳区"]),
    ("五一路和北京路交叉口红绿灯坏了", []),
    ("榆树沟镇的河水发黑", ["榆树沟镇"]),
    ("家属院旁边的清泉社区不给开证明", ["清泉社区"]),
    ("城市主干道旁的街道太脏", []),
    ("小区业主和物业公司打起来了", []),
    ("恒信物业服务有限公司拖欠保洁员工资", ["恒信物业服务有限公司"]),
    ("孩子上大学的学费还差三千", []),
    ("建议在和谐家园与丽景公寓之间开一个口", ["和谐家园", "丽景公寓"]),
    ("人民医院不给退押金", ["人民医院"]),
    ("第二人民医院的救护车来晚了", ["第二人民医院"]),
    ("石门子乡新立村四组没有路灯", ["石门子乡", "新立村"]),
    ("农业银行的卡被锁了", ["农业银行"]),
    ("银行的人说要排队", []),
    ("A市K3县青云镇高桥村", ["A市", "K3县", "青云镇", "高桥村"]),
    ("从西地省G5县青松镇中学退学", ["西地省", "G5县", "青松镇", "青松镇中学"]),
    ("我们小区叫东湖国际社区，停电三天了", ["东湖国际社区"]),
    ("关于请求给望月湖小区加装电梯的信", ["望月湖小区"]),
    ("前几天到云杉县公安局报案", ["云杉县", "云杉县公安局"]),
    ("站前派出所没有回音", ["站前街道", "站前派出所"]),
    ("离学校只有二百米的网吧", []),
    ("村村通公路没有修到我们屯", []),
    ("某村的低保名单有问题", []),
    ("他是外乡来的", []),
    ("老乡们都去镇政府了", []),
    ("农村合作医疗怎么报销", []),
    ("柳河村和杨柳村为一口井吵了十年", ["柳河村", "杨柳村"]),
    ("通往双桥村的桥塌了", ["双桥村"]),
    ("育才幼儿园收费太高", ["育才幼儿园"]),
    ("孩子在民办幼儿园磕破了头", []),
    ("法院判了，可是没有执行", []),
    ("县法院和县检察院都去过了", ["县法院", "县检察院"]),
    ("海南过冬的楼上邻居漏水", []),
    ("锦绣家园小区电梯坏了", ["锦绣家园"]),
    ("二道沟村来了几个人，是白桦镇的", ["二道沟村", "白桦镇"]),
    ("我在A1区买了一套房，开发商是宏远置业公司", ["A1区", "宏远置业公司"]),
    ("请尽快给保利花园通煤气", ["保利花园"]),
    ("居住在幸福里小区的老人", ["幸福里小区"]),
    ("金桥乡政府大院", ["金桥乡"]),
    ("去长春上访也没有结果", []),
    ("请教育局管管枫林中学门口的摊贩", ["教育局", "枫林中学"]),
    ("我在云杉县城租房，孩子在站前小学念书", ["云杉县", "站前街道", "站前小学"]),
    ("本人系A8县石鼓镇大湾村村民", ["A8县", "石鼓镇", "大湾村"]),
    ("麻烦问一下天府丽都小区什么时候通暖气", ["天府丽都小区"]),
    ("街道办和社区互相推", []),
    ("楼下开了一家公司，天天半夜搬东西", []),
    known_miss("桃源人家花园二期没有消防通道", ["桃源人家花园"], "人家 is an ordinary word too"),
    ("从梅林村搬到镇上已经三年", ["梅林村"]),
    ("同村的人都拿到了补偿款，唯独我家没有", []),
    ("市场监管局说这事归城管局，城管局说归街道", ["市场监管局", "城管局"]),
    ("他自称是中国银行的客户经理", ["中国银行"]),
    ("东风社区和西街社区合并以后没人开证明", ["东风社区", "西街社区"]),
    ("那个村的村医不在岗", []),
    ("金色年华幼儿园突然关门", ["金色年华幼儿园"]),
    ("今年春天鼎盛建筑劳务有限公司还欠我两万", ["鼎盛建筑劳务有限公司"]),
    ("快把蓝天小区门口的垃圾清走吧", ["蓝天小区"]),
    ("B2区到A市的班车停了", ["B2区", "A市"]),
    ("人家山东济南早就这么办了", ["山东省", "济南市"]),
    ("我公公在大连住院，家里没人", []),
    ("三合村书记说钱在松江河口镇财政所", ["三合村", "松江河口镇"]),
    ("要求恢复石门子到县城的班车", ["石门子乡", "云杉县"]),
    ("浪费水的小区太多了", []),
    known_miss("经过碧水湾小区、南苑公寓、工人新村", ["碧水湾小区", "南苑公寓", "工人新村"], "工人 is an ordinary word too"),
    ("吉林市龙潭区法院不给立案", ["吉林市", "龙潭区", "龙潭区法院"]),
    ("听说太平镇的桥要修了", ["太平镇"]),
    ("离县医院不远的天桥掉皮", ["县医院"]),
    ("学区房划片到底归哪个小学", []),
    ("重庆火锅店的油烟往楼上飘", []),
    ("黑瞎子沟连着下了三天雨，路断了", ["黑瞎子沟村"]),
    ("镇里的派出所只有一个人值班", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_names_in_running_text(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("大青川乡黑瞎子沟村", (*COUNTY, "大青川乡", "黑瞎子沟村")),
        ("黑瞎子沟的蛙池", (*COUNTY, "大青川乡", "黑瞎子沟村")),
        ("A市A3区银杏街道", ("西地省", "A市", "A3区", "银杏街道")),
        ("A3区", ("西地省", "A市", "A3区")),
        ("J10县的路", ("西地省", "J市", "J10县")),
        ("B9市清水镇", ("西地省", "B市", "B9市", "清水镇")),
        ("A8县市石鼓镇", ("西地省", "A市", "A8县", "石鼓镇")),
        ("长沙的地铁", ("湖南省", "长沙市")),
        ("吉林的冬天", ("吉林省",)),
        ("吉林市的冬天", ("吉林省", "吉林市")),
        ("延边州珲春市", ("吉林省", "延边朝鲜族自治州", "珲春市")),
        ("长沙岳麓的房子", ("湖南省", "长沙市", "岳麓区")),
        ("北京市朝阳区", ("北京市", "朝阳区")),
        ("长春市朝阳区", ("吉林省", "长春市", "朝阳区")),
        ("柳河镇中心小学", (*COUNTY, "柳河镇", "柳河镇中心小学")),
        ("云杉县的枫叶小区", (*COUNTY, "枫叶小区")),
        ("枫叶小区", ("枫叶小区",)),
        ("A7县那边，枫叶小区", ("西地省", "A市", "A7县", "枫叶小区")),
        ("A7县和A3区之间，枫叶小区", ("枫叶小区",)),
    ],
)
def test_a_place_is_followed_upwards_as_far_as_it_is_known(text: str, path: tuple[str, ...]) -> None:
    assert place(text).path == path


def test_two_villages_of_one_name_are_told_apart_by_their_township() -> None:
    assert place("白桦镇三合村").path == (*COUNTY, "白桦镇", "三合村")
    assert place("我在松江河口镇办事，住三合村").path == (*COUNTY, "松江河口镇", "三合村")
    assert place("三合村修路").path == (*COUNTY, "三合村")
    both = [found.path[-2] for found in GAZETTEER.find("白桦镇三合村和松江河口镇三合村，三合村") if found.name == "三合村"]
    assert both == ["白桦镇", "松江河口镇", "云杉县"]


def test_of_two_districts_of_one_name_the_nearer_is_meant() -> None:
    assert place("朝阳区的公司").path == ("吉林省", "长春市", "朝阳区")
    assert place("北京的公司在别处，朝阳区的也一样").path == ("北京市", "朝阳区")


@pytest.mark.parametrize(
    "text",
    ["朝阳的一面", "和平相处", "南山上的树", "高新技术", "城区改造", "新城建设", "东方红", "镇里和县里", "沿海城市", "小区A3区", "北京路"],
)
def test_ordinary_words_are_no_places(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize("town", ["湖南", "四川省南充市", "北京市朝阳区", "新疆", "西藏自治区"])
@pytest.mark.parametrize("said", ["我是{}人", "老家在{}", "祖籍{}", "他说话带{}口音", "儿子在{}打工", "去{}反映过", "房主在{}"])
def test_nobodys_home_town_or_whereabouts_is_a_place_of_the_letter(town: str, said: str) -> None:
    assert names(said.format(town) + "，柳河镇的桥断了。") == ["柳河镇"]


def test_each_place_is_named_once() -> None:
    assert names("柳河镇的桥，柳河镇的路，锦绣家园，柳河镇") == ["柳河镇", "锦绣家园"]


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        ("桥断了\n柳河镇的桥断了", "大青川乡黑瞎子沟村", "黑瞎子沟村"),
        ("桥断了\n白桦镇的桥断了", "无", "白桦镇"),
        ("锦绣家园没有暖气\n柳河镇柳河镇柳河镇", "", "锦绣家园"),
        ("A市A3区路灯不亮\n我在A5区上班，A5区的路灯就亮", "", "A3区"),
        ("反映问题\n白桦镇、柳河镇都停水，柳河镇三天了", "", "柳河镇"),
        ("反映问题\n白桦镇、柳河镇都停水", "", "白桦镇"),
        ("反映问题\n柳河镇的前甸子村、后甸子村都没有水，柳河镇不管", "", "柳河镇"),
        ("反映问题\n柳河镇前甸子村没有水，前甸子村的人都着急，后甸子村就有", "", "前甸子村"),
        ("县医院不退押金\n家住老粮库小区", "", "老粮库小区"),
        ("县医院不退押金\n已经半年了", "", "县医院"),
        ("三合村没有水\n白桦镇不管", "", "三合村"),
    ],
)
def test_the_place_a_letter_is_about(text: str, hint: str, expected: str) -> None:
    found = main_place(text, hint, GAZETTEER)
    assert found is not None
    assert found.name == expected


def test_the_text_tells_which_of_two_places_the_hint_means() -> None:
    found = main_place("没有水\n白桦镇不管", "三合村", GAZETTEER)
    assert found == Place("三合村", "village", (*COUNTY, "白桦镇", "三合村"))


def test_a_letter_may_be_about_no_place() -> None:
    assert main_place("咨询\n请问医保卡丢了怎么办", "", GAZETTEER) is None


@pytest.mark.parametrize(
    ("text", "home", "marks"),
    [
        ("柳河镇和白桦镇争水", "云杉县", ()),
        ("云杉县白桦镇的货被扣在通化市", "云杉县", ("跨地区",)),
        ("吉林省、白山市和云杉县的文件", "云杉县", ()),
        ("通化市的厂子排污到我们河里", "云杉县", ("跨地区",)),
        ("通化市的厂子排污到我们河里", "", ()),
        ("A7县和A3区的交界处", "", ("跨地区",)),
        ("A市A3区", "", ()),
        ("A3区的路", "A7县", ("跨地区",)),
        ("A3区的路", "A市", ()),
        ("枫叶小区没有水", "云杉县", ()),
        ("我是湖南人，柳河镇没有水", "云杉县", ()),
        ("住建局说归林草局", "云杉县", ("跨部门",)),
        ("县国土局和自然资源局", "云杉县", ()),
        ("信访局转给住建局", "云杉县", ()),
        ("县医院和县二中", "云杉县", ()),
        ("站前派出所和县法院都去过，长沙市也去人了", "云杉县", ("跨地区", "跨部门")),
    ],
)
def test_what_a_letter_crosses(text: str, home: str, marks: tuple[str, ...]) -> None:
    assert crosses(GAZETTEER.find(text), home) == marks


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("柳河镇村A3区市县的在小区公司长沙吉林局人，\n"))), st.text(max_size=9))
@settings(deadline=None)
def test_no_text_is_too_wild(text: str, hint: str) -> None:
    found = GAZETTEER.find(text)
    assert len(set(found)) == len(found)
    for each in found:
        assert each.path[-1] == each.name
        assert each.kind in KINDS
    main = main_place(text, hint, GAZETTEER)
    assert main is None or main.path[-1] == main.name


@given(st.lists(st.sampled_from(GAZETTEER.own), min_size=1, max_size=4))
@settings(deadline=None)
def test_every_listed_place_is_found_between_ordinary_words(places: list[Place]) -> None:
    text = "，".join(f"我在{each.name}看到有人" for each in places)
    assert {each.name for each in GAZETTEER.find(text)} == {each.name for each in places}


HEAD = "名称,类型,上级,别名\n云杉县,县,吉林省白山市,\n"


def written(folder: Path, rows: str, encoding: str = "utf-8") -> Path:
    path = folder / "places.csv"
    path.write_text(rows, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_offices_list_may_come_out_of_excel(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, PLACES_FILE.read_text(encoding="utf-8").replace("\n", "\r\n"), encoding)
    assert Gazetteer.load(path).own == GAZETTEER.own


def test_a_new_township_is_found_with_its_other_name(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "枫树镇,镇,云杉县,枫树岭;老枫镇\n长岗屯,屯,九道村,\n九道村,村,枫树镇,\n")
    found = Gazetteer.load(path).find("枫树岭九道村长岗屯")
    assert [each.name for each in found] == ["枫树镇", "九道村", "长岗屯"]
    assert found[-1].path == (*COUNTY, "枫树镇", "九道村", "长岗屯")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("名称,类型,上级\n", r"row 1: expected the columns 名称, 类型, 上级, 别名, found 名称, 类型, 上级; correct the header\.$"),
        ("", r"row 1: expected the columns 名称, 类型, 上级, 别名, found nothing; correct the header\.$"),
        (HEAD + "枫树镇,镇\n", r"row 3: expected 4 cells, found 2; put a cell that holds a comma in quotes\.$"),
        (HEAD + "枫树镇,大镇,云杉县,\n", r"row 3: expected one of 市、县、.* as 类型, found '大镇'; correct it\.$"),
        (HEAD + "枫树镇,,云杉县,\n", r"row 3: expected one of 市、县、.* as 类型, found 'nothing'; correct it\.$"),
        (HEAD + "枫树镇,镇,云松县,\n", r"row 3: expected as 上级 a name of this list or .*, found 云松县; correct it or add a row for it\.$"),
        (HEAD + "枫树镇,镇,朝阳区,\n", r"row 3: expected one place as 上级, found 朝阳区, which can be 北京市朝阳区 and 吉林省长春市朝阳区; write its own parent before it\.$"),
        (HEAD + "枫树镇,镇,云杉县,\n枫树镇,乡,云杉县,\n", r"row 4: expected each name once under its parent, found 枫树镇 under 云杉县 as in row 3; remove one of the two\.$"),
        (HEAD + "东屯,屯,西屯,\n西屯,屯,东屯,\n", r"row 3: expected a parent that is not inside 东屯 itself, found a circle through rows 3, 4; correct one 上级\.$"),
        (HEAD + "东屯,屯,东屯,\n", r"row 3: expected a parent that is not inside 东屯 itself, found a circle through rows 3; correct one 上级\.$"),
        (HEAD + "枫树镇,镇,云杉县,\n枫树乡,乡,枫树镇,\n", r"row 4: expected a parent that is wider than 枫树乡 \(乡\), found 枫树镇; correct 类型 or 上级\.$"),
        (HEAD + "枫,镇,云杉县,\n", r"row 3: expected a name of at least two characters, found '枫'; write the full name\.$"),
        (HEAD + ",镇,云杉县,\n", r"row 3: expected a name of at least two characters, found 'nothing'; write the full name\.$"),
        (HEAD + "枫树镇,镇,云杉县,枫;枫树\n", r"row 3: expected other names of at least two characters in 别名, found '枫'; write it out or remove it\.$"),
        (HEAD + '枫树镇,镇,云杉县,"枫树"岭\n', r"expected a readable csv table, found: .*; restore it or save it again as csv\.$"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_places_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    path = written(tmp_path, rows)
    with pytest.raises(SettingsError, match=said) as raised:
        Gazetteer.load(path)
    assert str(raised.value).startswith(f"places file {path}")


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"places file .*none\.csv: expected a readable csv table, found: .*; restore it"):
        Gazetteer.load(tmp_path / "none.csv")


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_bytes(HEAD.encode() + b"\xff\xfe\xff,\xe9\x95\x87,,\n")
    with pytest.raises(
        SettingsError, match=r"row 3: expected text in UTF-8 or GB18030, found other bytes; save the file again as CSV UTF-8\.$"
    ):
        Gazetteer.load(path)


def test_rows_may_stand_in_any_order_and_name_their_parent_in_full(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "名称,类型,上级,别名\n下坎屯,屯,白桦镇三合村,\n三合村,村,白桦镇,\n三合村,村,枫树镇,\n白桦镇,镇,云杉县,\n枫树镇,镇,云杉县,\n云杉县,县,吉林省白山市,\n",
    )
    assert Gazetteer.load(path).own[0].path == (*COUNTY, "白桦镇", "三合村", "下坎屯")
