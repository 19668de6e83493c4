"""The nouns: frozen data that every other part speaks in, and the few tools that all need. NumPy
only; no torch, no simulator."""

from selfgrasp.core.action import Action, Close, Grasp, Move, Push, Release
from selfgrasp.core.attempt import (
    UNINFORMATIVE_FAULTS,
    Attempt,
    Fault,
    Label,
    LabelValue,
    Outcome,
    Session,
    Step,
)
from selfgrasp.core.candidates import Candidates
from selfgrasp.core.embedding import Embedding, Heat2D
from selfgrasp.core.errors import InputError, SelfgraspError, Stopped, unknown_name
from selfgrasp.core.observation import Hand, Observation, View
from selfgrasp.core.plan import Draw, Heat, Plan, draw
from selfgrasp.core.policy import (
    ANYTHING,
    Context,
    Fixed,
    Goal,
    Policy,
    Scorer,
    Verdict,
    Verifies,
)
from selfgrasp.core.policy_ref import PolicyRef
from selfgrasp.core.record import AttemptKind, AttemptRecord, ObjectRef
from selfgrasp.core.spec import CameraSpec, CellSpec, GripperSpec, Workspace
from selfgrasp.core.watcher import Watcher

__all__ = [
    "ANYTHING",
    "UNINFORMATIVE_FAULTS",
    "Action",
    "Attempt",
    "AttemptKind",
    "AttemptRecord",
    "CameraSpec",
    "Candidates",
    "CellSpec",
    "Close",
    "Context",
    "Draw",
    "Embedding",
    "Fault",
    "Fixed",
    "Goal",
    "Grasp",
    "GripperSpec",
    "Hand",
    "Heat",
    "Heat2D",
    "InputError",
    "Label",
    "LabelValue",
    "Move",
    "ObjectRef",
    "Observation",
    "Outcome",
    "Plan",
    "Policy",
    "PolicyRef",
    "Push",
    "Release",
    "Scorer",
    "SelfgraspError",
    "Session",
    "Step",
    "Stopped",
    "Verdict",
    "Verifies",
    "View",
    "Watcher",
    "Workspace",
    "draw",
    "unknown_name",
]
