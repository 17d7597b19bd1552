"""Which paths of a change are in the way of others."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.git.working_copy import clashing

PATHS = st.sets(st.lists(st.sampled_from(["a", "b", "a-", "a.b", "\udcff"]), min_size=1, max_size=4).map("/".join))


@given(PATHS, PATHS)
def test_a_path_is_in_the_way_where_another_needs_it_as_a_folder(others: set[str], made: set[str]) -> None:
    paths = others | made

    expected = {
        path for path in made if any(o.startswith(f"{path}/") or path.startswith(f"{o}/") for o in paths - {path})
    }
    assert clashing(paths, made) == sorted(expected)


def test_a_repository_of_deep_folders_takes_no_more_memory_than_its_paths() -> None:
    paths = {f"{number}/{'a/' * 1000}file" for number in range(100)}  # 200 KB, and in all their folders 100 MB
    tracemalloc.start()
    try:
        assert clashing(paths | {"new"}, {"new"}) == []
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
