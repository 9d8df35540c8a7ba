"""Notice at start-up that another package sits on our top-level name `agents`.

The distribution openai-agents installs the same name: it shadows our folder in an editable install and overwrites our
`agents/__init__.py` in a plain one. Without this check the first sign is an ImportError from deep inside.

The command line calls `complaint()` before it imports anything of ours, since `agents.errors` may be what is missing;
everything else calls `check_agents_package()`. A healthy start costs well under five milliseconds.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import sys
from pathlib import Path

_OURS = Path(os.path.realpath(__file__)).parent.parent
_DISTRIBUTION = "folkmoot"


def foreign_agents() -> str | None:
    """Return where `agents` comes from when it is not ours, else None. Imports nothing."""
    module = sys.modules.get("agents")
    try:
        spec = getattr(module, "__spec__", None) or importlib.util.find_spec("agents")
    except (ImportError, ValueError):
        spec = None
    origin = getattr(module, "__file__", None) or (spec.origin if spec else None)
    if origin is None:
        return "nowhere" if spec is None else str(next(iter(spec.submodule_search_locations or ()), "nowhere"))
    folder = Path(os.path.realpath(origin)).parent
    if folder != _OURS / "agents" or _is_overwritten(folder):
        return str(folder)
    return None


def _is_overwritten(folder: Path) -> bool:
    """Return whether `agents/__init__.py` differs from what our own wheel installed; False in an editable install."""
    for record in _OURS.glob(f"{_DISTRIBUTION}-*.dist-info/RECORD"):
        for line in record.read_text("utf-8").splitlines():
            name, _, rest = line.partition(",")
            if name == "agents/__init__.py" and rest.startswith("sha256="):
                found = hashlib.sha256((folder / "__init__.py").read_bytes()).digest()
                wanted = rest.removeprefix("sha256=").partition(",")[0]
                return base64.urlsafe_b64encode(found).rstrip(b"=").decode() != wanted
    return False


def _owners() -> list[str]:
    """Return the distributions that install `agents`, ours left out. Slow: reads the metadata of all packages."""
    import importlib.metadata  # only now: it costs more than the whole check

    owners = importlib.metadata.packages_distributions().get("agents", [])
    return sorted({owner for owner in owners if owner.lower() != _DISTRIBUTION})


def _parts(place: str) -> tuple[str, str, str]:
    """Return given, why and fix for a foreign `agents` at that place."""
    owners = _owners()
    if owners:
        names = " and ".join(f'"{owner}"' for owner in owners)
        given = f'The Python package "agents" belongs to {names}, not to Folkmoot.'
        fix = f"run: uv pip uninstall {' '.join(owners)} && make setup, or keep Folkmoot in an environment of its own."
    else:
        given = f'The Python package "agents" comes from {place}, not from Folkmoot.'
        fix = "rename or move that folder, or start Folkmoot from another working folder."
    return given, f"Folkmoot has a package of the same name in {_OURS / 'agents'}, and Python can see only one.", fix


def complaint() -> str | None:
    """Return the message for a foreign `agents` as the command line prints it, or None. Imports nothing of ours."""
    place = foreign_agents()
    if place is None:
        return None
    given, why, fix = _parts(place)
    return f"{given}\nWhy:  {why}\nDo:   {fix}"


def check_agents_package() -> None:
    """Raise UserError that names the owner when `agents` is not our package."""
    place = foreign_agents()
    if place is not None:
        raise _error_class()(*_parts(place))


def _error_class() -> type[Exception]:
    """Return our UserError, from its file when the package that should hold it is foreign."""
    try:
        from agents.errors import UserError

        return UserError
    except ImportError:
        spec = importlib.util.spec_from_file_location("folkmoot_errors", _OURS / "agents" / "errors.py")
        if spec is None or spec.loader is None:
            return RuntimeError
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = module.UserError
        return found if isinstance(found, type) and issubclass(found, Exception) else RuntimeError
