"""The head of the queue on a terminal: what staff and IT look at until the desk has its pages.

python -m pipeline.show [--queue URL] [--count N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipeline.desk.services.store import Store
from pipeline.errors import ZhiweiError
from pipeline.report import listed
from pipeline.settings import load_settings


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.show", description="Show the letters that cannot wait, first ones first.")
    parser.add_argument("--queue", metavar="URL", help="default: the setting (sqlite:///var/zhiwei.db)")
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many letters (default: 20)")
    arguments = parser.parse_args(argv)
    try:
        settings = load_settings()
        with Store.open(arguments.queue or settings.queue, wait=settings.lock_wait) as store:
            top = store.top(arguments.count)
    except ZhiweiError as exc:
        print(f"show: {exc}", file=sys.stderr)
        return 2
    print("\n".join([f"队列中最前面的 {len(top)} 件", *listed(top)]) if top else "队列是空的：先用 predict.py 打分入队。")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
