"""How much of everything the reproduction takes, and what its steps work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from selfgrasp.methods.dexnet.config import Trunk
from selfgrasp.methods.registry import config_of
from selfgrasp.papers import reproduction

LANDMARKS = ("random", "igq", "registration", "heuristic", "supersizing", "oracle")


@dataclass(frozen=True)
class Sizes:
    """Numbers of grasps, trainings and trials.

    Attributes:
        grasps: candidates of the training objects, with analytic labels.
        shapes: training objects.
        few_grasps: candidates of GQ-S and of GQ-Adv.
        few_shapes: training objects of GQ-S.
        tries: attempts of GQ-Adv-Phys, with the adversarial objects.
        steps: of training, of a batch each; of those on fewer grasps `few_steps`.
        few_steps: see `steps`.
        judged: candidates of each kind on which networks are compared with labels.
        shakes: scenes of `shake` for a policy, of each set of objects.
        heaps: of `heap`, for a policy and a number of objects.
        outcomes: grasps of each class of robust epsilon that are tried in the simulator.
        seeds: trainings of GQ.
        landmarks: rows of `shake` that are not trained here.
        conditions: of `shake`, by `evaluate.Condition.name`.
        heap_counts: objects of a heap.
        tried_objects: sets whose grasps are tried in the simulator.
    """

    grasps: int = 1_000_000
    shapes: int = 1_500
    few_grasps: int = 100_000
    few_shapes: int = 100
    tries: int = 2_000
    steps: int = 14_000
    few_steps: int = 2_000
    judged: int = 20_000
    shakes: int = 200
    heaps: int = 20
    outcomes: int = 2_000
    seeds: int = 3
    landmarks: tuple[str, ...] = LANDMARKS
    conditions: tuple[str, ...] = ("adversarial", "household", "novel", "imprecise")
    heap_counts: tuple[int, ...] = (10, 25)
    tried_objects: tuple[str, ...] = ("validation", "novel")


def quick() -> Sizes:
    """Every kind of step once, as small as it gets: its figures mean nothing. Without REG, which
    first gets to know 150 objects."""
    return Sizes(
        grasps=1_500,
        shapes=30,
        few_grasps=200,
        few_shapes=10,
        tries=8,
        steps=10,
        few_steps=5,
        judged=100,
        shakes=1,
        heaps=1,
        outcomes=1,
        seeds=1,
        landmarks=("igq",),
        conditions=("adversarial",),
        heap_counts=(3,),
        tried_objects=("validation",),
    )


def paper() -> Sizes:
    """As many candidates, shapes and epochs as were published."""
    return Sizes(grasps=6_700_000, few_shapes=150, steps=2_100_000, few_steps=60_000)


def scaled(sizes: Sizes, grasps: int) -> Sizes:
    """`sizes` for another number of candidates; what measures stays."""
    share = grasps / sizes.grasps
    return replace(
        sizes,
        grasps=grasps,
        few_grasps=max(1, round(sizes.few_grasps * share)),
        tries=max(1, round(sizes.tries * share)),
    )


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many scenes of `shake`, and a tenth as many heaps."""
    return replace(sizes, shakes=trials, heaps=max(1, trials // 10))


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on."""

    MAY_GROW = (
        "seeds",
        "shakes",
        "heaps",
        "judged",
        "outcomes",
        "landmarks",
        "conditions",
        "heap_counts",
        "tried_objects",
    )

    sizes: Sizes

    def gq(self, seed: int | None = None) -> str:
        """Name of a training of GQ; of the first one without a seed."""
        return f"gq-{self.seed if seed is None else seed}"

    @property
    def learned(self) -> Mapping[str, str]:
        """By row of the paper, the policies that are trained here, ranking antipodal pairs where a
        row says nothing else. The published network cannot be slid over a picture."""
        run, compact = self.folders.run, config_of(f"dexnet:{self.preset}").trunk is Trunk.COMPACT
        return {
            "GQ-S": f"{run('gq-s')}+rank",
            "GQ-Adv": f"{run('gq-adv')}+rank",
            "GQ-Adv-Phys": f"{run('gq-adv-phys')}+rank",
            **{
                f"GQ, seed {seed}" if number else "GQ": f"{run(self.gq(seed))}+rank"
                for number, seed in enumerate(self.seeds)
            },
            "GQ, CEM": f"{run(self.gq())}+cem",
            **({"GQ, fully convolutional": f"{run(self.gq())}+dense"} if compact else {}),
        }
