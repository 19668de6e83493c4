"""One page that says what a dataset is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.intervals import wilson
from selfgrasp.common.split import LEFT_OUT, SPLITS
from selfgrasp.dataset.reader import OBJECT_LABEL, Dataset

NO_GRASPS = ("push", "release")
"""Kinds of actions after which nothing is held, however well they went."""


def card(path: str | Path) -> str:
    """A Markdown page about the dataset in `path`: counts, success, policies, objects, cell,
    versions, labels, split and licence.

    Raises:
        InputError: no dataset, or one that cannot be opened.
    """
    with Dataset.open(path) as dataset:
        lines = [
            f"# {Path(path).resolve().name}",
            "",
            *_facts(dataset),
            "",
            *_success(dataset),
            "",
            *_sessions(dataset),
            "",
            *_labels(dataset),
            "",
            *_vectors(dataset),
            *_candidates(dataset),
        ]
    return "\n".join(lines)


def _facts(dataset: Dataset) -> list[str]:
    spec, parts = dataset.spec, Counter(dataset.parts().tolist())
    cameras = ", ".join(
        f"{name} {c.width} x {c.height} px {'RGB-D' if c.has_depth else 'RGB'}"
        for name, c in spec.cameras.items()
    )
    scenes = len(
        set(zip(dataset.column("session").tolist(), dataset.column("scene").tolist(), strict=True))
    )
    counts = ", ".join(
        f"{name} {parts[name]}" for name in (*SPLITS, LEFT_OUT) if parts[name] or name in SPLITS
    )
    faults = _counts(name for name in dataset.column("fault").tolist() if name)
    return [
        "| | |",
        "|---|---|",
        f"| attempts | {len(dataset)} on {scenes} scenes, "
        f"{len(set(dataset.column('state_group').tolist()))} state groups |",
        f"| steps | {int(dataset.column('length').sum())} |",
        f"| actions | {_counts(dataset.column('kind').tolist())} |",
        f"| faults | {faults or 'none'} |",
        f"| cell | {spec.name} ({spec.fingerprint}); {cameras} |",
        "| cell options, noise among them | "
        f"{', '.join(f'{key}: {value}' for key, value in spec.options.items()) or 'none'} |",
        f"| split | by {dataset.split.by.value}, hash {dataset.split.hash}: {counts} |",
        f"| schema version | {dataset.version} |",
        "| licence | "
        f"{dataset.license or 'not stated: ask the owner before passing the data on'} |",
    ]


def _success(dataset: Dataset) -> list[str]:
    kinds = dataset.column("kind")
    tried = ~np.isin(kinds, list(NO_GRASPS))
    grasped, rounds, policies = (
        dataset.column(name)[tried] for name in ("grasped", "round", "policy")
    )
    if not len(grasped):
        return ["No grasps were tried."]
    rows = [_rate("all", grasped)]
    rows += [_rate(f"round {r}", grasped[rounds == r]) for r in np.unique(rounds)]
    rows += [_rate(f"policy {p}", grasped[policies == p]) for p in sorted(set(policies.tolist()))]
    return [
        "## Grasp success, as the robot sensed it",
        "",
        f"Attempts that ended with {' or '.join(NO_GRASPS)} are no grasps: "
        f"{len(kinds) - len(grasped)} of {len(kinds)}. 95 % Wilson intervals over attempts; "
        "attempts of one state group depend on each other, so with several a group they are too "
        "narrow.",
        "",
        "| grasps | held | of | rate | 95 % |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _rate(name: str, grasped: NDArray[np.bool_]) -> str:
    successes, n = int(grasped.sum()), len(grasped)
    rate, interval = wilson(successes, n).cells()
    return f"| {name} | {successes} | {n} | {rate:.3f} | {interval} |"


def _sessions(dataset: Dataset) -> list[str]:
    counts = Counter(dataset.column("session").tolist())
    lines = [
        "## Sessions",
        "",
        "| session | attempts | policy | objects | seed | versions | options |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, s in dataset.sessions.items():
        versions = ", ".join(f"{name} {version}" for name, version in s.versions.items())
        options = ", ".join(f"{name}: {value}" for name, value in s.options.items()) or "none"
        lines.append(
            f"| {key} | {counts[key]} | {s.policy} | {s.objects} | {s.seed} | {versions} | "
            f"{options} |"
        )
    return lines


def _labels(dataset: Dataset) -> list[str]:
    lines = ["## Labels", "", "| label | number | by | privileged |", "|---|---|---|---|"]
    for name in dataset.label_names:
        labels = dataset.labels(name)
        privileged = "yes: the simulator's truth" if name.startswith("truth.") else "no"
        lines.append(
            f"| {name} | {len(labels)} | {', '.join(sorted({label.by for label in labels}))} | "
            f"{privileged} |"
        )
    if OBJECT_LABEL in dataset.label_names:
        lines += [
            "",
            f"Grasped objects ({OBJECT_LABEL}): "
            f"{_counts(str(value) for value in dataset.label(OBJECT_LABEL).values())}",
        ]
    return lines


def _vectors(dataset: Dataset) -> list[str]:
    if not dataset.vector_names:
        return []
    lines = [
        "## Vectors",
        "",
        "| vectors | number | numbers each | by | index |",
        "|---|---|---|---|---|",
    ]
    for name in dataset.vector_names:
        table = dataset.vectors(name)
        lines.append(
            f"| {name} | {len(table)} | {table.dimension} | {', '.join(table.authors)} | "
            f"{', '.join(table.indexed) or 'none'} |"
        )
    return [*lines, ""]


def _candidates(dataset: Dataset) -> list[str]:
    if not dataset.has_candidates:
        return []
    table = dataset.candidates()
    height, width = table.size
    return [
        "## Candidates: grasps that were never executed",
        "",
        f"{len(table)} in {table.pictures} depth pictures of {width} x {height} px, of "
        f"{len(set(table.objects.tolist()))} objects.",
        "",
        "| label | known of | mean |",
        "|---|---|---|",
        *(_mean(name, table.label(name)) for name in table.label_names),
        "",
    ]


def _mean(name: str, values: NDArray[np.float32]) -> str:
    known = values[np.isfinite(values)]
    return f"| {name} | {len(known)} | {known.mean() if len(known) else float('nan'):.4g} |"


def _counts(names: Iterable[str]) -> str:
    return ", ".join(f"{name or 'none'} {count}" for name, count in sorted(Counter(names).items()))
