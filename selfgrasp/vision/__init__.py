"""Pure functions over arrays: images to point clouds, point clouds to heightmaps, heightmaps to
crops and grasps; registration and table fitting. NumPy and OpenCV; imports core only."""

from selfgrasp.vision.antipodal import Closing, antipodal, closings
from selfgrasp.vision.augment import jitter_color
from selfgrasp.vision.crop import Crops, crop
from selfgrasp.vision.diverse import diverse
from selfgrasp.vision.foreground import MINIMUM_HEIGHT, Regions, foreground, regions
from selfgrasp.vision.grasp_pose import fingertip_height, grasp_at, grasps_at
from selfgrasp.vision.heightmap import Heightmap, heightmap, view_from_map
from selfgrasp.vision.project import deproject, on_plane, project, project_world, rays, world_points
from selfgrasp.vision.register import Rim, corrected, world_correction

__all__ = [
    "MINIMUM_HEIGHT",
    "Closing",
    "Crops",
    "Heightmap",
    "Regions",
    "Rim",
    "antipodal",
    "closings",
    "corrected",
    "crop",
    "deproject",
    "diverse",
    "fingertip_height",
    "foreground",
    "grasp_at",
    "grasps_at",
    "heightmap",
    "jitter_color",
    "on_plane",
    "project",
    "project_world",
    "rays",
    "regions",
    "view_from_map",
    "world_correction",
    "world_points",
]
