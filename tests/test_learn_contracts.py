"""The contracts: a sound method keeps all of them, and for each there are methods that break it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
import torch

from selfgrasp.contracts import methods as contracts
from selfgrasp.contracts.methods import CONTRACTS, POLICY_CONTRACTS
from selfgrasp.contracts.scenes import SECRET, box_attempts, box_source, box_spec
from selfgrasp.core import Grasp, InputError, Move, Plan, Push
from selfgrasp.core.pose import top_down
from selfgrasp.learn import Examples, Loss, Method
from selfgrasp.methods import registry

torch.set_num_threads(1)


@dataclass(frozen=True)
class ToyConfig:
    hidden: int = 32
    sizes: tuple[int, ...] = (1, 2)


class Toy(Method):
    """Learns from where a grasp was whether it held, and grasps at what rises highest."""

    name = "toy"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        self.config = config
        self.net = torch.nn.Sequential(
            torch.nn.Linear(3, config.hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(config.hidden, config.hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(config.hidden, 1),
        )

    def gather(self, source, split, rng):
        rows = [
            (*(a.steps[-1].action.world_from_tool[:3, 3] * 40), self.target(a, source))
            for a in source.attempts(split)
            if isinstance(a.steps[-1].action, Grasp)
        ]
        table = np.array(rows, np.float32).reshape(-1, 4)
        return Examples({"x": table[:, :3], "y": table[:, 3]}, np.ones(len(table), np.float32))

    def target(self, attempt, source):
        return attempt.outcome.grasped

    def batch(self, examples, indices, rng, *, augment):
        return {name: torch.from_numpy(examples[name][indices]) for name in ("x", "y")}

    def loss(self, batch):
        logits = self.net(batch["x"])[:, 0]
        return Loss(torch.nn.functional.binary_cross_entropy_with_logits(logits, batch["y"]))

    def plan(self, context):
        view, spec = context.observation.view(), context.spec
        v, u = np.unravel_index(int(np.nanargmin(view.depth)), view.depth.shape)
        ray = np.linalg.inv(view.intrinsics) @ np.array([u + 0.5, v + 0.5, 1.0]) * view.depth[v, u]
        point = view.world_from_camera[:3, :3] @ ray + view.world_from_camera[:3, 3]
        low, high = spec.workspace.low, spec.workspace.high
        tool = top_down(np.clip(point - [0, 0, 0.02], low, high), 0.0)
        with torch.inference_mode():
            score = self.net(torch.tensor(tool[None, :3, 3] * 40).float().to(self.device))
        return Plan.only(Grasp(tool, spec.gripper.opening), float(score))


def grasp_at(xyz: tuple[float, float, float], width: float = 0.08) -> Plan:
    return Plan.only(Grasp(top_down(xyz, 0.0), width))


class Rounds(Toy):
    """Its config does not come back as it was: a list becomes a tuple."""

    name = "rounds"


class Infinite(Toy):
    name = "infinite"

    def target(self, attempt, source):
        return np.inf


class Fickle(Toy):
    """Its examples hang on a generator of their own."""

    name = "fickle"
    generator = np.random.default_rng(0)

    def target(self, attempt, source):
        return self.generator.random()


class FickleBatch(Toy):
    name = "fickle_batch"
    generator = np.random.default_rng(0)

    def batch(self, examples, indices, rng, *, augment):
        made = super().batch(examples, indices, rng, augment=augment)
        return {**made, "x": made["x"] + self.generator.random()}


class Stuck(Toy):
    """Its loss does not fall."""

    name = "stuck"

    def loss(self, batch):
        return Loss(1.0 + 0.0 * self.net(batch["x"]).sum())


class Idle(Toy):
    name = "idle"

    def plan(self, context):
        return Plan.nothing("no idea")


class Outside(Toy):
    name = "outside"

    def plan(self, context):
        return grasp_at((0.5, 0.0, 0.1))


class Wide(Toy):
    name = "wide"

    def plan(self, context):
        return grasp_at((0.0, 0.0, 0.1), width=0.2)


class PushesOut(Toy):
    name = "pushes_out"

    def plan(self, context):
        return Plan.only(Push(np.array([0.1, 0.0, 0.05]), 0.0, 0.2))


class MovesOut(Toy):
    name = "moves_out"

    def plan(self, context):
        return Plan.only(Move(np.array([0.0, 2.0, -0.1]), 0.0))


class Global(Toy):
    """Draws from the global generator."""

    name = "global"

    def plan(self, context):
        return grasp_at((float(torch.rand(())) / 10, 0.0, 0.1))


class LeavesTraining(Toy):
    name = "leaves_training"

    def plan(self, context):
        self.eval()
        return super().plan(context)


class ChangesExamples(Toy):
    name = "changes_examples"

    def batch(self, examples, indices, rng, *, augment):
        examples["x"][:] += 1
        return super().batch(examples, indices, rng, augment=augment)


class Forgets(Toy):
    """Scores with what is not saved."""

    name = "forgets"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.offset = float(torch.rand(()))

    def plan(self, context):
        plan = super().plan(context)
        return Plan.only(plan.actions[0], plan.score + self.offset)


class Peeks(Toy):
    """Takes a label that it does not declare, where it can get it."""

    name = "peeks"

    def target(self, attempt, source):
        try:
            return len(str(source.label(SECRET)[attempt.id]))
        except InputError:
            return 0


class PeeksOther(Peeks):
    """Asks for an undeclared label that is not there."""

    name = "peeks_other"

    def target(self, attempt, source):
        return len(source.label("truth.object"))


class PeeksBehind(Toy):
    """Goes behind the declared labels."""

    name = "peeks_behind"

    def target(self, attempt, source):
        whole = getattr(source, "source", source)
        return len(str(whole.label(SECRET)[attempt.id]))


class PeeksFarBehind(Toy):
    """Goes where nobody is asked."""

    name = "peeks_far_behind"

    def target(self, attempt, source):
        while not hasattr(source, "labels"):
            source = source.source
        return len(source.labels[SECRET][attempt.id])


class RefusesWrongly(Toy):
    """An error that is none: `InputError` takes what was given and what was wanted."""

    def plan(self, context):
        if not context.goal.is_anything:
            raise InputError("no goals")
        return super().plan(context)


BROKEN = {
    contracts.config_round_trip: [(Rounds, r"preset small")],
    contracts.examples_are_finite_and_typed: [
        (Infinite, "column y is not finite"),
        (Fickle, "column y differs from one pass to the next"),
        (FickleBatch, "x differs from one call to the next"),
    ],
    contracts.overfits_eight_examples: [(Stuck, r"from 1\.000 to 1\.000")],
    contracts.plans_inside_the_workspace: [
        (Idle, "one box in the middle of the table, and nothing to do: no idea"),
        (Outside, "grasp at"),
        (Wide, r"width 0\.2"),
        (PushesOut, "push to"),
        (MovesOut, "move by"),
    ],
    contracts.takes_or_refuses_an_unknown_goal: [
        (RefusesWrongly, "TypeError.*wanted: an InputError"),
    ],
    contracts.same_seed_same_plan: [
        (Global, "Grasp"),
        (LeavesTraining, "planning left training mode"),
    ],
    contracts.inputs_stay_untouched: [(ChangesExamples, "a batch changed the examples")],
    contracts.saved_equals_loaded: [(Forgets, "other scores")],
    contracts.undeclared_labels_are_unreadable: [
        (Peeks, rf"label {SECRET} is read and not declared in reads_labels \(none\)"),
        (PeeksOther, r"label truth\.object is read and not declared"),
        (PeeksBehind, rf"label {SECRET} is read"),
        (PeeksFarBehind, rf"column y depends on the label {SECRET}"),
    ],
}


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Method]], str]:
    """Makes a class known to the registry, and gives its name."""

    def known(kind: type[Method]) -> str:
        package = ModuleType(f"toys_{kind.name}")
        package.__dict__.update(METHOD=kind, small=small)
        small.__module__ = package.__name__
        for part in ("", ".config", ".method"):
            monkeypatch.setitem(sys.modules, f"{package.__name__}{part}", package)
        monkeypatch.setattr(registry, "methods", lambda: {kind.name: package.__name__})
        return kind.name

    def small() -> ToyConfig:
        return ToyConfig()

    return known


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_a_sound_method_keeps_it(contract, register):
    contract(register(Toy))


@pytest.mark.parametrize(
    ("contract", "kind", "message"),
    [(contract, *case) for contract, cases in BROKEN.items() for case in cases],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_method_breaks_it(contract, kind, message: str, register, monkeypatch):
    if kind is Rounds:
        monkeypatch.setattr(
            registry, "presets", lambda _: {"small": lambda: ToyConfig(sizes=[1, 2])}
        )
    with pytest.raises(AssertionError, match=message):
        contract(register(kind))


def test_every_contract_is_broken_by_some_method():
    assert set(BROKEN) == set(CONTRACTS)


@pytest.mark.parametrize("contract", POLICY_CONTRACTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("baseline", sorted(registry.baselines()))
def test_baselines_keep_those_of_policies(baseline: str, contract):
    contract(baseline)


def test_the_scenes_hold_a_push_and_a_present_view_and_what_came_of_an_attempt_is_seen():
    spec = box_spec()
    made = box_attempts(4, grasps=8, pushes=1)
    pushes = [a for a in made if isinstance(a.steps[-1].action, Push)]
    held = [a for a in made if a.outcome.grasped]
    assert len(pushes) == 4
    assert len(held) >= 4
    for attempt in made:
        before, after = attempt.before.view(), attempt.after.view()
        assert not np.array_equal(before.depth, after.depth)
        assert (attempt.present is not None) == attempt.outcome.grasped
        moved = (before.color != after.color).any(axis=-1)
        assert moved.any() == (attempt.outcome.grasped or attempt in pushes)
    for attempt in held:
        # Where the tool was there is table now, and what is held stands in the middle.
        tool = attempt.steps[-1].action.world_from_tool[:3, 3]
        place = (
            spec.cameras["overhead"].intrinsics
            @ (np.linalg.inv(spec.cameras["overhead"].world_from_camera) @ [*tool, 1])[:3]
        )
        u, v = (place[:2] / place[2]).astype(int)
        assert attempt.after.view().depth[v, u] > attempt.before.view().depth[v, u] + 0.005
        middle = attempt.present.color[64, 64]
        assert (attempt.before.view().color[v, u] == middle).all()
    for attempt in pushes:
        push = attempt.steps[-1].action
        assert spec.workspace.contains(push.start)
        assert 0 < attempt.outcome.changed < 0.1
    plain = [a for a in box_attempts(4, grasps=8) if not isinstance(a.steps[-1].action, Push)]
    assert [a.outcome.grasped for a in plain] == [
        a.outcome.grasped for a in made if a not in pushes
    ]


def test_the_value_of_the_secret_is_the_callers():
    assert set(box_source(1, grasps=2, secret="here").label(SECRET).values()) == {"here"}
