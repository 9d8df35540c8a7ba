"""Releases: a folder of data made from runs that loads offline, explains itself, and proves where every row came from.

`build_release` makes one, `verify_release` checks it, `diff_releases` compares two, `walk_back` tells where a row came
from, `push_release` publishes a verified one.
"""

from selfalign.release.config import ReleaseConfig, load_config

__all__ = ["ReleaseConfig", "load_config"]
