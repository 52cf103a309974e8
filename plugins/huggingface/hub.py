"""How a model comes here from the hub, when it is asked for: only what is used of it, and checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import ModelError
from plugins.huggingface.folder import read_config
from plugins.huggingface.place import FILES, is_name

_DAMAGED = "{} of {} came here damaged and was removed. Run the same command again."
_SHA256 = re.compile(r"[0-9a-f]{64}")


def download(name: str) -> Path:
    """Fetches a model, or what is missing of it, with progress bars, and compares it with the hub's checksums.

    What is in the cache of huggingface_hub is not fetched again. Raises ModelError.
    """
    if not is_name(name):
        raise ModelError(f"{name} is on this machine already: only a name on the hub can be downloaded.")
    with _explained(name):
        from huggingface_hub import hf_hub_download, model_info, snapshot_download

        files = [file.rfilename for file in model_info(name).siblings or ()]
        weights = _weights_of(name, files)
        read_config(Path(hf_hub_download(name, "config.json")).parent)  # before gigabytes are fetched for nothing
        for file in weights:
            _fetch(name, file)
        folder = Path(snapshot_download(name, allow_patterns=list(FILES)))
        _verify(name, folder)
        return folder


def _weights_of(name: str, files: list[str]) -> list[str]:
    """Those of a repository's files that hold the weights. Raises ModelError if something is missing beside them."""
    for needed in ("config.json", "tokenizer.json"):
        if needed not in files:
            raise ModelError(f"{name} has no {needed}, so it cannot be run. Name another model.")
    weights = sorted(file for file in files if re.fullmatch(r"model[^/]*\.safetensors", file))
    if not weights:
        raise ModelError(
            f"{name} has no safetensors. Other weights may hold programs and are not loaded: name another."
        )
    return weights


def _fetch(name: str, file: str) -> None:
    """Puts a large file into the cache of huggingface_hub, which itself cannot go on with one that was cut off."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get, repo_folder_name
    from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(name, file)
    about = get_hf_file_metadata(url)
    blobs = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "blobs"
    blob, partial = blobs / str(about.etag), blobs / f"{about.etag}.partial"
    if not _SHA256.fullmatch(blob.name):
        return  # it is small, and huggingface_hub's business
    with WeakFileLock(blobs / f"{about.etag}.lock"):
        if blob.exists():
            return
        with partial.open("ab") as out:
            http_get(
                url,
                out,
                resume_size=out.tell(),
                headers=build_hf_headers(),
                expected_size=about.size,
                displayed_filename=file,
            )
        with partial.open("rb") as written:
            found = hashlib.file_digest(written, "sha256").hexdigest()
        if found != blob.name:
            partial.unlink()
            raise ModelError(_DAMAGED.format(file, name))
        partial.replace(blob)


def _verify(name: str, folder: Path) -> None:
    """Removes files that are not what the hub has, so that they are fetched again. Raises ModelError."""
    from huggingface_hub import HfApi

    wrong = [each["path"] for each in HfApi().verify_repo_checksums(name).mismatches]
    for path in wrong:
        (folder / path).resolve().unlink()
        (folder / path).unlink(missing_ok=True)
    if wrong:
        raise ModelError(_DAMAGED.format(", ".join(wrong), name))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What huggingface_hub raises, as a sentence for the person who reads it."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        yield
    except ModelError:
        raise
    except RepositoryNotFoundError:
        hint = "If it is one that needs a licence, accept it on the model's page and run `hf auth login`."
        raise ModelError(f"The hub has no model {name}, or does not show it to everybody. {hint}") from None
    except Exception as error:  # its other errors, its HTTP client's and the system's
        reason = str(error).strip().partition("\n")[0] or repr(error)
        hint = "What has come is kept; the same command goes on from there."
        raise ModelError(f"{name} could not be fetched: {reason} {hint}") from None
