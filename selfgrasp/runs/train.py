"""`selfgrasp train`: learn from a dataset; goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from selfgrasp.runs.command import at_least

if TYPE_CHECKING:
    from selfgrasp.learn import FitConfig, FitResult, Method


@dataclass(frozen=True)
class Args:
    """Learn from a dataset.

    Run the same command again to go on after an interruption. The dataset's own split says what is
    trained on; its validation part chooses the best epoch, if it holds at least 64 examples.

    Attributes:
        method: a method, or method:preset; without a preset it is small. supersizing: outputs,
            paper, paper_owt, pretext, small. hand_eye: paper, small. semantic: attention,
            attention_pictures, box, branches, branches_pictures, presented, single, small; paper,
            and paper_ before attention, attention_pictures, branches, branches_pictures and single,
            are its larger ones. A wrong one lists them.
        data: one or several datasets; each has its own split.
        out: folder of the run: checkpoints, log.jsonl, TensorBoard events.
        start: a run or checkpoint whose weights training goes on from (staged learning); its recipe
            is that of a later round.
        trunk: the layers that see start from there, the others at random: a run (of
            supersizing:pretext, for example), for semantic the name hand_eye or a run of it, or,
            for supersizing:paper and supersizing:paper_owt, a file of AlexNet's ImageNet weights.
        epochs: passes over the data; the default is the method's.
        max_seconds: of training; none by default.
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
    epochs: int | None = None
    max_seconds: float | None = None
    attempts: int | None = None
    seed: int = 0
    device: str = "auto"
    threads: int = 0


def run(args: Args) -> int:
    """Train, and say how well."""
    result = train(args)
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in result.metrics.items())
    print(
        f"{result.best}: {result.steps} steps in {result.seconds:.0f} s, ended by "
        f"{result.ended}; validation: {metrics}"
    )
    return 0


def train(args: Args) -> FitResult:
    """Examples, fit, best checkpoint.

    Raises:
        InputError: an unknown method or preset, an empty or wrong dataset, a run folder of another
            training (other data, recipe or start), a start or a trunk that does not fit, or both.
    """
    import torch

    from selfgrasp.core import InputError
    from selfgrasp.learn import fit, load_into
    from selfgrasp.learn.batches import Order
    from selfgrasp.learn.fit import STATE
    from selfgrasp.methods.registry import build
    from selfgrasp.runs.examples import data_of
    from selfgrasp.runs.policies import checkpoint_of
    from selfgrasp.runs.progress import Batches, Progress
    from selfgrasp.runs.record import write_config

    _check(args)
    if args.start and args.trunk:
        raise InputError(
            given=f"--start {args.start} and --trunk {args.trunk}",
            wanted="one of them: --start brings a trunk of its own",
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    method = build(args.method, seed=args.seed)
    recipe = _recipe(args, method.recipe(round=1 if args.start else 0))
    if args.start:
        load_into(checkpoint_of(args.start) or Path(args.start), method)
    if args.trunk:
        method.load_trunk(checkpoint_of(args.trunk) or Path(args.trunk))
    start = _fingerprint(method) if args.start or args.trunk else ""
    data = data_of(method, args.data, first=args.attempts)
    method.check(data.train)
    if not (args.out / STATE).exists():
        write_config(args.out, args, args.seed)
    with Progress(
        "train",
        recipe.epochs * Order(len(data.train), recipe.batch, args.seed).per_epoch,
        unit="steps",
    ) as progress:
        return fit(
            method,
            data.train,
            data.validation,
            recipe,
            args.out,
            Batches(progress),
            data=data.fingerprint,
            start=start,
        )


def _check(args: Args) -> None:
    from selfgrasp.core import InputError

    at_least(args, epochs=1, attempts=1, threads=0)
    if args.max_seconds is not None and args.max_seconds <= 0:
        raise InputError(given=f"--max-seconds {args.max_seconds:g}", wanted="more than 0")
    folders = [folder.resolve() for folder in args.data]
    if not folders or len(set(folders)) < len(folders):
        raise InputError(
            given=f"--data {' '.join(map(str, args.data)) or 'with nothing'}",
            wanted="one or several datasets, each once",
        )


def _fingerprint(method: Method) -> str:
    """Of its weights."""
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    for tensor in method.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _recipe(args: Args, recipe: FitConfig) -> FitConfig:
    return replace(
        recipe,
        seed=args.seed,
        device=args.device,
        max_seconds=args.max_seconds,
        epochs=recipe.epochs if args.epochs is None else args.epochs,
    )
