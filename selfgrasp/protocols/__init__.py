"""The benchmark: one file a protocol; each takes any policy and plays the same scenes with it."""

from collections.abc import Mapping

from selfgrasp.protocols import (
    category,
    clear,
    clearing,
    deplete,
    embedding,
    fetch,
    heap,
    instance,
    metric,
    prediction,
    shake,
)
from selfgrasp.protocols.arrangements import ARRANGEMENTS
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.protocols.clear import CLEAR
from selfgrasp.protocols.declutter import DECLUTTER
from selfgrasp.protocols.deplete import DEPLETE
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.fetch import FETCH
from selfgrasp.protocols.heap import HEAP
from selfgrasp.protocols.instance import COMPOSITE, INSTANCE_PROTOCOL
from selfgrasp.protocols.isolated import ISOLATED
from selfgrasp.protocols.metric import Metric
from selfgrasp.protocols.shake import SHAKE

PLAYED: Mapping[str, PlayedProtocol] = {
    protocol.name: protocol
    for protocol in (
        *(ISOLATED, SHAKE, CLEAR, HEAP, DEPLETE, CATEGORY),
        *(INSTANCE_PROTOCOL, COMPOSITE, FETCH, DECLUTTER, ARRANGEMENTS),
    )
}
"""Protocols that are played in a cell; `prediction` and `embedding` read datasets."""

HEADLINES: tuple[Metric, ...] = (
    metric.SUCCESS,
    clear.INTERACTIONS,
    clearing.WITHIN_2N,
    clear.COMPLETION,
    category.CLASS_PER_ATTEMPT,
    instance.INSTANCE,
    fetch.FETCHED,
    prediction.ACCURACY,
    embedding.RETRIEVAL,
    deplete.FAILURES[30],
)
"""What a report's headline is made of: the first of these that was measured."""

METRICS: Mapping[str, Metric] = {
    one.name: one
    for one in (
        *HEADLINES,
        prediction.AUC,
        metric.PICKS_PER_HOUR,
        metric.TRUE_SUCCESS,
        metric.JUDGE_DISAGREES,
        metric.DOUBLE_LIFTS,
        metric.LOST,
        metric.PLAN_SECONDS,
        instance.INSTANCE_PER_OBJECT,
        instance.MISSED,
        instance.ABSENT_NOT_FOUND,
        fetch.ACCEPTED_WRONG,
        fetch.DROPPED_RIGHT,
        fetch.ATTEMPTS_PER_GOAL,
        fetch.ABSENT_NOT_ACCEPTED,
        shake.PRECISION,
        shake.ROBUST_SHARE,
        heap.CLEARED,
        heap.AVERAGE_PRECISION,
        clearing.EMPTIED,
        clearing.GRASP_SUCCESS,
        clearing.ACTION_EFFICIENCY,
        clearing.GRASP_SUCCESS_ALL,
        clearing.ACTION_EFFICIENCY_ALL,
        clearing.PUSHES,
        clearing.PUSH_HELPED,
        clearing.PUSH_NEEDED,
        *deplete.FAILURES.values(),
        deplete.FAILURE_WITH_REPLACEMENT,
        category.OBJECTS_PER_ATTEMPT,
        category.CLASS_PER_OBJECT,
        category.FIRST_COMMAND,
        *embedding.METRICS,
    )
}
"""Every metric of every protocol, by its name in report.json."""
