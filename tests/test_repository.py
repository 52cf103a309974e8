"""Which files must never enter a prompt: secrets, and what git ignores."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from retrieval.repository import OWN_FILE, excluded, ignored_by, is_secret, repository_root

SECRETS = (
    ".env", ".env.local", ".env.production", "server.pem", "server.key", "store.p12", "store.PFX", "app.jks", "id_rsa",
    "id_ed25519", ".netrc", ".pgpass", ".npmrc", ".pypirc", ".htpasswd", "credentials.json", "secrets.yaml",
    "prod.tfvars", "service-account-7.json", ".ssh/config", ".aws/credentials", "home/.gnupg/pubring.kbx",
)  # fmt: skip
PLAIN = (
    ".env.example", ".env.sample", ".env.template", "config.json", "settings.json", "keys.py", "credentials.py",
    "secrets.py", "environment.py", "id_rsa.pub", "key.ts", "pem.go", "package.json", "ssh/config", "env", "tokens.c",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_known_by_its_name(name):
    assert is_secret(Path("/projects/shop") / name)
    assert "secrets" in excluded(Path("/projects/shop") / name, None)


@pytest.mark.parametrize("name", PLAIN)
def test_code_is_no_secret(name):
    assert not is_secret(Path("/projects/shop") / name)
    assert excluded(Path("/projects/shop") / name, None) == ""


IGNORE_FILES = {
    ".gitignore": (
        "# comment\n\n*.log\n!keep.log\n/build\ncache/\nsrc/*.tmp\ndoc/**/draft.md\nspace\\ name.py\n"
        "trailing.py   \n\\#hash.py\n\\!bang.py\n[ab].txt\nfoo?.c\n**/deep.js\nvendor/*\n!vendor/ours\nlogs/**\n"
    ),
    "src/.gitignore": "!debug.log\nlocal.py\n/top.py\n",
    "src/inner/.gitignore": "*\n!.gitignore\n!kept.py\n",
    ".git/info/exclude": "mine.py\n*.secret\n",
    "crlf/.gitignore": "a.py\r\nb/\r\n",
    "bom/.gitignore": "\ufeffa.py\n",
    "lines/.gitignore": "x\fa.py\nx\u2028b.py\n",
    "back/.gitignore": "build/\n!packages/\n",
    "odd/.gitignore": "!\n/\n[\n***\nq**r\n\\\n[z-b]\n",
}  # fmt: skip
PATHS = (
    "a.py", "x.log", "keep.log", "src/x.log", "src/debug.log", "build/a.py", "src/build/a.py", "cache/a.py",
    "src/cache/a.py", "cache.py", "src/a.tmp", "src/inner/a.tmp", "doc/draft.md", "doc/a/b/draft.md", "space name.py",
    "trailing.py", "#hash.py", "!bang.py", "a.txt", "c.txt", "foo1.c", "foo12.c", "deep.js", "a/b/deep.js",
    "vendor/lib.py", "vendor/ours/a.py", "vendor/theirs/a.py", "logs/a/b.py", "src/local.py", "src/a/local.py",
    "local.py", "src/top.py", "src/a/top.py", "src/inner/a.py", "src/inner/kept.py", "src/inner/more/kept.py",
    "mine.py", "src/mine.py", "a.secret", "crlf/a.py", "crlf/b/c.py",
    "bom/a.py", "lines/a.py", "lines/b.py", "back/packages/build/a.py", "back/build/a.py",
    "odd/a.py", "odd/[", "odd/qxr",
)  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "--quiet")
    for name, text in IGNORE_FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


def git(root: Path, *arguments: str, **options) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(root)}
    return subprocess.run(
        ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False, **options
    ).stdout


def test_git_and_we_ignore_the_same_files(repository):
    for path in PATHS:
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).touch()
    answer = git(repository, "check-ignore", "--no-index", "--stdin", "-z", input="\0".join(PATHS))
    ignored = {path for path in PATHS if ignored_by(repository / path, repository) == "git"}
    assert ignored == set(filter(None, answer.split("\0")))
    assert "x.log" in ignored


def test_the_users_ignore_file_and_that_of_the_repository_count_in_all_worktrees(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    root, further = tmp_path / "code", tmp_path / "further"
    root.mkdir()
    git(root, "init", "--quiet")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-m", "one")
    git(root, "worktree", "add", "--quiet", str(further))
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "exclude").write_text("private.py\n")
    (tmp_path / ".gitignore_of_all").write_text("notes.py\n")
    for folder in (root, further):
        (tmp_path / ".gitconfig").write_text("")
        assert [ignored_by(folder / name, folder) for name in ("private.py", "notes.py")] == ["git", ""]
        (tmp_path / ".gitconfig").write_text("[core]\n\texcludesFile = ~/.gitignore_of_all\n")
        assert [ignored_by(folder / name, folder) for name in ("private.py", "notes.py")] == ["git", "git"]


def test_what_git_keeps_for_itself_is_ignored(repository):
    assert ignored_by(repository / ".git" / "config", repository) == "git"


def test_our_own_ignore_file_leaves_out_more_than_git_and_brings_nothing_back(tmp_path):
    for folder in (".git", "inner/drafts", "build"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / OWN_FILE).write_text("drafts/\n*.sql\n!build/\n")
    (tmp_path / "inner" / OWN_FILE).write_text("/here.py\n!kept.sql\n")
    names = ("inner/drafts/a.py", "a.sql", "inner/kept.sql", "inner/here.py", "here.py", "build/a.py", "a.py")
    assert [ignored_by(tmp_path / name, tmp_path) for name in names] == [
        OWN_FILE,
        OWN_FILE,
        "",
        OWN_FILE,
        "",
        "git",
        "",
    ]
    told = "a.sql is ignored by .ghostwrightignore: it never enters a prompt."
    assert excluded(tmp_path / "a.sql", tmp_path) == told


def test_a_changed_gitignore_counts_at_once(tmp_path):
    (tmp_path / ".git").mkdir()
    ignore = tmp_path / ".gitignore"
    ignore.write_text("a.py\n")
    assert excluded(tmp_path / "a.py", tmp_path) == "a.py is ignored by git: it never enters a prompt."
    ignore.write_text("b.py\n")
    os.utime(ignore, ns=(1, 1))
    assert excluded(tmp_path / "a.py", tmp_path) == ""


def test_a_file_outside_of_the_repository_is_not_ignored(repository):
    assert excluded(repository.parent / "x.log", repository) == ""
    assert excluded(Path("/elsewhere/x.log"), None) == ""
    assert "secrets" in excluded(repository.parent / ".env", repository)


@pytest.mark.parametrize("hidden", [".env", "ignored/a.py"])
def test_a_link_is_what_it_leads_to(tmp_path, hidden):
    root = tmp_path / "code"
    for folder in (root / ".git", root / "ignored", tmp_path / "further"):
        folder.mkdir(parents=True)
    (root / ".gitignore").write_text("ignored/\n")
    (root / hidden).write_text("x = 1\n")
    for link in (root / "link.py", tmp_path / "further" / "link.py"):
        link.symlink_to(root / hidden)
        assert "never enters a prompt" in excluded(link, root)
    (root / "seen.py").write_text("x = 1\n")
    (root / "again.py").symlink_to(root / "seen.py")
    assert excluded(root / "again.py", root) == ""
    (root / "loop.py").symlink_to(root / "loop.py")
    assert excluded(root / "loop.py", root) == ""


def test_a_gitignore_that_is_no_text_does_no_harm(tmp_path):
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe\x00*.py\n")
    assert excluded(tmp_path / "a.txt", tmp_path) == ""


def test_the_root_is_the_nearest_folder_with_git(repository):
    assert repository_root(repository / "src" / "a.py") == repository
    inner = repository / "src" / "module"
    inner.mkdir(parents=True)
    (inner / ".git").write_text("gitdir: ../../.git/modules/module\n")
    assert repository_root(inner / "a.py") == inner
    assert repository_root(Path("/a.py")) is None
