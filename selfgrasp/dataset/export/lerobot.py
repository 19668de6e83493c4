"""LeRobotDataset v3.0, written with pyarrow alone: an attempt becomes an episode and a step a
frame.

What LeRobot has no place for stays behind: the look after, the present view, labels,
vectors, candidates, sessions and the splits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from selfgrasp.codec import decode_color, decode_depth
from selfgrasp.common.files import atomic_folder
from selfgrasp.core import CameraSpec, InputError
from selfgrasp.dataset.export.lerobot_frames import (
    ACTION_NAMES,
    STATE_NAMES,
    Statistics,
    action_vector,
    color_key,
    depth_key,
    depth_tiff,
    features,
    some_pixels,
    state_vector,
    task_of,
)
from selfgrasp.dataset.reader import Dataset
from selfgrasp.dataset.schema import picture_keys

FPS = 1
"""LeRobot wants a constant rate; attempts have none, so that a frame's time stamp is its index."""

_CHUNK = 256
_FILE_BYTES = 100_000_000
_FILES_PER_FOLDER = 1000


def export_lerobot(path: str | Path, out: str | Path) -> int:
    """Writes the dataset in `path` as a LeRobotDataset v3.0 to the new folder `out`; returns the
    number of episodes.

    Attempts without a look before, without steps, or without a picture of every camera of the cell
    at every step are left out. Frames hold observation.images.<camera> (the stored JPEG or PNG
    bytes), observation.images.<camera>_depth (m, 0 where there is no return, as LeRobot from 0.6 on
    reads it), observation.state, action, success (of the whole attempt), next.reward (1 on the last
    frame of a grasp that held something), next.done and next.success.

    Raises:
        InputError: no dataset, a damaged one, one without an attempt that can be exported, or `out`
            exists and is not empty.
    """
    with atomic_folder(Path(out)) as partial, Dataset.open(path) as dataset:
        cameras = dataset.spec.cameras
        export = _Export(partial, cameras, features(cameras))
        for plain, pictures in _plains(dataset):
            if not _is_whole(plain, cameras):
                continue
            try:
                export.episode(plain, pictures)
            except InputError as error:
                raise InputError(
                    given=f"attempt {plain['id']}: {error.given}", wanted=error.wanted
                ) from error
        if not export.episodes:
            raise InputError(
                given=f"{len(dataset)} attempts of {path}",
                wanted=f"one at least with steps and a picture of {', '.join(cameras)} at "
                "every step",
                exists="attempts with faults or without these cameras only",
            )
        export.finish(dataset.spec.name)
    return len(export.episodes)


def _plains(dataset: Dataset) -> Iterator[tuple[dict[str, object], dict[str, bytes]]]:
    for start in range(0, len(dataset), _CHUNK):
        plains = dataset.stored.plain(
            np.arange(start, min(start + _CHUNK, len(dataset)), dtype=np.int64)
        )
        pictures = dataset.stored.all_picture_bytes(picture_keys(plains))
        for plain in plains:
            yield plain, pictures


