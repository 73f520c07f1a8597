"""Search: over masked letters only, kept in the register, quick for common words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.desk.conftest import SECRET, Clients, Desk

if TYPE_CHECKING:
    from django.test import Client


def listed(client: Client, question: str, **query: str) -> list[str]:
    answer = client.get("/", {"q": question, **query})
    assert answer.status_code == 200
    return sorted(re.findall(r'data-row="([^"]+)"', answer.content.decode()))


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("林蛙", ["M-F1"]),
        ("玉米 种子", ["M-S1"]),
        ("种子 赔偿", ["M-S1"]),
        ("种子 林蛙", []),
        ("赔偿 发芽", []),  # of one matter, but not in one letter
        ("农民工工资", ["M-W1"]),
        ("Ｍ－Ｆ１", []),
        ("M-F1", ["M-F1"]),
        ("F2", ["M-F1"]),
        ("没有这样的词", []),
    ],
)
def test_every_word_must_stand_in_one_letter_or_it_is_an_id(clients: Clients, question: str, found: list[str]) -> None:
    assert listed(clients("clerk"), question) == found


@pytest.mark.parametrize("question", ["张三", SECRET, "联系人张三，电话" + SECRET])
def test_a_person_is_not_found_and_the_page_says_so(clients: Clients, question: str) -> None:
    page = clients("clerk").get("/", {"q": question}).content.decode()
    assert "不能按人查信" in page
    assert "张三" not in page
    assert SECRET not in page


def test_a_name_beside_words_is_masked_and_the_words_are_looked_up(clients: Clients) -> None:
    page = clients("clerk").get("/", {"q": "张三 拖欠工资"}).content.decode()
    assert 'value="［姓名］ 拖欠工资"' in page
    assert 'data-row="M-W1"' in page


def test_nothing_but_a_mask_finds_nothing(clients: Clients) -> None:
    assert listed(clients("clerk"), "张三") == []
    assert listed(clients("clerk"), "［姓名］") == []


def test_a_search_is_kept_once_with_masked_words(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Access

    client = clients("clerk")
    for page in ("1", "1", "2"):
        client.get("/", {"q": "张三 种子", "page": page})
    client.get("/", {"q": "张三 种子", "level": "2"})
    kept = Access.objects.get()
    assert (kept.kind, kept.detail) == ("search", {"words": "［姓名］ 种子", "found": 1})
    client.get("/", {"q": "林蛙"})
    client.get("/")
    client.get("/", {"q": "林蛙"})
    assert [one.detail["words"] for one in Access.objects.order_by("pk")[1:]] == ["林蛙", "林蛙"]


def test_filters_and_scope_hold_for_a_search(filled: Desk, clients: Clients) -> None:
    assert listed(clients("clerk"), "种子", issue="城乡建设") == []
    assert listed(clients("handler"), "种子") == []
    assert listed(clients("handler"), "M-S1") == []
    assert "共 1 件" in clients("clerk").get("/", {"q": "种子"}).content.decode()


@pytest.mark.parametrize(
    "question",
    ['"', "'", "\\", "种子' | '林蛙", 'x" OR "种子', "NEAR(种子)", "*", "%", ":", "-", "\0种子\0林蛙", "种子\n林蛙", "＂", "a" * 5_000],
)
def test_signs_of_a_query_language_mean_nothing(clients: Clients, question: str) -> None:
    assert listed(clients("clerk"), question) == []


def test_of_a_common_word_only_the_newest_letters_are_looked_at_and_the_page_says_so(
    filled: Desk, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.desk.services import search

    filled.add("F3", "林蛙养殖贷款\n想问林蛙养殖贷款怎么办理。")
    client = clients("clerk")
    assert listed(client, "林蛙") == ["M-F1", "M-F3"]
    assert "太常见" not in client.get("/", {"q": "林蛙"}).content.decode()
    monkeypatch.setattr(search, "MOST_LETTERS", 1)
    client.get("/", {"q": "种子"})
    assert listed(client, "林蛙") == ["M-F3"]
    page = client.get("/", {"q": "林蛙", "page": "2"}).content.decode()
    assert "太常见，只看了最近收入的 1 封来信" in page
