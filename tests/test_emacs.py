"""Emacs with Eglot and this server, without a screen: the popup, and the buffer once its entry is taken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 120
"""Seconds after which a test gives up waiting."""

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n"

SCRIPT = """
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


@pytest.fixture(scope="module")
def emacs() -> str:
    """The program of an Emacs with Eglot. Skips the test if there is none."""
    program = shutil.which("emacs")
    if not program:
        pytest.skip("no Emacs here: apt-get install emacs-nox elpa-eglot")
    check = [program, "--batch", "--eval", "(progn (package-initialize) (require 'eglot))"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip("this Emacs has no Eglot: apt-get install elpa-eglot, or Emacs 29")
    return program


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_the_popup_offers_the_completion_and_inserts_it(emacs, tmp_path, before):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "point.py").write_text(POINT)
    command = " ".join(json.dumps(part) for part in (sys.executable, "-m", "assistant", "lsp"))
    values = {"command": command, "file": quoted(tmp_path / "point.py"), "typed": quoted(f"        {before}self.")}
    script = tmp_path / "test.el"
    script.write_text(SCRIPT % values, encoding="utf-8")
    run = [emacs, "--batch", "--eval", "(package-initialize)", "-l", str(script)]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(run, capture_output=True, encoding="utf-8", env=env, cwd=tmp_path, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["entries"] >= 1
    assert result["text"].startswith(f"{POINT}        {before}self.y = y")


def quoted(value: object) -> str:
    """A text in Emacs Lisp."""
    return json.dumps(str(Path(value) if isinstance(value, Path) else value), ensure_ascii=False)
