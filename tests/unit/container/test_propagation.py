from __future__ import annotations

from pathlib import Path

import pytest

from orlop.container import propagation
from orlop.errors import SystemFailure

TABLE = """\
1 0 8:1 / / rw,relatime - ext4 /dev/sda rw
2 1 0:5 / /srv rw shared:3 - tmpfs tmpfs rw
3 1 0:6 / /srv/in rw master:3 - tmpfs tmpfs rw
4 1 0:7 / /a\\040b rw shared:4 propagate_from:2 - tmpfs tmpfs rw
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return str(path)


@pytest.mark.parametrize(
    ("source", "wanted", "text"),
    [
        ("/opt", "rshared", "path /opt is mounted on / but it is not a shared mount"),
        ("/opt", "slave", "path /opt is mounted on / but it is not a shared or slave mount"),
        ("/opt", "rprivate", ""),
        ("/opt", "", ""),
        ("/srv", "shared", ""),
        ("/srv/x", "rslave", ""),
        ("/srvother", "shared", "path /srvother is mounted on / but it is not a shared mount"),
        (
            "/srv/in/x",
            "shared",
            "path /srv/in/x is mounted on /srv/in but it is not a shared mount",
        ),
        ("/srv/in/x", "slave", ""),
        ("/a b/c", "shared", ""),
    ],
)
def test_check(table: str, source: str, wanted: str, text: str) -> None:
    if not text:
        propagation.check(source, wanted, table)
        return
    with pytest.raises(SystemFailure) as error:
        propagation.check(source, wanted, table)
    assert error.value.message == text
