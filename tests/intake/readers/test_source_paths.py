"""Places in the source are relative to the repository, whoever ran the scanner and wherever."""

import pytest

from apps.intake.readers.source_paths import SourcePaths


@pytest.mark.parametrize(
    ("paths", "root", "asked", "place"),
    [
        (
            ["/home/jane/shop/app/a.py", "/home/jane/shop/deploy/b.yml"],
            "",
            "/home/jane/shop/app/a.py",
            "app/a.py:3",
        ),
        (["/srv/x/app/a.py"], "/srv/x", "/srv/x/app/a.py", "app/a.py:3"),
        (
            ["/home/runner/work/shop/shop/app/a.py"],
            "",
            "/home/runner/work/shop/shop/app/a.py",
            "app/a.py:3",
        ),
        (["/builds/team/shop/app/a.py"] * 2, "", "/builds/team/shop/app/a.py", "app/a.py:3"),
        (
            [r"C:\Users\jane\shop\app\a.py", r"C:\Users\jane\shop\b.py"],
            "",
            r"C:\Users\jane\shop\app\a.py",
            "app/a.py:3",
        ),
        (["file:///w/a%20b/x.py", "file:///w/y.py"], "", "file:///w/a%20b/x.py", "a b/x.py:3"),
        (["/home/jane/chat.py"], "", "/home/jane/chat.py", "chat.py:3"),
        ([], "", "./app/a.py", "app/a.py:3"),
        ([], "", "", ""),
    ],
)
def test_folders_of_the_machine_go(paths, root, asked, place):
    assert SourcePaths(paths, root=root).place(asked, 3) == place


@pytest.mark.parametrize("line", [None, 0, "0", "x", -1, True, [1]])
def test_a_line_that_is_none_is_left_out(line):
    assert SourcePaths([]).place("a.py", line) == "a.py"
