"""An ordered `imap` over an executor, with a bounded number of items in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def imap_ordered(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], *, most: int
) -> Iterator[Result]:
    """`work(item)` for each of `items`, in their order; `items` may be endless.

    Up to `most` items are submitted before their results are asked for. An error in `work` is
    raised where its result is asked for. Closing the iterator cancels nothing: the owner of the
    pool does that.
    """
    begun: deque[Future[Result]] = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) > most:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
