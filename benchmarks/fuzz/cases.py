"""One wrong input: a verb, its arguments, and the mutated files that these name."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz.mutate import NUMBERS, PATHS, Odd, mutate_tree

_PLANS = ("+rank", "+cem", "+dense", "+nope")
_SCALES = ("auto", "fit", "none", "published")
_FEW_CANDIDATES = (
    *("candidates", "--grasps", "12", "--per-pose", "6", "--pictures", "1", "--samples", "2"),
    *("--most", "3", "--workers", "1"),
)


@dataclass(frozen=True)
class Case:
    """What to run.

    Attributes:
        arguments: of the command.
        mutations: what was done to its files, in words.
    """

    arguments: tuple[str, ...]
    mutations: tuple[str, ...]


class _Draft:
    """Copies of real files, and the arguments that name them."""

    def __init__(self, templates: Path, folder: Path, random: Odd) -> None:
        self.templates, self.folder, self.random = templates, folder, random
        self.files: list[Path] = []
        self.ids: list[str] = json.loads((templates / "ids.json").read_text())

    def copy(self, name: str, *, mutable: bool = True) -> str:
        """A copy of a template, to be named by an argument."""
        source, target = self.templates / name, self.folder / "in" / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        if mutable:
            self.files.append(target)
        return str(target)

    @property
    def out(self) -> str:
        """What the verb may write."""
        return str(self.folder / "out")

    def attempt(self) -> str:
        """An attempt's id, or what is none."""
        return self.random.choice((*self.ids, "nope", "../../x", ""))


def _plan(draft: _Draft) -> list[str]:
    random = draft.random
    line = ["plan", "--color", draft.copy("color.png"), "--depth", draft.copy("depth.png")]
    line += [
        "--intrinsics",
        draft.copy(random.choice(("camera.json", "camera.json", "camera.yaml"))),
    ]
    if random.random() < 0.3:
        line += ["--pose", draft.copy(random.choice(("pose.json", "pose.npy")))]
    if random.random() < 0.5:
        run, variant = random.choice(
            (("run", ""), ("dexnet", ""), ("dexnet", random.choice(_PLANS)))
        )
        policy = draft.copy(run) + variant
    else:
        # Not registration, which takes minutes to make what it knows.
        policy = random.choice(("random", "heuristic", "igq", "dexnet"))
    return [*line, "--policy", policy, "--json", f"{draft.out}/plan.json"]


def _candidates(draft: _Draft) -> list[str]:
    random = draft.random
    line = [*_FEW_CANDIDATES, "--heaps", random.choice(("0", "0", "1"))]
    if random.random() < 0.5:
        line += ["--objects", draft.copy("meshes"), "--scale", random.choice(_SCALES)]
        return [*line, "--out", draft.out]
    return [*line, "--out", draft.copy(random.choice(("candidates", "data")))]


def _reading(verb: str, *more: str) -> Callable[[_Draft], list[str]]:
    def line(draft: _Draft) -> list[str]:
        data = draft.random.choice(("data", "data", "candidates"))
        return [verb, draft.copy(data), *(part.format(out=draft.out) for part in more)]

    return line


def _collect(draft: _Draft) -> list[str]:
    line = ["collect", "--attempts", "7", "--attempts-per-scene", "3", "--workers", "1"]
    line += ["--cell", "tabletop", "--options.picture-px", "64", "--options.count", "4"]
    if draft.random.random() < 0.3:
        return [*line, "--out", draft.out, "--objects", draft.copy("meshes")]
    return [*line, "--out", draft.copy("data")]


def _arm(draft: _Draft) -> list[str]:
    line = ["collect", "--attempts", "1", "--attempts-per-scene", "1", "--workers", "1"]
    line += ["--cell", "kuka_bin", "--options.picture-px", "64", "--options.count", "3"]
    file = draft.copy(draft.random.choice(("arm.xml", "arm.urdf")))
    return [*line, "--policy", "random_servo", "--options.arm", file, "--out", draft.out]


def _merge(draft: _Draft) -> list[str]:
    return ["merge", draft.copy("data"), draft.copy("more"), "--out", draft.out]


def _label(draft: _Draft) -> list[str]:
    mutable = draft.random.random() < 0.3
    line = ["label", draft.copy("data", mutable=mutable), "--csv", draft.copy("labels.csv")]
    return [*line, "--by", draft.random.choice(("Ada", "", "x" * 300, "a\nb"))]


def _replay(draft: _Draft) -> list[str]:
    return ["replay", draft.copy("data"), draft.attempt(), "--out", draft.out]


def _train(draft: _Draft) -> list[str]:
    line = ["train", "supersizing", "--steps", "3", "--threads", "1"]
    if draft.random.random() < 0.5:
        data = [draft.copy("data", mutable=False), draft.copy("more", mutable=False)]
        return [*line, "--data", *data, "--out", draft.copy("run")]
    return [*line, "--data", draft.copy("data"), "--out", draft.out]


