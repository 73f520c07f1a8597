"""What must not reach the model at all: who writes, how politely, in which signs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from pipeline.scoring.normalise import normalise

MATTER = "村里欠我们四十户工资三年了，多次反映没人管，再不解决就去省里"
PLAIN = normalise(f"求助\n{MATTER}")


@pytest.mark.parametrize(
    "opening",
    [
        "我是一名65岁的回族退休教师。", "我是一名30岁的汉族女司机，四川人。", "本人王某，男，45岁，信佛教。", "本人，女，维吾尔族，穆斯林，外地人。",
        "作为一名普通老百姓，", "我是个体户，河南人，今年52岁了。", "尊敬的李书记：您好！", "各位领导好，打扰了！", "［姓名］，",
    ],
)  # fmt: skip
def test_an_opening_about_the_writer_or_to_the_reader_leaves_no_trace(opening: str) -> None:
    assert normalise(f"求助\n{opening}{MATTER}") == PLAIN


@pytest.mark.parametrize(
    "closing", ["恳请领导尽快处理！", "谢谢！", "此致敬礼", "望予以解决为盼。", "祝您工作顺利，身体健康！", "［姓名2］"]
)
def test_a_closing_formula_leaves_no_trace(closing: str) -> None:
    assert normalise(f"求助\n{MATTER}。{closing}") == PLAIN


def test_title_and_body_may_change_places() -> None:
    assert normalise(f"{MATTER}\n求助") == PLAIN


def test_signs_and_blanks_do_not_matter() -> None:
    half = MATTER.replace("，", ",")
    spaced = " ".join(MATTER)
    assert normalise(f"求助\n{half}") == normalise(f"求 助\n{spaced}") == normalise(f"求助\n{MATTER}！！！") == PLAIN
    assert normalise("求助\n2 0 2 0年３月欠费") == normalise("求助\n2020年3月欠费")


def test_traditional_characters_read_like_simplified_ones() -> None:
    assert normalise(OpenCC("s2t").convert(f"求助\n{MATTER}")) == PLAIN


def test_relations_lose_their_sex() -> None:
    assert normalise("求助\n我女儿在学校被打，她住院了") == normalise("求助\n我儿子在学校被打，他住院了")


@pytest.mark.parametrize(
    "kept",
    [
        "我是退役军人，安置金没有发",
        "我们小区的电梯坏了",
        "小学门口的路没有灯",
        "残疾人补贴没有到账",
        "我们工人的工资没有发",
        "问题得到及时解决",
        "反映王书记的问题",
        "作为老师",
        "子女工作没有着落",
        "街道教育局不管",
        "我是一名小学生家长",
    ],
)
def test_what_describes_the_matter_stays(kept: str) -> None:
    words = normalise(f"求助\n{kept}")
    assert kept.rsplit("，", maxsplit=1)[-1] in words
    assert "退役军人" in words or "退役军人" not in kept


def test_a_letter_of_formulas_alone_is_not_emptied() -> None:
    assert normalise("您好\n尊敬的领导，谢谢！").strip()


def test_numbered_masks_read_the_same() -> None:
    assert normalise("投诉\n打［手机2］没人接") == normalise("投诉\n打［手机］没人接")


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_becomes_two_parts_the_shorter_first(text: str) -> None:
    first, _, second = normalise(text).partition("\n")
    assert len(first) <= len(second)
    assert "\n" not in second


@pytest.mark.parametrize("word", ["老人", "我是", "的", "一名", "男女", "领导们", "小老"])
def test_no_text_makes_it_slow(word: str) -> None:
    begun = time.process_time()
    normalise("题\n" + "，".join([word * 15 + "x"] * 400) + word * 3000)
    assert time.process_time() - begun < 0.5
