from __future__ import annotations

from pathlib import Path

import pytest
from dockerfile_vectors import FOLDER, cases, go_quote

from orlop.builder import directives, heredoc
from orlop.builder.lines import json_array, name_values, split_words
from orlop.builder.parser import Node, parse
from orlop.errors import InvalidArgument


def dump(node: Node) -> str:
    out = node.name
    if node.flags:
        out += " [" + " ".join(go_quote(f) for f in node.flags) + "]"
    if node.child is not None:
        return f"({out} {dump(node.child)})"
    for word in node.words:
        out += " " + go_quote(word)
    return f"({out})"


@pytest.mark.parametrize("folder", sorted((FOLDER / "parse").iterdir()), ids=lambda p: p.name)
def test_the_tree_is_the_expected_one(folder: Path) -> None:
    parsed = parse((folder / "Dockerfile").read_bytes().decode())
    wanted = (folder / "result").read_text().rstrip("\n")
    assert "\n".join(dump(node) for node in parsed.nodes) == wanted


@pytest.mark.parametrize(
    "folder", sorted((FOLDER / "parse-negative").iterdir()), ids=lambda p: p.name
)
def test_what_must_not_parse(folder: Path) -> None:
    with pytest.raises(InvalidArgument):
        parse((folder / "Dockerfile").read_text())


def test_line_numbers_are_those_of_the_file() -> None:
    text = (FOLDER / "parse-line" / "Dockerfile").read_text()
    spans = [(n.line, n.last_line) for n in parse(text).nodes]
    assert spans == [(5, 5), (11, 12), (17, 31)]
    for node in parse(text).nodes:
        assert text.split("\n")[node.line - 1].lower().startswith(node.name)


@pytest.mark.parametrize("case", cases("directives.json", "directives"))
def test_directives(case: dict) -> None:
    found = directives.parse_all(case["input"])
    assert [{"line": d.line, "name": d.name, "value": d.value} for d in found] == case["directives"]


@pytest.mark.parametrize("kind", ["syntax", "check"])
def test_directives_of_any_form(kind: str) -> None:
    for case in cases("directives.json", kind):
        found = directives.detect(case["input"], kind)
        assert (found is not None) == case["ok"], case
        if found is not None:
            assert found == (case["cmdline"], case.get("line", 0)), case
            assert found[0].split()[0] == case["ref"]


@pytest.mark.parametrize("case", cases("heredoc.json", "instruction"))
def test_heredocs_of_an_instruction(case: dict) -> None:
    (node,) = parse(case["source"]).nodes
    assert node.name.upper() == case["instruction"]
    found = [
        {"chomp": h.chomp, "content": h.content, "expand": h.expand, "fd": h.fd, "name": h.name}
        for h in node.heredocs
    ]
    assert found == case["heredocs"]


@pytest.mark.parametrize("case", cases("heredoc.json", "word"), ids=lambda c: c["word"])
def test_heredoc_words(case: dict) -> None:
    if "error" in case:
        with pytest.raises(InvalidArgument) as caught:
            heredoc.parse_word(case["word"])
        assert caught.value.message == case["error"]
        return
    found = heredoc.parse_word(case["word"])
    if case["heredoc"] is None:
        assert found is None
        return
    assert found is not None
    wanted = case["heredoc"]
    assert (found.name, found.expand, found.chomp, found.fd) == (
        wanted["name"], wanted["expand"], wanted["chomp"], wanted["fd"],
    )  # fmt: skip


@pytest.mark.parametrize("case", cases("heredoc.json", "line"), ids=lambda c: c["line"])
def test_heredocs_of_a_line(case: dict) -> None:
    found = heredoc.of_line(case["line"])
    assert [(h.name, h.expand, h.chomp, h.fd) for h in found] == [
        (h["name"], h["expand"], h["chomp"], h["fd"]) for h in case["heredocs"]
    ]


def test_chomp_takes_leading_tabs() -> None:
    for case in cases("heredoc.json", "chomp"):
        assert heredoc.chomped(case["content"]) == case["result"]


def test_an_unterminated_heredoc_names_its_line() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse("FROM x\nRUN <<EOF\nls\n")
    assert caught.value.message == "dockerfile parse error on line 2: unterminated heredoc"


def test_json_arrays() -> None:
    for case in cases("instructions.json", "json_array"):
        if case["ok"]:
            assert json_array(case["text"]) == case["value"]
        else:
            with pytest.raises(InvalidArgument):
                json_array(case["text"])


def test_words_keep_quotes_and_escapes() -> None:
    for case in cases("instructions.json", "words"):
        assert split_words(case["input"], "\\") == case["words"]


def test_names_and_values() -> None:
    for case in cases("instructions.json", "name_val"):
        if "error" in case:
            with pytest.raises(InvalidArgument, match=case["error"]):
                name_values(case["rest"], "\\", case["instruction"])
        else:
            flat = [part for triple in case["pairs"] for part in triple]
            assert name_values(case["rest"], "\\", case["instruction"]) == flat


def test_a_gap_in_a_continuation_warns() -> None:
    parsed = parse("FROM x\nRUN a \\\n\n b\n")
    assert parsed.warnings == ((2, "Empty continuation line found in:\n    RUN a  b"),)


def test_only_one_escape_directive() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse("# escape=`\n# escape=\\\nFROM x\n")
    assert caught.value.message == (
        "dockerfile parse error on line 2: only one escape parser directive can be used"
    )