def _look(plain: Mapping[str, Any], step: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return plain["before"] if step["observation"] is None else step["observation"]  # type: ignore[no-any-return]


def _is_whole(plain: Mapping[str, Any], cameras: Mapping[str, CameraSpec]) -> bool:
    looks = [_look(plain, step) for step in plain["steps"]]
    return bool(looks) and all(
        look is not None and _sees_all(look["views"], cameras) for look in looks
    )


def _sees_all(views: Sequence[Mapping[str, Any]], cameras: Mapping[str, CameraSpec]) -> bool:
    whole = {
        view["name"]
        for view in views
        if view["name"] in cameras
        and (view["depth"] is not None or not cameras[view["name"]].has_depth)
    }
    return whole == set(cameras)


@dataclass
class _Export:
    """Grows the files of one export."""

    out: Path
    cameras: Mapping[str, CameraSpec]
    features: dict[str, object]
    episodes: list[dict[str, object]] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)
    statistics: Statistics = field(default_factory=Statistics)
    frames: int = 0
    _rows: list[dict[str, object]] = field(default_factory=list)
    _bytes: int = 0
    _file: int = 0

    def episode(self, plain: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
        """One attempt."""
        task = task_of(plain["goal"])
        number, first, steps = len(self.episodes), self.frames, plain["steps"]
        held, statistics = bool(plain["outcome"]["grasped"]), Statistics()
        for i, step in enumerate(steps):
            look = _look(plain, step)
            assert look is not None
            last = i == len(steps) - 1
            numbers = {
                "observation.state": state_vector(look["hand"]),
                "action": action_vector(step["action"]),
                "next.reward": float(last and held),
                "next.done": last,
                "next.success": last and held,
                "success": held,
                "timestamp": i / FPS,
                "frame_index": i,
                "episode_index": number,
                "index": self.frames,
                "task_index": self.tasks.setdefault(task, len(self.tasks)),
            }
            images, pixels = self._images(look["views"], pictures)
            for kept in (statistics, self.statistics):
                kept.add(numbers, pixels)
            self._rows.append(
                {**{key: {"bytes": data, "path": None} for key, data in images.items()}, **numbers}
            )
            self._bytes += sum(map(len, images.values()))
            self.frames += 1
        self.episodes.append(
            {
                "episode_index": number,
                "tasks": [task],
                "length": len(steps),
                "data/chunk_index": self._file // _FILES_PER_FOLDER,
                "data/file_index": self._file % _FILES_PER_FOLDER,
                "dataset_from_index": first,
                "dataset_to_index": self.frames,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                **statistics.columns(),
            }
        )
        if self._bytes > _FILE_BYTES:
            self._write_data()

    def _images(
        self, views: Sequence[Mapping[str, Any]], pictures: Mapping[str, bytes]
    ) -> tuple[dict[str, bytes], dict[str, NDArray[np.float64]]]:
        """Files of pictures, and some of their pixels for statistics, by feature."""
        colors: dict[str, bytes] = {}
        depths: dict[str, bytes] = {}
        pixels: dict[str, NDArray[np.float64]] = {}
        for view in views:
            if (name := view["name"]) not in self.cameras:
                continue
            colors[color_key(name)] = pictures[view["color"]]
            color = decode_color(pictures[view["color"]])
            _require_size(color, self.cameras[name], name)
            pixels[color_key(name)] = some_pixels(color) / 255.0
            if self.cameras[name].has_depth:
                depth = decode_depth(pictures[view["depth"]], view["depth_step"])
                _require_size(depth, self.cameras[name], name)
                depths[depth_key(name)] = depth_tiff(depth)
                pixels[depth_key(name)] = some_pixels(np.nan_to_num(depth, nan=0.0)[..., None])
        return colors | depths, pixels

    def finish(self, robot: str) -> None:
        """Writes what is left, and the meta files."""
        if self._rows:
            self._write_data()
        _write(
            self.out / "meta/episodes/chunk-000/file-000.parquet",
            pa.Table.from_pylist(self.episodes),
        )
        _write(self.out / "meta/tasks.parquet", _tasks_table(self.tasks))
        _write_json(self.out / "meta/stats.json", self.statistics.summary())
        info = {
            "codebase_version": "v3.0",
            "robot_type": robot,
            "total_episodes": len(self.episodes),
            "total_frames": self.frames,
            "total_tasks": len(self.tasks),
            "chunks_size": _FILES_PER_FOLDER,
            "data_files_size_in_mb": _FILE_BYTES // 1_000_000,
            "video_files_size_in_mb": 500,
            "fps": FPS,
            "splits": {"train": f"0:{len(self.episodes)}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": None,
            "features": self.features,
        }
        _write_json(self.out / "meta/info.json", info)

    def _write_data(self) -> None:
        images = [
            (name, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
            for name in self.features
            if name.startswith("observation.images.")
        ]
        schema = pa.schema(
            [
                *images,
                ("observation.state", pa.list_(pa.float32(), len(STATE_NAMES))),
                ("action", pa.list_(pa.float32(), len(ACTION_NAMES))),
                ("next.reward", pa.float32()),
                ("next.done", pa.bool_()),
                ("next.success", pa.bool_()),
                ("success", pa.bool_()),
                ("timestamp", pa.float32()),
                *(
                    (name, pa.int64())
                    for name in ("frame_index", "episode_index", "index", "task_index")
                ),
            ]
        )
        chunk, file = divmod(self._file, _FILES_PER_FOLDER)
        name = f"chunk-{chunk:03d}/file-{file:03d}.parquet"
        _write(self.out / "data" / name, pa.Table.from_pylist(self._rows, schema=schema))
        self._rows, self._bytes, self._file = [], 0, self._file + 1


def _require_size(picture: NDArray[Any], camera: CameraSpec, name: str) -> None:
    height, width = picture.shape[:2]
    if (height, width) != (camera.height, camera.width):
        raise InputError(
            given=f"a picture of {width} x {height} px of {name}",
            wanted=f"{camera.width} x {camera.height} px, as the cell has it",
        )


def _tasks_table(tasks: Mapping[str, int]) -> pa.Table:
    """Task texts as the index of a pandas frame: LeRobot looks a task up by its place and reads the
    text from the index."""
    index = "__index_level_0__"
    table = pa.table(
        {
            "task_index": pa.array(list(tasks.values()), pa.int64()),
            index: pa.array(list(tasks), pa.string()),
        }
    )
    columns = [
        {
            "name": "task_index",
            "field_name": "task_index",
            "pandas_type": "int64",
            "numpy_type": "int64",
            "metadata": None,
        },
        {
            "name": None,
            "field_name": index,
            "pandas_type": "unicode",
            "numpy_type": "object",
            "metadata": None,
        },
    ]
    creator = {"library": "pyarrow", "version": pa.__version__}
    pandas = {
        "index_columns": [index],
        "column_indexes": [],
        "columns": columns,
        "creator": creator,
        "pandas_version": "2",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="snappy")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=4))
