"""Publishing: only when told so, only what passes verification, and private unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.errors import UserError, missing_extra
from selfalign.release.reading import Release
from selfalign.release.verify import verify_release


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be published, or was. files: (path, bytes)."""

    repository: str
    tag: str
    private: bool
    files: tuple[tuple[str, int], ...]
    done: bool = False

    @property
    def num_bytes(self) -> int:
        """Size of all files."""
        return sum(size for _, size in self.files)


def push_release(folder: Path, repository: str, *, really: bool = False, private: bool = True) -> Plan:
    """Plan the upload of a verified release to a dataset repository of the hub, and do it when `really` is True.

    Raises UserError for a repository that is no OWNER/NAME, a release that fails verification, and a missing package.
    """
    owner, slash, name = repository.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise UserError(
            f'"{repository}" is no repository.',
            "a dataset of the hub belongs to a user or an organisation.",
            "write OWNER/NAME",
        )
    failed = [check for check in verify_release(folder) if not check.passed]
    if failed:
        raise UserError(
            f"{folder} is not published: it fails verification.",
            "; ".join(f"{check.name}: {check.found}" for check in failed),
            f"see: folkmoot release verify {folder}",
        )
    release = Release.open(folder)
    files = tuple(
        (path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    plan = Plan(
        repository=repository,
        tag=f"v{release.settings()['version']}",
        private=private,
        files=files,
        done=really,
    )
    if really:
        _upload(folder, plan)
    return plan


def _upload(folder: Path, plan: Plan) -> None:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise missing_extra("huggingface_hub", "release") from None
    hub = HfApi()
    try:
        hub.create_repo(plan.repository, repo_type="dataset", private=plan.private, exist_ok=True)
        hub.upload_folder(
            repo_id=plan.repository,
            repo_type="dataset",
            folder_path=folder,
            commit_message=f"Release {plan.tag}",
            delete_patterns="*",
        )
        hub.create_tag(plan.repository, tag=plan.tag, repo_type="dataset")
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f"The upload to {plan.repository} failed.",
            f"{str(error).splitlines()[0][:200]}.",
            "log in with `hf auth login`, check the network and your rights; a tag that exists is never moved",
        ) from None
