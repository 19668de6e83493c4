"""`selfgrasp bench`: measure any policy by a protocol, on the same scenes for all."""

from __future__ import annotations

from selfgrasp.evaluation.job import BenchJob as Args


def run(args: Args) -> int:
    """Measure, write the report, print the rows."""
    from selfgrasp.evaluation.measure import measure
    from selfgrasp.evaluation.measured import as_text, write_bench
    from selfgrasp.report.run_page import write_report

    measured = measure(args)
    args.out.mkdir(parents=True, exist_ok=True)
    write_bench(args.out, args, [measured])
    page = write_report([args.out])
    print(as_text(measured))
    print(f"report: {page}")
    return 0
