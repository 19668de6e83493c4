"""The last step: tables, charts and rows into one report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfgrasp.common.intervals import bootstrap, paired, ratio
from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.papers.reproduction import Report
from selfgrasp.papers.semantic import evaluate
from selfgrasp.papers.semantic.classifiers import (
    classifier_figures,
    classifiers,
    label_threshold,
    probe_figures,
)
from selfgrasp.papers.semantic.not_found import found_table
from selfgrasp.papers.semantic.rows import BOX, DORSAL, SINGLE, Row
from selfgrasp.papers.semantic.sizes import RIGHT, Work
from selfgrasp.protocols import category
from selfgrasp.protocols.category import CATEGORY

NOTES = (
    "A simulated arm and generated objects stand for the robots and their things: the paper's "
    "figures are landmarks.",
    "Raters are simulated: they are told what is held by the simulator, and err as stated. Who "
    "fills a bin with one category labels what is "
    "lifted from it, where something is, as the simulator knows (the gripper's own sense is "
    "wrong in one attempt of 250).",
    "The row with S2 has learned from presented pictures of the test objects.",
    "Which row is shipped, and which three are trained on more seeds, was decided on bins of "
    "validation instances.",
    "The bounding-box row reads the calibration of its camera. The others estimate the camera's "
    "pose with a network, which learned from the calibrations of the robots that collected.",
)

_SETS = {**{label: (label,) for label in evaluate.SETS}, "all": tuple(evaluate.SETS)}
"""Sets of objects whose bins are taken together, those of one number as one."""
_MEASURES = {
    category.OBJECTS_PER_ATTEMPT: "objects / attempts",
    category.CLASS_PER_ATTEMPT: "class / attempts",
    category.CLASS_PER_OBJECT: "class among lifted",
    category.FIRST_COMMAND: "first command",
}


def report(work: Work) -> Report:
    """What is told at the end."""
    sizes = work.sizes
    further = (
        [paired_table(work, "The same with further seeds", evaluate.two_streams(work), seeds)]
        if (seeds := work.seeds[1:])
        else []
    )
    return Report(
        cell="kuka_bin",
        rows=[
            row
            for label in evaluate.SETS
            for row in evaluate.measured(work, label, evaluate.FIRST)["rows"]
        ],
        labelled=f"whose categories raters (simulated) saw in {max(sizes.rated):.0%} of those "
        "from bins "
        "of everything",
        attempts=sizes.single_category + sizes.mixed + sizes.auxiliary + sizes.present_images,
        notes=NOTES,
        tables=[
            *(category_table(work, label) for label in evaluate.SETS),
            paired_table(
                work,
                "Two streams against one, and against the bounding box",
                work.two_streams,
                [work.seed],
            ),
            seeds_table(work),
            *further,
            shipped_table(work),
            rule_table(work),
            labels_table(work),
            probe_table(work),
            found_table(work),
            *(confusion_table(work, label) for label in evaluate.SETS),
        ],
        charts=[labels_chart(work)],
    )


def category_table(work: Work, label: str) -> Table:
    """Table 2 of the paper, of one set of objects: all rows."""
    rows: list[list[Cell]] = []
    for row in work.rows:
        measures = category.metrics(evaluate.episodes(work, label, work.policy(row)))
        paper = row.paper[:2] if label == "seen" else row.paper[2:]
        rows.append(
            [
                row.title,
                *(measures[metric].text() for metric in _MEASURES),
                f"{paper[0]:.3f} / {paper[1]:.3f}",
            ]
        )
    attempts = sum(len(e.attempts) for e in evaluate.episodes(work, label, work.policy(DORSAL)))
    return Table(
        title=f"What is fetched when a category is asked for, {label}",
        note=f"{attempts} attempts a row; intervals over bins. The paper's: objects and class "
        "/ attempts.",
        columns=["row", *_MEASURES.values(), "paper"],
        rows=rows,
    )


def paired_table(work: Work, title: str, compared: Sequence[Row], seeds: Sequence[int]) -> Table:
    """Rows with two streams against the single stream and the bounding box, on the same bins; means
    over trainings."""
    rows: list[list[Cell]] = []
    for row in compared:
        for name, labels in _SETS.items():
            shares, *others = (
                evaluate.fetched(work, labels, one, seeds) for one in (row, SINGLE, BOX)
            )
            rows.append(
                [row.title, name, *(paired(shares, other).text("+.3f") for other in others)]
            )
    note = (
        f"class/attempts, training seeds {', '.join(map(str, seeds))}, paired by bin. How much "
        "trainings differ is in no interval."
    )
    return Table(
        title=title,
        note=note,
        columns=["row", "bins", f"over {SINGLE.title}", f"over {BOX.title}"],
        rows=rows,
    )


def seeds_table(work: Work) -> Table:
    """The repeated rows' trainings, and a row's further ones together."""
    rows: list[list[Cell]] = []
    for row in evaluate.repeated(work):
        for seeds in filter(
            None, dict.fromkeys([*((seed,) for seed in work.seeds), tuple(work.seeds[1:])])
        ):
            shares = (evaluate.fetched(work, labels, row, seeds) for labels in _SETS.values())
            rows.append(
                [
                    row.title,
                    " and ".join(map(str, seeds)),
                    *(bootstrap(share).text() for share in shares),
                ]
            )
    note = (
        "class/attempts of the best three rows of those that learn nothing of the test objects, "
        "and of what they are compared with; intervals over bins. "
    )
    note += (
        "The best were chosen on bins of validation instances. The separated rows share one "
        "dorsal stream, that of the first seed."
    )
    return Table(
        title="Several training seeds",
        note=note,
        columns=["row", "seed", *_SETS],
        rows=rows,
    )


def shipped_table(work: Work) -> Table:
    """The file, which tries nothing where it does not find what is asked for."""
    rows = []
    for label in evaluate.SETS:
        measures = category.metrics(
            evaluate.episodes(work, label, evaluate.shipped(work), evaluate.FURTHER)
        )
        rows.append([label, *(measures[metric].text() for metric in _MEASURES)])
    note = (
        f"{evaluate.best_rows(work)[0].title!r} in half precision. Where it finds nothing it tries "
        "nothing, which counts as an attempt; the rows always try."
    )
    return Table(
        title="What is shipped",
        note=note,
        columns=["objects", *_MEASURES.values()],
        rows=rows,
    )


def rule_table(work: Work) -> Table:
    """What the published way to decide makes of the best row with two streams."""
    best, rows = evaluate.two_streams(work)[0], []
    for label in evaluate.SETS:
        both = (
            evaluate.episodes(work, label, work.policy(best)),
            evaluate.episodes(work, label, evaluate.published(work), evaluate.FURTHER),
        )
        here, published = ([CATEGORY.per_scene(episode) for episode in one] for one in both)
        rows.append(
            [
                label,
                bootstrap(here).text(),
                bootstrap(published).text(),
                paired(here, published).text("+.3f"),
            ]
        )
    note = (
        f"class/attempts of {best.title!r}, paired by bin. As published: to the best p(c) of the "
        "bin, then to p(g) min(p(c) + 0.5, 1) near the hand."
    )
    columns = ["objects", "p(g) p(c)", "as published", "difference"]
    return Table(title="How it is decided", note=note, columns=columns, rows=rows)


def labels_table(work: Work) -> Table:
    """How often the classifiers are right, and how many of their labels are propagated."""
    rows: list[list[Cell]] = []
    for title, found in classifier_figures(work).items():
        for label in evaluate.SETS:
            counts = np.reshape(found[label], (-1, 4))
            propagated = counts[:, 3].sum() / max(1, counts[:, 1].sum())
            rows.append(
                [
                    title,
                    label,
                    ratio(counts[:, :2]).text(),
                    ratio(counts[:, 2:]).text(),
                    propagated,
                    int(counts[:, 1].sum()),
                ]
            )
    threshold, enough = label_threshold(work)
    of = f"{RIGHT:.0%} of the rated pictures that the classifier did not learn from are right"
    note = (
        f"Presented pictures that nobody rated; intervals over bins. {work.raters.author}, the "
        "majority counts. An answer becomes a label from a chance of "
    )
    note += f"{threshold:.0%} on: "
    note += (
        f"the least from which {of}, by the lower end of the interval. "
        if enough
        else f"from no chance on is it sure that {of}. "
    )
    note += (
        "The last one propagates labels. The paper's classifier of such pictures: 0.95 on training "
        "objects, 0.35 on unseen ones."
    )
    columns = [
        "rated",
        "objects",
        "right",
        "right where propagated",
        "share propagated",
        "pictures",
    ]
    return Table(title="Propagated labels", note=note, columns=columns, rows=rows)


def labels_chart(work: Work) -> Chart:
    """As `labels_table`, by the number of rated attempts."""
    found, series = classifier_figures(work), []
    for label in evaluate.SETS:
        points = []
        for share, title in zip(work.sizes.rated, classifiers(work), strict=False):
            estimate = ratio(np.reshape(found[title][label], (-1, 4))[:, :2])
            points.append(Point.of(round(share * work.sizes.mixed), estimate))
        series.append(Line(name=label, points=points))
    return Chart(
        title="Propagated labels",
        x="rated attempts",
        y="right",
        percent=True,
        series=series,
    )


def probe_table(work: Work) -> Table:
    """What colour and size alone give away, beside the classifier."""
    rows: list[list[Cell]] = []
    for label, counts in probe_figures(work).items():
        probed, of, named = np.reshape(counts, (-1, 3)).T
        rows.append(
            [
                label,
                *(ratio(np.stack([right, of], axis=1)).text() for right in (probed, named)),
                int(of.sum()),
            ]
        )
    note = (
        "A network told of the mean and deviation of the colour of what vanished from the bin, "
        "and of its bounding box; it learned from the simulator's "
    )
    note += (
        "labels to tell 16 categories of single things apart. The label classifier "
        "sees the same things held up, and may also say that "
    )
    note += (
        "nothing, several or something else is held. Scenes that the probe did not learn from, "
        "pictures that nobody rated."
    )
    columns = ["objects", "probe right", "classifier right", "things"]
    return Table(title="Colour and size alone", note=note, columns=columns, rows=rows)


def confusion_table(work: Work, label: str) -> Table:
    """What the best row lifted when each category was asked for; the benches' own reports have all
    rows'."""
    row = evaluate.best_rows(work)[0]
    return category.confusion_table(
        f"{row.title}, {label}", evaluate.episodes(work, label, work.policy(row))
    )
