"""Text for terminals and documents, whatever a file is called."""

import os

from rgnet.text import markdown_table, printable


def test_control_characters_and_bytes_that_are_no_text_become_escapes():
    assert printable("Überhöhe 日本.jpg") == "Überhöhe 日本.jpg"
    assert printable("a\x1b[31m\n.jpg") == "a\\x1b[31m\\n.jpg"
    assert printable(os.fsdecode(b"a\xff.jpg")) == "a\\udcff.jpg"


def test_a_cell_cannot_break_a_markdown_table():
    table = markdown_table(("photo", "score"), [("a|b\nc.jpg", 3.25), ("d.jpg", None)])
    assert table == "| photo | score |\n| --- | --- |\n| a\\|b c.jpg | 3.25 |\n| d.jpg | None |"
