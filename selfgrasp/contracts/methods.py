"""What every method owes. Run over your own with `@pytest.mark.parametrize("contract", CONTRACTS)`
and `contract("your_method")`.

Each contract takes a name that `selfgrasp.methods.registry` knows ("method" or "method:preset") and
fails with an AssertionError that says what broke.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from selfgrasp.contracts.scenes import box_context, box_source
from selfgrasp.core import Grasp, InputError, Plan, Policy, Push
from selfgrasp.learn import DeclaredSource, Examples, MemorySource, configs, save
from selfgrasp.learn.batches import on_device
from selfgrasp.methods import registry


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
            loss.backward()
            optimizer.step()
            last = float(loss.detach())
            if last < first / 3:
                return
    raise AssertionError(
        f"the loss of eight examples went from {first:.3f} to {last:.3f} in 150 steps"
    )


def plans_inside_the_workspace(name: str) -> None:
    """Every action lies in the workspace and fits the gripper; maps have a layer an angle."""
    method, context = registry.build(name), box_context()
    assert isinstance(method, Policy), "not a Policy"
    plan = method.plan(context)
    for action in plan.actions:
        match action:
            case Grasp(pose, width):
                assert context.spec.workspace.contains(pose[:3, 3]), f"grasp at {pose[:3, 3]}"
                assert width <= context.spec.gripper.opening, f"width {width}"
            case Push(start):
                assert context.spec.workspace.contains(start), f"push from {start}"
    assert plan.actions or plan.reason


def same_seed_same_plan(name: str) -> None:
    """The same context gives the same plan, in training mode too, which planning leaves as it was;
    global generators play no part."""
    method = registry.build(name).train()
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    one = method.plan(box_context())
    two = method.plan(box_context())
    assert method.training, "planning left training mode"
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
    """Examples are made without a label that the method does not declare, and asking for it
    raises."""

    method = registry.build(name)
    source = DeclaredSource(_source(), method.reads_labels, method.name)
    try:
        source.label("truth.secret")
    except InputError:
        return
    raise AssertionError("a label that was not declared could be read")


CONTRACTS: tuple[Callable[[str], None], ...] = (
    config_round_trip,
    examples_are_finite_and_typed,
    overfits_eight_examples,
    plans_inside_the_workspace,
    same_seed_same_plan,
    inputs_stay_untouched,
    saved_equals_loaded,
    undeclared_labels_are_unreadable,
)
"""All of them."""


@lru_cache
def _source() -> MemorySource:
    return box_source(8, grasps=6)


@lru_cache
def _examples(name: str) -> Examples:
    return registry.build(name).examples(_source(), "train", np.random.default_rng(0))


def _eight(examples: Examples) -> np.ndarray:
    return np.arange(min(8, len(examples)))


def _assert_equal(one: Plan, two: Plan) -> None:
    assert len(one.actions) == len(two.actions), "another number of actions"
    assert one.chosen == two.chosen, "another choice"
    assert np.array_equal(one.scores, two.scores), "other scores"
    for a, b in zip(one.actions, two.actions, strict=True):
        assert type(a) is type(b), "other actions"
        assert all(np.array_equal(getattr(a, f), getattr(b, f)) for f in vars(a)), f"{a} != {b}"
