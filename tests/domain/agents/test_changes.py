from gitoma.domain.agents.changes import FileChange


def test_a_diff_shows_a_final_line_end_that_is_added_or_missing() -> None:
    assert list(FileChange("a", "x", "x\n").diff())[3:] == ["-x", "\\ No newline at end of file", "+x"]
    assert list(FileChange("a", "x\n", "y\n").diff())[3:] == ["-x", "+y"]
