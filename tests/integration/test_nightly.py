"""The nightly run end to end, with a tiny model and a real queue: done once, done again, done in other shapes."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest

import predict
from pipeline import nightly
from pipeline.desk.services.store import Store
from pipeline.errors import SettingsError, ZhiweiError
from pipeline.output import COLUMNS
from pipeline.report import RunReport, summary
from pipeline.settings import Settings

WriteLetters = Callable[..., Path]
TABLES = ("desk_letter", "desk_original", "desk_score", "desk_queueitem", "desk_event")
SMALL = Settings(chunk=8, threads=1)


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the queue but the ledger of runs."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        found = {table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall() for table in TABLES}
    connection.close()
    return found


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def run(inputs: Path | list[Path], queue: str, model: Path, **options: object) -> RunReport:
    given = inputs if isinstance(inputs, list) else [inputs]
    return nightly.run(given, queue=queue, model=model, settings=SMALL, progress=False, **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_letters_come_out_scored_in_input_order_and_stand_in_the_queue(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    report = run(letters_csv(30), queue, model_folder, out=Path("out.csv"))
    rows = read_csv(Path("out.csv"))
    assert (report.counts.read, report.counts.new, report.counts.rejected, report.rejects) == (30, 30, 0, None)
    assert [row["letter_id"] for row in rows] == [f"L{n:04}" for n in range(30)]
    assert tuple(rows[0]) == COLUMNS
    assert rows[1]["received_at"] == "2026-03-02T01:01:00+08:00"
    assert rows[1]["place"] == "柳河村"
    assert {name: len(table) for name, table in dump(queue).items()} == dict.fromkeys(TABLES, 30)
    in_order = sorted(rows, key=lambda row: -float(row["priority"]))
    assert [row.priority.value for row in report.top] == [float(row["priority"]) for row in in_order[:10]]


def test_a_second_run_changes_nothing(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    letters = letters_csv(30)
    run(letters, queue, model_folder, out=Path("out.csv"))
    before, first = dump(queue), Path("out.csv").read_bytes()
    report = run(letters, queue, model_folder, out=Path("out.csv"))
    assert (report.counts.new, report.counts.known) == (0, 30)
    assert dump(queue) == before
    assert Path("out.csv").read_bytes() == first


def test_without_a_queue_the_output_is_the_same(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    letters = letters_csv(30)
    with_queue = run(letters, queue, model_folder, out=Path("a.csv"))
    without = run(letters, "none", model_folder, out=Path("b.csv"))
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert [row.letter_id for row in with_queue.top] == [row.letter_id for row in without.top]
    assert with_queue.table == without.table


def test_a_letter_scores_the_same_in_any_company(letters_csv: WriteLetters, model_folder: Path) -> None:
    letters = letters_csv(30)
    nightly.run([letters], queue="none", model=model_folder, settings=Settings(chunk=256), out=Path("a.csv"), progress=False)
    run(letters, "none", model_folder, out=Path("b.csv"))
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_the_same_letter_twice_is_kept_once_and_another_under_its_id_is_refused(
    letters_csv: WriteLetters, queue: str, model_folder: Path
) -> None:
    body = "我们村的路坏了。"
    more = [
        ["X1", "修路", body, "2026-03-01", ""],
        ["X1", "修路", body + "\n", "2026-03-01", ""],
        ["X1", "修桥", "桥塌了。", "2026-03-02", ""],
    ]
    letters = letters_csv(20, more=more)
    report = run(letters, queue, model_folder, out=Path("out.csv"))
    assert (report.counts.read, report.counts.new, report.counts.duplicates, report.counts.rejected) == (23, 21, 1, 1)
    (reject,) = read_csv(Path("out.csv.rejects.csv"))
    assert reject["reason"].startswith("编号 X1 在本次输入里已有一封内容不同的信")
    assert "桥塌了" in reject["raw"]
    assert (Path(reject["source"]).name, reject["row"]) == ("letters.csv", "24")
    assert sum(row["letter_id"] == "X1" for row in read_csv(Path("out.csv"))) == 1


def test_another_letter_under_a_queued_id_is_refused_by_a_later_run(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    run(letters_csv(10), queue, model_folder)
    before = dump(queue)
    later = letters_csv(0, more=[["L0003", "另一封", "内容不同的一封信。", "2026-04-01", ""]], name="later.csv")
    report = run(later, queue, model_folder, rejects=Path("refused.csv"))
    assert (report.counts.rejected, report.rejects) == (1, Path("refused.csv"))
    assert "编号 L0003 在队列里已有一封内容不同的信" in read_csv(Path("refused.csv"))[0]["reason"]
    assert dump(queue) == before


def test_a_newer_model_rescores_and_a_persons_priority_stays(
    letters_csv: WriteLetters, queue: str, model_folder: Path, other_model_folder: Path
) -> None:
    letters = letters_csv(12)
    run(letters, queue, model_folder)
    with sqlite3.connect(queue.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE desk_queueitem SET human_priority = 100 WHERE letter_id = 'L0007'")
    connection.close()
    report = run(letters, queue, other_model_folder, out=Path("out.csv"))
    assert (report.counts.rescored, report.counts.new) == (12, 0)
    assert report.top[0].letter_id == "L0007"
    assert " 1. 100.0（人工）" in summary(report)
    assert {row["model_version"] for row in read_csv(Path("out.csv"))} == {report.model_version}
    with sqlite3.connect(queue.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT human_priority FROM desk_queueitem WHERE letter_id = 'L0007'").fetchone() == (100,)
        assert connection.execute("SELECT count(*), count(DISTINCT letter_id) FROM desk_score").fetchone() == (24, 12)
    connection.close()


def test_a_letter_without_a_time_gets_its_clock_from_the_run_and_keeps_it(
    letters_csv: WriteLetters, queue: str, model_folder: Path
) -> None:
    letters = letters_csv(0, more=[["X1", "修路", "我们村的路坏了。", "", ""]])
    report = run(letters, queue, model_folder, out=Path("out.csv"))
    assert report.top[0].received_at is None
    assert read_csv(Path("out.csv"))[0]["received_at"] == ""
    assert run(letters, queue, model_folder).top[0].due_on == report.top[0].due_on


def test_a_personal_detail_in_the_place_column_is_masked(letters_csv: WriteLetters, model_folder: Path) -> None:
    letters = letters_csv(
        0,
        more=[["X1", "修路", "我们村的路坏了。", "2026-03-01", "柳河村 13812345678"], ["X2", "修路", "路坏了。", "", "老地方 13812345678"]],
    )
    run(letters, "none", model_folder, out=Path("out.csv"))
    assert [row["place"] for row in read_csv(Path("out.csv"))] == ["柳河村", "老地方 ［手机］"]


def test_every_format_holds_the_same(letters_csv: WriteLetters, model_folder: Path) -> None:
    letters = letters_csv(30)
    for ending in ("csv", "jsonl", "xlsx", "parquet"):
        run(letters, "none", model_folder, out=Path(f"out.{ending}"))
    objects = [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]
    sheet = openpyxl.load_workbook("out.xlsx").active
    assert sheet is not None
    header, *cells = sheet.iter_rows(values_only=True)
    table = pyarrow.parquet.read_table("out.parquet")
    assert tuple(objects[0]) == header == tuple(table.column_names) == COLUMNS
    assert table.to_pylist() == objects
    assert [[cell or "" for cell in row] for row in cells] == [[value or "" for value in row.values()] for row in objects]
    assert [[row["letter_id"], float(row["risk"])] for row in read_csv(Path("out.csv"))] == [
        [row["letter_id"], row["risk"]] for row in objects
    ]
    assert Path("out.csv").read_bytes().startswith(b"\xef\xbb\xbfletter_id,received_at,issue,")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx", "parquet"])
def test_no_letters_give_an_empty_file(letters_csv: WriteLetters, model_folder: Path, ending: str) -> None:
    report = run(letters_csv(0), "none", model_folder, out=Path(f"out.{ending}"))
    assert report.counts.read == 0
    assert Path(f"out.{ending}").is_file()


def test_formulas_are_made_harmless(letters_csv: WriteLetters, model_folder: Path) -> None:
    more = [["=1+1", "标题", "正文很短。", "2026-03-01", "@SUM(A1)"], ["X2", "", "", "", "=cmd|x"]]
    letters = letters_csv(1, more=more)
    run(letters, "none", model_folder, out=Path("out.csv"))
    run(letters, "none", model_folder, out=Path("out.xlsx"))
    assert read_csv(Path("out.csv"))[1]["letter_id"] == "'=1+1"
    assert read_csv(Path("out.csv"))[1]["place"] == "'@SUM(A1)"
    sheet = openpyxl.load_workbook("out.xlsx").active
    assert sheet is not None
    assert sheet["A3"].data_type == "s"


def test_an_earlier_rejects_file_goes_when_nothing_is_refused(letters_csv: WriteLetters, model_folder: Path) -> None:
    run(letters_csv(5, more=[["X1", "", "", "2026-03-01", ""]]), "none", model_folder, out=Path("out.csv"))
    assert len(read_csv(Path("out.csv.rejects.csv"))) == 1
    run(letters_csv(5), "none", model_folder, out=Path("out.csv"))
    assert sorted(os.listdir()) == ["letters.csv", "out.csv"]


def test_rejects_without_an_output_go_to_var_by_run(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    report = run(letters_csv(5, more=[["X1", "", "", "2026-03-01", ""]]), queue, model_folder)
    assert report.rejects == Path("var/rejects-1.csv")
    assert read_csv(report.rejects)[0]["row"] == "7"


def test_counts_add_up_and_are_in_the_ledger(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    letters = letters_csv(20, more=[["L0001", "另一封", "内容不同。", "", ""], ["X1", "", "", "", ""]])
    counts = run(letters, queue, model_folder).counts
    assert counts.read == counts.new + counts.rescored + counts.known + counts.duplicates + counts.rejected == 22
    with sqlite3.connect(queue.removeprefix("sqlite:///")) as connection:
        status, kept = connection.execute("SELECT status, counts FROM desk_run").fetchone()
    connection.close()
    assert (status, json.loads(kept)["rejected"]) == ("done", 2)


def test_a_failing_run_leaves_the_old_output_and_no_draft(
    letters_csv: WriteLetters, queue: str, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.scoring.scorer import Scorer

    Path("out.csv").write_text("old", encoding="utf-8")
    calls = iter([None, None])
    score = Scorer.score

    def fails_at_the_third_chunk(self: Scorer, letters: object) -> object:
        if next(calls, "end") == "end":
            raise KeyboardInterrupt
        return score(self, letters)  # type: ignore[arg-type]

    letters = letters_csv(30)
    monkeypatch.setattr(Scorer, "score", fails_at_the_third_chunk)
    with pytest.raises(KeyboardInterrupt):
        run(letters, queue, model_folder, out=Path("out.csv"))
    assert Path("out.csv").read_text(encoding="utf-8") == "old"
    assert not list(Path().glob(".*.part"))
    monkeypatch.undo()
    os.chdir(letters.parent)
    report = run(letters, queue, model_folder, out=Path("out.csv"))
    assert (report.counts.known, report.counts.new) == (16, 14)
    assert len(read_csv(Path("out.csv"))) == 30


def test_an_output_that_cannot_be_written_ends_the_run_before_the_queue_is_touched(
    letters_csv: WriteLetters, queue: str, model_folder: Path
) -> None:
    Path("queue.db").unlink()
    Path("file").touch()
    for ending in ("csv", "jsonl", "xlsx", "parquet"):
        with pytest.raises(ZhiweiError, match="cannot be written"):
            run(letters_csv(3), queue, model_folder, out=Path(f"file/out.{ending}"))
    assert not Path("queue.db").exists()


def test_an_output_folder_that_cannot_be_written(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    Path("locked").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(ZhiweiError, match="cannot be written"):
        run(letters_csv(3), queue, model_folder, out=Path("locked/out.csv"))


def test_no_output_over_an_input(letters_csv: WriteLetters, model_folder: Path) -> None:
    letters = letters_csv(3)
    before = letters.read_bytes()
    for options in ({"out": letters}, {"rejects": letters}, {"out": Path("a.csv"), "rejects": Path("a.csv")}):
        with pytest.raises(ZhiweiError, match="also an input or the other output"):
            run(letters, "none", model_folder, **options)
    assert letters.read_bytes() == before


def test_a_password_in_an_input_url_reaches_neither_ledger_nor_rejects(
    queue: str, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.intake import sources
    from pipeline.intake.letter import Letter

    letters = [Letter(letter_id="X1", title="修路", body=body) for body in ("路坏了。", "桥塌了。")]
    monkeypatch.setattr(sources, "read", lambda inputs, column_map: iter(letters))
    nightly.run(["postgresql://clerk:hunter2@db/letters?table=t"], queue=queue, model=model_folder, rejects=Path("r.csv"), progress=False)
    assert "hunter2" not in Path("r.csv").read_text(encoding="utf-8-sig")
    with sqlite3.connect(queue.removeprefix("sqlite:///")) as connection:
        assert "hunter2" not in str(connection.execute("SELECT inputs FROM desk_run").fetchall())
    connection.close()


def test_only_this_machine(letters_csv: WriteLetters, model_folder: Path) -> None:
    with pytest.raises(SettingsError, match="this version runs on one machine only"):
        run(letters_csv(3), "none", model_folder, engine="ray")


class TestCommand:
    """predict.py: exit status and words."""

    def test_done(self, letters_csv: WriteLetters, queue: str, model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        status = predict.main([str(letters_csv(30)), "--queue", queue, "--model", str(model_folder), "--out", "out.csv", "--threads", "1"])
        said = capsys.readouterr()
        assert status == 0
        assert said.out.startswith("读到 30 条：新信 30，重新评分 0，已在库 0，重复 0，退回 0\n")
        assert "最不能等的 10 件（全部待办中）" in said.out
        assert "结果：out.csv" in said.out
        assert "1380000" not in said.out + said.err

    def test_done_with_rejects(self, letters_csv: WriteLetters, model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        letters = letters_csv(3, more=[["X1", "", "", "2026-03-01", ""]])
        assert predict.main([str(letters), "--queue", "none", "--model", str(model_folder), "--out", "out.csv"]) == 3
        assert "退回：out.csv.rejects.csv（1 条，每条写明了原因）" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["missing.csv"], "missing.csv"),
            (["letters.csv", "--out", "out.pdf"], "expected a name that ends in .csv, .xlsx, .parquet, .jsonl"),
            (["letters.csv", "--queue", "mysql://h/d"], "unknown kind 'mysql'"),
            (["letters.csv", "--model", "nowhere"], "nowhere"),
            (["letters.csv", "--map", "mood=心情"], "mood"),
            (["letters.csv", "--threads", "-1"], "threads"),
        ],
    )
    def test_unusable(
        self, letters_csv: WriteLetters, model_folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
    ) -> None:
        letters_csv(3)
        defaults = {"--queue": "none", "--model": str(model_folder)}
        given = [part for name, value in defaults.items() if name not in options for part in (name, value)]
        assert predict.main(options + given) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) <= 2

    @pytest.mark.parametrize("options", [[], ["a.csv", "--map", "body"], ["a.csv", "--engine", "ray"]])
    def test_bad_usage(self, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            predict.main(options)
        assert "usage: predict.py" in capsys.readouterr().err

    def test_a_mapped_column(self, model_folder: Path) -> None:
        Path("odd.csv").write_text("编号,心里话\nA1,我们村的路坏了。\n", encoding="utf-8")
        options = [
            "odd.csv",
            "--queue",
            "none",
            "--model",
            str(model_folder),
            "--map",
            "body=心里话",
            "--map",
            "letter_id=编号",
            "--out",
            "out.csv",
        ]
        assert predict.main(options) == 0
        assert read_csv(Path("out.csv"))[0]["letter_id"] == "A1"


def test_what_cannot_wait_heads_the_queue_on_the_desk(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    """A night's letters are at once rows that a clerk sees, in the run's own order, and can be searched for."""
    report = run(letters_csv(12), queue, model_folder)
    with Store.open(queue):
        from django.http import QueryDict

        from pipeline.desk.models import User
        from pipeline.desk.services.filters import choices, parse
        from pipeline.desk.services.queue import page

        clerk = User.objects.create(username="wang", name="王敏", role="clerk")

        def seen(query: str) -> list[str]:
            filters, problems = parse(QueryDict(query), choices(clerk))
            assert problems == []
            return [row.matter.pk for row in page(clerk, filters, 1).rows]

        assert seen("")[0] == report.top[0].matter_id
        assert len(seen("")) == report.matters
        assert set(seen("q=种子")) < set(seen(""))


@pytest.mark.parametrize("queued", [True, False])
def test_the_head_of_the_queue_quotes_the_sentences_that_carried_it(tmp_path: Path, queue: str, model_folder: Path, queued: bool) -> None:
    body = "我们村三十多户的玉米种子都不出苗。店家说是天旱。找了好几次没有人管。再不解决我们就去省里反映！请问什么时候答复？"
    (tmp_path / "one.jsonl").write_text(json.dumps({"letter_id": "a", "title": "种子", "body": body}, ensure_ascii=False), encoding="utf-8")
    report = run(tmp_path / "one.jsonl", queue if queued else "none", model_folder)
    quoted = report.top[0].evidence
    assert quoted
    assert all(one.sentence in body or one.sentence == "种子" for one in quoted)
    assert all(0 < one.fall <= 1 for one in quoted)
    assert "原话：“" in summary(report)


def test_no_time_no_quotes_and_the_next_run_makes_up_for_it(letters_csv: WriteLetters, queue: str, model_folder: Path) -> None:
    hurried = SMALL.model_copy(update={"explain_seconds": 0})
    first = nightly.run([letters_csv(12)], queue=queue, model=model_folder, settings=hurried, progress=False)
    assert not any(row.evidence for row in first.top)
    again = run(letters_csv(12), queue, model_folder)
    assert again.counts.new == 0
    assert [bool(row.evidence) for row in again.top] == [
        row.score.risk >= 0.5 or bool((row.score.signals >= 0.5).any()) for row in again.top
    ]
