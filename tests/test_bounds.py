"""Every number that a user can give has bounds, which help shows and checks read."""

import dataclasses
import math
from typing import Annotated, Any, get_args, get_type_hints

import pytest

from selfgrasp.cli import VERBS, main
from selfgrasp.core import InputError
from selfgrasp.core.bounds import Between, bounds_of, check_bounds
from selfgrasp.papers.registry import demos
from selfgrasp.verbs.command import _chosen
from selfgrasp.workcell.cells.registry import CELLS


@dataclasses.dataclass(frozen=True)
class Inner:
    share: Annotated[float, Between(0, 1)] = 0.5


@dataclasses.dataclass(frozen=True)
class Options:
    workers: Annotated[int, Between(1, 1024)] = 2
    seconds: Annotated[float, Between(0, 1e9, above=True)] | None = None
    sizes: tuple[Annotated[int, Between(1, 9)], ...] = ()
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(workers=0), "given: --workers 0; wanted: at least 1"),
        (Options(workers=10**30), "wanted: at most 1024"),
        (Options(seconds=0.0), "given: --seconds 0; wanted: more than 0"),
        (Options(seconds=math.nan), "given: --seconds nan; wanted: a finite number"),
        (Options(seconds=math.inf), "given: --seconds inf; wanted: at most"),
        (Options(sizes=(3, 10)), "given: --sizes 10; wanted: at most 9"),
        (Options(inner=Inner(-0.1)), "given: --inner.share -0.1; wanted: at least 0"),
    ],
)
def test_what_is_outside_is_refused(options: Options, message: str):
    with pytest.raises(InputError, match=message):
        check_bounds(options)


def test_what_is_inside_is_accepted():
    check_bounds(Options(workers=1024, seconds=1e-9, sizes=(1, 9), inner=Inner(1.0)))


def numbers_without_bounds(kind: type[Any]) -> list[str]:
    found = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner = [
            part
            for part in (hint, *get_args(hint))
            if isinstance(part, type) and dataclasses.is_dataclass(part)
        ]
        for part in inner:
            found += [f"{name}.{below}" for below in numbers_without_bounds(part)]
        if not inner and holds_number(hint) and bounds_of(hint) is None:
            found.append(name)
    return found


def holds_number(hint: Any) -> bool:
    return hint in (int, float) or any(holds_number(part) for part in get_args(hint))


def test_no_verb_has_a_number_without_bounds():
    kinds = {verb: _chosen(entry.module, []).args for verb, entry in VERBS.items()}
    kinds |= {f"demo {name}": _chosen(VERBS["demo"].module, [name]).args for name in demos()}
    kinds |= {f"cell {name}": kind.config for name, kind in CELLS.items()}
    without = {name: numbers_without_bounds(kind) for name, kind in kinds.items()}
    # What a demo and a benchmark are given of their cell's options has the bounds of these.
    said = {name: [one for one in found if "options" not in one] for name, found in without.items()}
    assert {name: found for name, found in said.items() if found} == {}


def test_help_shows_bounds(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["collect", "--cell", "tabletop", "--help"])
    shown = capsys.readouterr().out
    assert "--workers 1 TO 1024" in shown
    assert "--options.kick 0 TO 10" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train supersizing --data d --out o --seed 9223372036854775808", "--seed"),
        ("train supersizing --data d --out o --max-seconds nan", "--max-seconds nan"),
        ("train supersizing --data d --out o --threads 100000", "--threads"),
        ("collect --out o --round 1180591620717411303424", "--round"),
        ("collect --out o --round -1", "--round -1"),
        ("collect --out o --cell tabletop --options.kick inf", "--options.kick inf"),
        ("pictures folder --out o --picture-px 10000000", "--picture-px"),
        ("bench isolated --policy random --out o --trials 0", "--trials 0"),
        ("plan --sample --opening nan", "--opening nan"),
    ],
)
def test_verbs_refuse_numbers_outside(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments.split()) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "wanted: " in said
    assert said.count("\n") == 1
