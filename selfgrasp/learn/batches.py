"""Batches made on a thread beside training, every one a function of the seed and the step alone, so
that a resumed run sees what it would have seen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import torch

from selfgrasp.common.imap import imap_ordered
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Method
from selfgrasp.learn.order import Order


def prefetched(make: Callable[[int], Batch], items: Iterable[int]) -> Generator[Batch, None, None]:
    """`make(item)` for each of `items`, in order, by a thread that works up to four ahead; to be
    closed."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
    try:
        yield from imap_ordered(pool, make, items, most=4)
    finally:
        pool.shutdown(cancel_futures=True)


def training_batch(method: Method, examples: Examples, order: Order, step: int) -> Batch:
    """The augmented batch of `step`."""
    return method.batch(
        examples, order.indices(step), np.random.default_rng([order.seed, 2, step]), augment=True
    )


def validation_batches(
    method: Method, examples: Examples, *, batch: int, device: torch.device
) -> Iterator[Batch]:
    """Every example once, in order, not augmented, on `device`."""
    chunks = np.array_split(np.arange(len(examples)), max(1, -(-len(examples) // batch)))
    with closing(
        prefetched(
            lambda i: method.batch(examples, chunks[i], np.random.default_rng(0), augment=False),
            range(len(chunks)),
        )
    ) as batches:
        for made in batches:
            yield on_device(made, device)


def on_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on `device`, pictures in channels-last layout (20 to 30 % faster on CPUs, tensor
    cores on GPUs)."""
    out = {}
    for name, tensor in batch.items():
        if device.type == "cuda":
            tensor = tensor.pin_memory().to(device, non_blocking=True)
        out[name] = (
            tensor.contiguous(memory_format=torch.channels_last)
            if tensor.ndim == 4 and tensor.is_floating_point()
            else tensor
        )
    return out
