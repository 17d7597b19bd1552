"""What a token is worth."""

from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.access import Access, judge


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_only_the_very_token_is_let_in_whatever_bytes_it_is_made_of(presented: bytes, configured: bytes):
    assert judge(presented, configured) is (Access.GRANTED if presented == configured else Access.DENIED)


@given(st.one_of(st.none(), st.binary()))
def test_without_a_configured_token_nobody_is_let_in(presented: bytes | None):
    assert judge(presented, None) is Access.UNCONFIGURED
    assert judge(presented, b"") is Access.UNCONFIGURED


def test_no_token_is_not_a_wrong_token():
    assert judge(None, b"secret") is Access.MISSING
    assert judge(b"", b"secret") is Access.MISSING
