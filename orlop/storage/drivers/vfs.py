"""vfs: every layer a whole copy. Works on any filesystem; quick only where it shares blocks."""

from __future__ import annotations

import os
from pathlib import Path

from orlop.storage.clone import clone_tree
from orlop.storage.drivers.whole import WholeTrees

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Vfs(WholeTrees):
    name = "vfs"
    folder = "dir"

    def create(self, id: str) -> Path:
        tree = self.tree(id)
        tree.mkdir(mode=0o755)
        tree.chmod(0o755)
        return tree

    def attach(self, id: str, parent: str) -> None:
        tree = self.tree(id)
        difference = ""
        if os.listdir(tree):
            difference = f"{id}-diff"  # an orphan to sweep, should we not come to the end
            os.rename(tree, self.tree(difference))
            self.create(id)
        into = os.open(tree, _DIRECTORY)
        try:
            source = os.open(self.tree(parent), _DIRECTORY)
            try:
                clone_tree(source, into)
            finally:
                os.close(source)
        finally:
            os.close(into)
        if difference:
            self._lay_over(difference, id)
