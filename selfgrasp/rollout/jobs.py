"""What to collect and what to train: plain values, so that `--help` comes at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from selfgrasp.core.bounds import Between, Count, Seconds, Seed, Workers
from selfgrasp.workcell.cells.config import CellConfig


@dataclass(frozen=True)
class CollectJob:
    """Let a policy try, and keep every attempt.

    The same seed gives the same data with any number of workers. Run the same command again to go
    on, or with more --attempts to add to it.

    Attributes:
        out: folder of the dataset; made if it is not there.
        attempts: how many the dataset shall hold of this collection.
        policy: random, random_servo, random_push_grasp, heuristic, igq, registration, oracle, a
            method's name, or the path of a run's folder (./NAME for one here). +VARIANT after it,
            as RUN+explore, is one of its variants; +push pushes at random after each miss.
        objects: train, validation, test; categories, categories-validation, categories-test (things
            of 16 categories), assorted (categories, and others), adversarial (eight that are easily
            shaken off the hand), blocks (toy blocks), vessels (44 mugs, bottles, cups and bowls),
            vessels-validation, vessels-novel, vessels-many (500), vessels-white,
            vessels-novel-white; or a folder of meshes, FOLDER#train and FOLDER#test being two
            thirds and one third of them.
        cell: tabletop: a hand over a table, an RGB-D camera above. kuka_bin: an arm before a bin, a
            camera over its shoulder. flat_table: a hand over toy blocks on a table without walls.
            ur5_table: the same table, a UR5.
        workers: processes; one a core is best.
        seed: of scenes and choices.
        angles_per_point: try this many angles at each point, the scene put back in between
            (simulation only).
        attempts_per_scene: how many tries on one drop of objects.
        round: number of the round of collection and training.
        after: put_back: what was lifted falls into the workspace again; set_aside: it leaves the
            scene, so that the hard things are tried most.
        goals: anything: attempts are asked for nothing in particular; categories: each is asked for
            a category drawn at random from those of the objects, whether one lies there or not;
            grasped: once ten objects were held in a scene, each is asked for one of these by its
            present image, drawn at random; the folder of a dataset: each is asked for the thing in
            a picture, drawn at random from the present images of what was held there.
        measure_pushes: try, around each push, the best grasp before it and the best one after it,
            the scene put back each time: labels truth.held_before and truth.held_after (simulation
            only).
        note_places: note which object each pixel of the first camera shows before an attempt: the
            label truth.places, which an evaluation of localisation reads (simulation only).
        options: of the cell; with another --cell before --help its options are listed.
    """

    out: Path
    attempts: Count = 2000
    policy: str = "random"
    objects: str = "train"
    cell: str = "tabletop"
    workers: Workers = 2
    seed: Seed = 0
    angles_per_point: Annotated[int, Between(1, 1000)] = 1
    attempts_per_scene: Annotated[int, Between(1, 100_000)] = 20
    round: Annotated[int, Between(0, 10**6)] = 0
    after: Literal["put_back", "set_aside"] = "put_back"
    goals: str = "anything"
    measure_pushes: bool = False
    note_places: bool = False
    options: CellConfig | None = None


@dataclass(frozen=True)
class CandidatesJob:
    """Make grasps with analytic labels from shapes alone (Dex-Net 2.0); nothing is executed.

    An object in a stable pose or a heap of them, cameras above it, pairs of contacts within the
    friction cone, and for each grasp its robust epsilon quality and whether the hand comes down
    freely. The same seed gives the same candidates with any number of workers. Run the same command
    again to go on, or with more --grasps to add to them.

    Attributes:
        out: folder of the dataset; made if it is not there.
        grasps: how many candidates the dataset shall hold at least.
        objects: train, validation, test; categories, categories-validation, categories-test,
            assorted, adversarial; or a folder of meshes, FOLDER#train and FOLDER#test being two
            thirds and one third of them.
        shapes: the first so many of these objects; by default the usual set, or the whole folder.
        workers: processes; one a core is best.
        seed: of poses, cameras and grasps.
        per_pose: grasps of an object each time that it lies there.
        pictures: of each pose, from other cameras; all show the same grasps.
        heaps: share of the scenes that are heaps of up to --most objects in a bin, settled in the
            simulator, in which neighbours are in the way. A heap holds about four times as many
            grasps as an object that lies alone.
        most: objects of a heap.
        friction: mean coefficient of robust quality; the published one is 0.5.
        samples: of pose and friction for each robust quality; published are 25, whose labels are
            noisier.
        scale: fit: what is too wide for the hand however it lies is scaled down until its narrowest
            side is 0.8 of the opening, everything else stays. none: objects as they are. published:
            all are scaled so that their least extent is 0.8 of the opening. auto: fit for a folder
            of meshes, which come in all sizes, none for a set, which is made for this hand.
    """

    out: Path
    grasps: Count = 100_000
    objects: str = "train"
    shapes: Count | None = None
    workers: Workers = 2
    seed: Seed = 0
    per_pose: Annotated[int, Between(1, 10_000)] = 50
    pictures: Annotated[int, Between(1, 1_000)] = 5
    heaps: Annotated[float, Between(0.0, 1.0)] = 0.2
    most: Annotated[int, Between(2, 60)] = 30
    friction: Annotated[float, Between(0.05, 5.0)] = 0.5
    samples: Annotated[int, Between(1, 10_000)] = 100
    scale: Literal["auto", "fit", "none", "published"] = "auto"


@dataclass(frozen=True)
class TrainJob:
    """Learn from a dataset.

    Run the same command again to go on after an interruption, after more was collected, or with a
    larger budget. The dataset's own split says what is trained on; its validation part chooses the
    best epoch, if it holds at least 64 examples.

    Attributes:
        method: a method, or method:preset; without a preset it is small. supersizing: outputs,
            paper, paper_owt, pretext, small. hand_eye: paper, small. semantic: attention,
            attention_pictures, box, branches, branches_pictures, presented, single, small; paper,
            and paper_ before attention, attention_pictures, branches, branches_pictures and single,
            are its larger ones. dexnet: paper, paper_physical, physical, small; it learns from
            candidates. vpg: ahead, balanced, grasping, immediate, measured, no_height, no_reward,
            paper, published, reactive, rise, short_sighted, small, trial. grasp2vec: autoencoder,
            failures, paper, responses, shapes, small, tied, windows; and over the towers of such a
            run (trunk) goal, goal_embedded, goal_posthoc, goal_posthoc_auxiliary, goal_similarity,
            goal_truth, with paper_ before them over the towers of paper. A wrong one lists them.
        data: one or several datasets; each has its own split.
        out: folder of the run: checkpoints, log.jsonl, TensorBoard events.
        start: a run or checkpoint whose weights training goes on from (staged learning); its recipe
            is that of a later round.
        trunk: the layers that see start from there, the others at random: a run (of
            supersizing:pretext, for example), for semantic and grasp2vec the name hand_eye or a
            run of it, or, for supersizing:paper and supersizing:paper_owt, a file of AlexNet's
            ImageNet weights.
        epochs: passes over the data; the default is the method's.
        steps: of training at most, instead of epochs; the same steps and the same seed give the
            same weights on one machine.
        max_seconds: of training; none by default.
        keep: best: the weights of the epoch with the least validation loss. last: those of the last
            step, without ending early. The default is the method's.
        attempts: use only the first so many of the training part, and an eighth as many of the
            validation part.
        seed: of initial weights, order and augmentation.
        device: auto, cpu, cuda.
        threads: torch's; 0 leaves its choice.
    """

    method: Positional[str]
    data: tuple[Path, ...]
    out: Path
    start: str | None = None
    trunk: str | None = None
    epochs: Count | None = None
    steps: Count | None = None
    max_seconds: Seconds | None = None
    keep: Literal["best", "last"] | None = None
    attempts: Count | None = None
    seed: Seed = 0
    device: str = "auto"
    threads: Annotated[int, Between(0, 1024)] = 0