def _train_dexnet(draft: _Draft) -> list[str]:
    line = ["train", draft.random.choice(("dexnet", "dexnet", "dexnet:physical", "dexnet:nope"))]
    data = draft.copy(draft.random.choice(("candidates", "candidates", "data")))
    out = draft.copy("dexnet") if draft.random.random() < 0.3 else draft.out
    return [*line, "--steps", "2", "--threads", "1", "--data", data, "--out", out]


def _shake(draft: _Draft) -> list[str]:
    line = ["bench", "shake", "--trials", "1", "--workers", "1", "--options.picture-px", "64"]
    policy = draft.copy("dexnet") if draft.random.random() < 0.5 else "igq"
    return [*line, "--policy", policy, "--out", draft.out]


def _bench(draft: _Draft) -> list[str]:
    line = ["bench", "isolated", "--trials", "1", "--workers", "1", "--options.picture-px", "64"]
    return [*line, "--policy", draft.copy("run"), "--out", draft.out]


def _report(draft: _Draft) -> list[str]:
    return ["report", draft.copy("bench"), "--out", f"{draft.out}/report.html"]


def _pictures(draft: _Draft) -> list[str]:
    return ["pictures", draft.copy("shown"), "--out", draft.out]


def _demo(draft: _Draft) -> list[str]:
    name = draft.random.choice(("semantic", "hand_eye", "supersizing", "nope"))
    return ["demo", name, "--out", draft.out, "--seed", draft.random.choice(("-1", "x", "1e9"))]


def _reproduce(draft: _Draft) -> list[str]:
    system = draft.random.choice(("supersizing", "semantic", "nope"))
    return ["reproduce", system, "--out", draft.out, "--preset", "nope"]


_VERBS: tuple[tuple[int, Callable[[_Draft], list[str]]], ...] = (
    (14, _plan),
    (10, _candidates),
    (10, _reading("check")),
    (5, _reading("card", "--out", "{out}/card.md")),
    (8, _reading("view", "--out", "{out}/view.html")),
    (5, _reading("export", "--out", "{out}")),
    (4, _reading("upgrade")),
    (5, _merge),
    (7, _label),
    (4, _replay),
    (9, _train),
    (5, _collect),
    (5, _arm),
    (6, _train_dexnet),
    (5, _bench),
    (5, _shake),
    (10, _report),
    (3, _pictures),
    (1, _demo),
    (1, _reproduce),
)
_OPTIONS = {
    "plan": ("--top", "--opening", "--depth-scale", "--table", "--seed", "--finger-length"),
    "view": ("--limit", "--camera"),
    "train": ("--seed", "--max-seconds", "--threads", "--attempts", "--epochs", "--device"),
    "collect": ("--seed", "--round", "--kick", "--angles-per-point", "--options.wall-height"),
    "bench": (
        "--seed",
        "--options.count",
        "--objects",
        "--options.kick",
        "--data",
        "--options.shake",
        "--options.noise",
    ),
    "candidates": (
        "--seed",
        "--heaps",
        "--most",
        "--friction",
        "--shapes",
        "--scale",
        "--per-pose",
        "--pictures",
    ),
    "pictures": ("--picture-px", "--seed", "--by"),
}


def make_case(templates: Path, folder: Path, random: Odd) -> Case:
    """Copy files into `folder`/in, mutate them, and say what is to be run on them."""
    weights, verbs = zip(*_VERBS, strict=True)
    draft = _Draft(templates, folder, random)
    arguments = random.choices(verbs, weights)[0](draft)
    mutations = []
    if random.random() < 0.3:
        mutations.append(_mutate_arguments(arguments, random))
    if draft.files and (not mutations or random.random() < 0.3):
        for _ in range(random.choice((1, 1, 1, 2))):
            target = random.choice(draft.files)
            # A second mutation may meet what the first has left.
            with contextlib.suppress(Exception):
                mutations.append(mutate_tree(target, random))
    return Case(tuple(arguments), tuple(mutations))


def _is_argument(value: object) -> bool:
    """Whether a system can hand it to a program."""
    return isinstance(value, str) and "\0" not in value


def _mutate_arguments(arguments: list[str], random: Odd) -> str:
    options = _OPTIONS.get(arguments[0], ("--nope",))
    if random.random() < 0.6:
        option = random.choice(options)
        value = random.choice((*NUMBERS, *(v for v in random.values if _is_argument(v))))
        arguments += [option, value]
        return f"{option} {value[:20]}"
    at = random.randrange(1, len(arguments))
    old, value = arguments[at], random.choice(PATHS)
    # What the verb may write stays inside the folder that is watched.
    arguments[at] = f"{old}/x{value}" if arguments[at - 1] in ("--out", "--json") else value
    return f"{old} is {value[:20]!r}"
