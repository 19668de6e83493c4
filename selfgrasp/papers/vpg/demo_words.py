"""What came of the demo's actions, in words."""

from __future__ import annotations

from selfgrasp.core import AttemptKind
from selfgrasp.core.record import kind_of
from selfgrasp.papers.vpg.demo_steps import Run
from selfgrasp.vision.change import CHANGED_AREA
from selfgrasp.viz.kinds import KIND_SENTENCES
from selfgrasp.viz.kinds import kind_of as word_of
from selfgrasp.workcell.attempt import Played

_WORTH = {
    (False, True): "before the push it would not have held, after it it holds: the push helped.",
    (False, False): "it would not have held before the push, and does not after it.",
    (True, True): "it would have held before the push as well as after it: no push was needed.",
    (True, False): "it would have held before the push, and does not after it: the push did harm.",
}


def came_of(one: Played, changed: float, lost: int) -> list[str]:
    """Sentences of what an action brought.

    Args:
        one: the action.
        changed: m^2 of the heightmap, see `vision.change.changed_area`.
        lost: objects that left the workspace by it.
    """
    sentences = []
    if one.attempt.outcome.grasped:
        sentences.append(_held(one))
    elif kind_of(one.attempt) is AttemptKind.PUSH and one.attempt.outcome.fault is None:
        sentences.append(_changed(changed, "The push"))
    else:
        sentences.append(KIND_SENTENCES[word_of(one.attempt)])
        if kind_of(one.attempt) is AttemptKind.GRASP:
            sentences.append(_changed(changed, "The grasp"))
    if one.worth is not None:
        sentences.append(f"The best grasp was tried and undone: {_WORTH[one.worth]}")
    if lost:
        sentences.append(f"{counted(lost, 'block')} left the workspace.")
    return sentences


def _held(one: Played) -> str:
    names = " and ".join(thing.name for thing in one.lifted or ())
    what = f" ({names})" if names else ""
    return f"The grasp held: {one.attempt.outcome.width * 1e3:.0f} mm between the fingers{what}."


def _changed(area: float, what: str) -> str:
    size = f"{area * 1e4:.0f} cm² of the heightmap by more than 1 cm"
    if area > CHANGED_AREA:
        return f"{what} changed the table: {size}."
    return f"{what} did not change the table: {size}, less than {CHANGED_AREA * 1e4:.0f} cm²."


def headline(run: Run) -> str:
    """What the run came to."""
    pushes = "one of them a push" if run.pushes == 1 else f"{run.pushes} of them pushes"
    actions = f"{counted(run.actions, 'action')}, {pushes}"
    if run.cleared:
        return f"{counted(run.blocks, 'block')} cleared in {actions}"
    return f"{run.lifted} of {run.blocks} blocks lifted in {actions}"


def ending(run: Run) -> str:
    """How the run ended."""
    lost, left = sum(run.lost), run.blocks - run.lifted - sum(run.lost)
    parts = [
        f"{counted(left, 'block')} {'is' if left == 1 else 'are'} left" if left else "",
        f"{counted(lost, 'block')} left the workspace" if lost else "",
        "" if run.finished else "it was stopped",
    ]
    return ", ".join(part for part in parts if part) or "nothing is left"


def counted(number: int, one: str, many: str = "") -> str:
    """A number and a noun; `many` is its plural where that has more than an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"
