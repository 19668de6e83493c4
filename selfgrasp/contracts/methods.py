"""What every method owes. Run over your own with `@pytest.mark.parametrize("contract", CONTRACTS)`
and `contract("your_method")`.

Each contract takes a name that `selfgrasp.methods.registry` knows ("method" or "method:preset") and
fails with an AssertionError that says what broke. Those of `POLICY_CONTRACTS` take the name of a
baseline too, or a policy.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.contracts.scenes import SECRET, box_context, box_source, obvious_context
from selfgrasp.core import (
    Attempt,
    CellSpec,
    Goal,
    Grasp,
    InputError,
    LabelValue,
    Move,
    Plan,
    Policy,
    Push,
)
from selfgrasp.learn import Examples, MemorySource, Method, Split, configs, save
from selfgrasp.learn.batches import on_device
from selfgrasp.learn.candidates import CandidateRows
from selfgrasp.methods import registry

UNKNOWN_CATEGORY = "no such thing"
"""A category that no method knows."""


def config_round_trip(name: str) -> None:
    """Every preset survives being written as JSON and read back."""
    method = name.partition(":")[0]
    for preset, make in registry.presets(method).items():
        config = make()
        again = configs.from_json(type(config), json.loads(json.dumps(configs.to_json(config))))
        assert again == config, f"preset {preset}: {again} != {config}"


def examples_are_finite_and_typed(name: str) -> None:
    """Columns are numeric and finite, the same generator gives the same examples, and batches are
    finite float or integer tensors.

    Each has a row an example, or fewer, where a part of the network learns from some of them.
    """
    method, examples = registry.build(name), _examples(name)
    again = method.examples(_source(), "train", np.random.default_rng(0))
    for column, values in examples.columns.items():
        assert values.dtype.kind in "fiub", f"column {column} of dtype {values.dtype}"
        assert np.isfinite(values).all(), f"column {column} is not finite"
        assert np.array_equal(values, again[column]), (
            f"column {column} differs from one pass to the next"
        )
    for augment in (False, True):
        one, two = (
            method.batch(examples, np.arange(4), np.random.default_rng(3), augment=augment)
            for _ in range(2)
        )
        for key, tensor in one.items():
            assert 1 <= len(tensor) <= 4, f"{key} of {len(tensor)} rows for a batch of 4"
            assert not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()), (
                f"{key} is not finite"
            )
            assert torch.equal(tensor, two[key]), (
                f"{key} differs from one call to the next with the same generator"
            )


def overfits_eight_examples(name: str) -> None:
    """The loss of eight examples falls below a third within 150 steps."""
    method, examples = registry.build(name), _examples(name)
    batch = on_device(
        method.batch(examples, _eight(examples), np.random.default_rng(0), augment=False),
        method.device,
    )
    optimizer = torch.optim.AdamW(method.parameters(), lr=2e-3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        method.train()
        first = last = float(method.loss(batch).value.detach())
        for _ in range(150):
            optimizer.zero_grad()
            loss = method.loss(batch).value
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            last = float(loss.detach())
            if last < first / 3:
                return
    raise AssertionError(
        f"the loss of eight examples went from {first:.3f} to {last:.3f} in 150 steps"
    )


def plans_inside_the_workspace(name: str | Policy) -> None:
    """Every action lies in the workspace and fits the gripper, and where one box lies in the middle
    of the table there is something to do."""
    policy = _policy(name)
    assert isinstance(policy, Policy), "not a Policy"
    for context in (obvious_context(), *(box_context(seed) for seed in range(3))):
        spec, here = context.spec, context.observation.hand.world_from_tool[:3, 3]
        for action in policy.plan(context).actions:
            match action:
                case Grasp(pose, width):
                    assert spec.workspace.contains(pose[:3, 3]), f"grasp at {pose[:3, 3]}"
                    assert width <= spec.gripper.opening, f"width {width}"
                case Push(start, yaw, length):
                    end = start + length * np.array([np.cos(yaw), np.sin(yaw), 0.0])
                    assert spec.workspace.contains(start), f"push from {start}"
                    assert spec.workspace.contains(end), f"push to {end}"
                case Move(translation):
                    assert spec.workspace.contains(here + translation), f"move by {translation}"
    plan = policy.plan(obvious_context())
    assert plan.actions, f"one box in the middle of the table, and nothing to do: {plan.reason}"


def takes_or_refuses_an_unknown_goal(name: str | Policy) -> None:
    """Asked for a category that nobody knows, it refuses with an `InputError`, or plans for
    anything; every other error breaks this."""
    context = replace(obvious_context(), goal=Goal(category=UNKNOWN_CATEGORY))
    try:
        _policy(name).plan(context)
    except InputError:
        return
    except Exception as error:
        raise AssertionError(
            f"a goal that it does not know is {type(error).__name__}: {error}; wanted: an "
            "InputError(given=..., wanted=...), or a plan"
        ) from error


def same_seed_same_plan(name: str | Policy) -> None:
    """The same context gives the same plan, in training mode too, which planning leaves as it was;
    global generators play no part."""
    policy = _policy(name)
    if isinstance(policy, Method):
        policy.train()
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    one = policy.plan(box_context())
    two = policy.plan(box_context())
    assert not isinstance(policy, Method) or policy.training, "planning left training mode"
    _assert_equal(one, two)


def inputs_stay_untouched(name: str) -> None:
    """Making batches and plans changes neither examples nor contexts."""
    method, examples, context = registry.build(name), _examples(name), box_context()
    before = {k: v.copy() for k, v in examples.columns.items()}
    method.batch(examples, np.arange(len(examples)), np.random.default_rng(0), augment=True)
    assert all(np.array_equal(v, before[k]) for k, v in examples.columns.items()), (
        "a batch changed the examples"
    )
    color = context.observation.view().color.copy()
    method.plan(context)
    assert np.array_equal(color, context.observation.view().color), "planning changed the picture"


def saved_equals_loaded(name: str) -> None:
    """A method that was saved and loaded has the same config and gives the same plan."""
    method = registry.build(name, seed=5).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "method.safetensors"
        save(path, method)
        loaded = registry.load(path)
    assert loaded.config == method.config
    _assert_equal(method.plan(box_context()), loaded.plan(box_context()))


def undeclared_labels_are_unreadable(name: str) -> None:
    """The method asks for no label that it does not declare, and its examples do not depend on
    one."""
    method = registry.build(name)
    assert SECRET not in method.reads_labels, f"{SECRET} is declared; no robot knows it"
    made = []
    for secret in ("one", "another"):
        source = _Asked(box_source(8, grasps=6, pushes=1, secret=secret))
        # `gather` could read what it likes here; training calls it through `examples`.
        for make in (method.gather, method.examples):
            try:
                made.append(make(source, "train", np.random.default_rng(0)))
            finally:
                # Also where asking for it raised.
                strange = sorted(source.asked - {*method.reads_labels})
                declared = ", ".join(method.reads_labels) or "none"
                assert not strange, (
                    f"label {', '.join(strange)} is read and not declared in reads_labels "
                    f"({declared})"
                )
    for examples in made[1:]:
        assert examples.columns.keys() == made[0].columns.keys(), "other columns"
        for column, values in examples.columns.items():
            assert np.array_equal(values, made[0][column]), (
                f"column {column} depends on the label {SECRET}, which is not declared"
            )
        assert np.array_equal(examples.weights, made[0].weights), (
            f"weights depend on the label {SECRET}, which is not declared"
        )


@dataclass(frozen=True, eq=False)
class _Asked:
    """A source that remembers which labels it was asked for.

    Attributes:
        source: the whole source.
        asked: names of labels, those that do not exist among them.
    """

    source: MemorySource
    asked: set[str] = field(default_factory=set)

    @property
    def spec(self) -> CellSpec:
        """The cell."""
        return self.source.spec

    def identities(self, split: Split, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) a hash of each attempt of one part, and of its labels called `labels`."""
        return self.source.identities(split, labels)

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return self.source.len_of(split)

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        return self.source.attempts(split)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value."""
        self.asked.add(name)
        return self.source.label(name)

    def candidates(self, split: Split, labels: Sequence[str] = ()) -> CandidateRows:
        """The candidates of one part."""
        self.asked.update(labels)
        return self.source.candidates(split, labels)


CONTRACTS: tuple[Callable[[str], None], ...] = (
    config_round_trip,
    examples_are_finite_and_typed,
    overfits_eight_examples,
    plans_inside_the_workspace,
    takes_or_refuses_an_unknown_goal,
    same_seed_same_plan,
    inputs_stay_untouched,
    saved_equals_loaded,
    undeclared_labels_are_unreadable,
)
"""All of them."""

POLICY_CONTRACTS: tuple[Callable[[str | Policy], None], ...] = (
    plans_inside_the_workspace,
    takes_or_refuses_an_unknown_goal,
    same_seed_same_plan,
)
"""Those that a policy keeps which learns nothing."""


def _policy(name: str | Policy) -> Policy:
    """The policy itself, a baseline, or an untrained method."""
    if not isinstance(name, str):
        return name
    if name in registry.baselines():
        policy: Policy = registry.baseline_class(name)()
        return policy
    return registry.build(name)


@lru_cache
def _source() -> MemorySource:
    return box_source(8, grasps=6, pushes=1)


@lru_cache
def _examples(name: str) -> Examples:
    return registry.build(name).examples(_source(), "train", np.random.default_rng(0))


def _eight(examples: Examples) -> NDArray[np.int64]:
    return np.arange(min(8, len(examples)))


def _assert_equal(one: Plan, two: Plan) -> None:
    assert len(one.actions) == len(two.actions), "another number of actions"
    assert one.chosen == two.chosen, "another choice"
    assert np.array_equal(one.scores, two.scores), "other scores"
    for a, b in zip(one.actions, two.actions, strict=True):
        assert type(a) is type(b), "other actions"
        assert all(np.array_equal(getattr(a, f), getattr(b, f)) for f in vars(a)), f"{a} != {b}"
