"""Models on this machine: entries in `conf/model/`, the cache, and checked folders of weights.

>>> load_entry("smollm2_135m").licence
'Apache-2.0'
"""

from sim.models.cache import Listing, cache_root, folder_of, ls, path, pull, resolve, rm
from sim.models.entry import DEFAULT_MODEL, Kind, ModelEntry, entry_names, load_entry, parse_entry
from sim.models.folder import SUPPORTED_ARCHITECTURES, ModelFolder, verify

__all__ = [
    "DEFAULT_MODEL",
    "SUPPORTED_ARCHITECTURES",
    "Kind",
    "Listing",
    "ModelEntry",
    "ModelFolder",
    "cache_root",
    "entry_names",
    "folder_of",
    "load_entry",
    "ls",
    "parse_entry",
    "path",
    "pull",
    "resolve",
    "rm",
    "verify",
]
