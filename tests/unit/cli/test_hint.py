"""Which command lines leave their program in the background."""

from __future__ import annotations

import pytest

from orlop.cli.hint import backgrounding, hint


@pytest.mark.parametrize(
    "words",
    [
        ["service", "nginx", "start"],
        ["/usr/sbin/service", "nginx", "restart"],
        ["/etc/init.d/ssh", "start"],
        ["apachectl", "start"],
        ["systemctl", "start", "nginx"],
        ["nginx"],
        ["redis-server", "--daemonize", "yes"],
        ["sh", "-c", "server --daemon"],
        ["bash", "-c", "echo begin; service nginx start"],
        ["sh", "-c", "mkdir -p /run/x && service nginx start;"],
        ["sh", "-c", "server --port 80 &"],
    ],
)
def test_background(words: list[str]) -> None:
    assert backgrounding(words)
    assert backgrounding(words) in hint(words, 0.31)
    assert "exited 0 after 0.3 s" in hint(words, 0.31)


@pytest.mark.parametrize(
    "words",
    [
        [], ["true"], ["service"], ["service", "nginx", "status"], ["systemctl"],
        ["nginx", "-g", "daemon off;"], ["sh", "-c", ""], ["sh", "-c", ";"], ["sh", "-c", "a &&"],
        ["sh", "-c", "service nginx start; tail -f /var/log/nginx/access.log"],
        ["sh", "-c", "server & wait"], ["sh"], ["echo", "start"], ["sh", "-c"],
    ],
)  # fmt: skip
def test_foreground(words: list[str]) -> None:
    assert hint(words, 0.1) == ""
