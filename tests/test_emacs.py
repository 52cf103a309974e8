"""Emacs with this server, without a screen: Eglot's popup, lsp-mode's ghost text, and the buffer once it is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from terminal import program

PATIENCE = 120
"""Seconds after which a test gives up waiting."""

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n"

EGLOT = """
(require 'eglot)
(setq eglot-sync-connect 60 eglot-connect-timeout 60)
(add-to-list 'eglot-server-programs '(python-mode . (%(command)s :initializationOptions (:min_probability 0))))
(defvar status "")
(cl-defmethod eglot-handle-notification (_server (_method (eql didChangeStatus)) &key message &allow-other-keys)
  (setq status message))
(find-file %(file)s)
(apply #'eglot--connect (eglot--guess-contact))
(while (not (string-prefix-p "Ready" status)) (accept-process-output nil 0.1))
(goto-char (point-max))
(insert %(typed)s)
(let (found entries entry begin)
  (while (not entries)  ; on a busy machine the first answer may be empty
    (setq found (eglot-completion-at-point) entries (all-completions "" (nth 2 found))))
  (setq entry (car entries) begin (nth 0 found))
  (delete-region begin (point))
  (insert entry)
  (funcall (plist-get (nthcdr 3 found) :exit-function) entry 'finished)
  (princ (json-encode (list :entries (length entries) :text (buffer-string)))))
(eglot-shutdown (eglot-current-server))
"""

LSP_MODE = """
(require 'lsp-mode)
(require 'lsp-inline-completion)
(setq lsp-client-packages nil lsp-enable-file-watchers nil lsp-enable-suggest-server-download nil lsp-enable-snippet nil
      lsp-lens-enable nil lsp-auto-guess-root t lsp-session-file (expand-file-name "session"))
(defvar status "")
(lsp-register-client
 (make-lsp-client :new-connection (lsp-stdio-connection '(%(command)s))
                  :activation-fn (lsp-activate-on "python")
                  :initialization-options '(:min_probability 0)
                  :notification-handlers
                  (lsp-ht ("didChangeStatus" (lambda (_ told) (setq status (gethash "message" told)))))
                  :add-on? t
                  :server-id 'ghostwright))
(lsp-workspace-folders-add default-directory)
(find-file %(file)s)
(switch-to-buffer "point.py")
(let ((noninteractive nil)) (lsp))
(while (not (string-prefix-p "Ready" status)) (accept-process-output nil 0.1))
(goto-char (point-max))
(insert %(typed)s)
(let (shown)
  (while (not shown)  ; on a busy machine the first answer may be empty
    (lsp-inline-completion-display)
    (accept-process-output nil 0.1)
    (setq shown (and lsp-inline-completion--overlay (overlay-get lsp-inline-completion--overlay 'after-string))))
  (lsp-inline-completion-accept)
  (princ (json-encode (list :shown (substring-no-properties shown) :text (buffer-string)))))
"""


@pytest.fixture(scope="module")
def emacs() -> str:
    return program("emacs")


@pytest.fixture(scope="module")
def with_eglot(emacs: str) -> list[str]:
    """The options with which Emacs knows Eglot. Skips the test if it is not there."""
    options = ["--eval", "(package-initialize)"]
    if subprocess.run([emacs, "--batch", *options, "--eval", "(require 'eglot)"], capture_output=True).returncode:
        pytest.skip("this Emacs has no Eglot: apt-get install elpa-eglot, or Emacs 29")
    return options


@pytest.fixture(scope="module")
def with_lsp_mode() -> list[str]:
    """The options with which Emacs knows lsp-mode 10. Skips the test if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghostwright" / "lsp-mode"
    folders = sorted(cache.glob("usr/share/emacs/site-lisp/elpa-src/*"))
    if not folders:
        pytest.skip("no lsp-mode here: .ci/editors gets it")
    return [part for folder in folders for part in ("-L", str(folder))]


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_eglot_s_popup_offers_the_completion_and_inserts_it(emacs, with_eglot, tmp_path, before):
    result = run(emacs, with_eglot, EGLOT, tmp_path, f"        {before}self.")
    assert result["entries"] >= 1
    assert result["text"].startswith(f"{POINT}        {before}self.y = y")


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_lsp_mode_shows_ghost_text_and_inserts_it(emacs, with_lsp_mode, tmp_path, before):
    result = run(emacs, with_lsp_mode, LSP_MODE, tmp_path, f"        {before}self.")
    assert result["shown"].startswith("y = y")
    assert result["text"] == f"{POINT}        {before}self.{result['shown']}"


def run(emacs: str, options: list[str], script: str, folder: Path, typed: str) -> dict[str, Any]:
    """What a script prints that types into a Python file."""
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "point.py").write_text(POINT)
    command = " ".join(quoted(part) for part in (sys.executable, "-m", "assistant", "lsp"))
    values = {"command": command, "file": quoted(folder / "point.py"), "typed": quoted(typed)}
    (folder / "test.el").write_text(script % values, encoding="utf-8")
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    batch = [emacs, "--batch", *options, "-l", "test.el"]
    done = subprocess.run(batch, capture_output=True, encoding="utf-8", env=env, cwd=folder, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def quoted(value: object) -> str:
    """A text in Emacs Lisp."""
    return json.dumps(str(value), ensure_ascii=False)
