"""Learn from datasets; goes on after an interruption, and when the data have grown."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import torch

from selfgrasp.common.interrupts import stopping
from selfgrasp.common.lock import FolderLock
from selfgrasp.common.outside import say_once
from selfgrasp.common.progress import Batches, Progress
from selfgrasp.common.record import write_config
from selfgrasp.core import InputError
from selfgrasp.core.bounds import check_bounds
from selfgrasp.learn import FitConfig, FitResult, Keep, Method, fit, load_into
from selfgrasp.learn.gathered import data_of
from selfgrasp.learn.run import FOLDERS, STATE, require_run_of
from selfgrasp.methods.registry import build
from selfgrasp.rollout.jobs import TrainJob
from selfgrasp.rollout.policies import weights_file


def train(args: TrainJob) -> FitResult:
    """Examples, fit, checkpoint. Ctrl-C ends it once what was learned is saved.

    Raises:
        InputError: an unknown method or preset, both --epochs and --steps, an empty or wrong
            dataset, a run folder of another training (other data, recipe or start),
            a start or a trunk that does not fit, or both, or neither where one is needed.
    """
    _check(args)
    if args.start and args.trunk:
        raise InputError(
            given=f"--start {args.start} and --trunk {args.trunk}",
            wanted="one of them: --start brings a trunk of its own",
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    method = build(args.method, seed=args.seed)
    require_run_of(method, args.out)
    recipe = _recipe(args, method.recipe(round=1 if args.start else 0))
    if not (args.start or args.trunk) and (note := method.without_trunk()):
        say_once(note)
    if args.start:
        load_into(weights_file(args.start), method)
    if args.trunk:
        method.load_trunk(weights_file(args.trunk))
    start = _fingerprint(method) if args.start or args.trunk else ""
    data = data_of(method, args.data, first=args.attempts)
    method.check(data.train)
    with (
        FolderLock(args.out, ".training", what="run", doing="training", within=FOLDERS),
        Progress("train", recipe.total_steps(len(data.train)), unit="steps") as progress,
        stopping() as stop,
    ):
        if not (args.out / STATE).exists():
            write_config(args.out, args, args.seed)
        return fit(
            method,
            data.train,
            data.validation,
            recipe,
            args.out,
            Batches(progress),
            stop=stop,
            data=data.identity,
            start=start,
        )


def _check(args: TrainJob) -> None:
    check_bounds(args)
    if args.epochs is not None and args.steps is not None:
        raise InputError(
            given=f"--epochs {args.epochs} and --steps {args.steps}", wanted="one of them"
        )
    folders = [folder.resolve() for folder in args.data]
    if not folders or len(set(folders)) < len(folders):
        raise InputError(
            given=f"--data {' '.join(map(str, args.data)) or 'with nothing'}",
            wanted="one or several datasets, each once",
        )


def _fingerprint(method: Method) -> str:
    """Of its weights."""
    digest = hashlib.blake2b(digest_size=8)
    for tensor in method.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _recipe(args: TrainJob, recipe: FitConfig) -> FitConfig:
    if args.keep is not None:
        patience = None if args.keep == "last" else recipe.patience
        recipe = replace(recipe, keep=Keep(args.keep), patience=patience)
    return replace(
        recipe,
        seed=args.seed,
        device=args.device,
        max_seconds=args.max_seconds,
        epochs=recipe.epochs if args.epochs is None else args.epochs,
        steps=args.steps or (recipe.steps if args.epochs is None else None),
    )
