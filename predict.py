"""Score letters and fill the queue: the nightly command."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

DONE, UNUSABLE, DONE_WITH_REJECTS, INTERRUPTED = 0, 2, 3, 130


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="predict.py",
        description="Score letters by issue, early signs and risk, and put them into the queue.",
        epilog="Exit status: 0 done; 2 bad usage or unreadable input; 3 done, but rows were rejected. Running it again changes nothing.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="file, folder or database table (sqlite:///letters.db?table=letters)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="scored letters, by its ending: .csv .xlsx .parquet .jsonl")
    parser.add_argument(
        "--queue", metavar="URL", help="sqlite:///path.db, postgresql://… or none; default: the setting (sqlite:///var/zhiwei.db)"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder; default: the one that models/CURRENT names")
    parser.add_argument("--engine", choices=["local"], default="local", help="where to run: this machine")
    parser.add_argument(
        "--rejects", type=Path, metavar="FILE", help="refused rows with reasons; default: OUT.rejects.csv, or var/rejects-RUN.csv"
    )
    parser.add_argument(
        "--map", type=_field_and_column, action="append", default=[], metavar="FIELD=COLUMN", help="e.g. body=诉求内容; repeatable"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="cores to use; default: the setting (0: all)")
    return parser


def _field_and_column(given: str) -> tuple[str, str]:
    field, sign, column = given.partition("=")
    if not (field and sign and column):
        raise argparse.ArgumentTypeError(f"expected FIELD=COLUMN, found {given!r}")
    return field, column


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a sign that an old terminal's encoding lacks must not end a finished run
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from pipeline import nightly
    from pipeline.errors import ZhiweiError
    from pipeline.report import summary
    from pipeline.settings import load_settings

    try:
        given = {} if arguments.threads is None else {"threads": arguments.threads}
        report = nightly.run(
            arguments.inputs,
            out=arguments.out,
            queue=arguments.queue,
            model=arguments.model,
            engine=arguments.engine,
            rejects=arguments.rejects,
            column_map=dict(arguments.map),
            settings=load_settings(**given),
        )
    except ZhiweiError as exc:
        print(f"predict.py: {exc}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("已中断。处理完的信已经保存，下次运行会接着做完其余的。", file=sys.stderr)
        return INTERRUPTED
    print(summary(report))
    return DONE_WITH_REJECTS if report.counts.rejected else DONE


if __name__ == "__main__":
    raise SystemExit(main())
