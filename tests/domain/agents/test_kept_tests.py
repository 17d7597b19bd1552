import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.changes import FileChange
from gitoma.domain.agents.kept_tests import holds_tests, lost_tests

PYTHON = (
    "def test_one():\n    assert one() == 1\n\n\nclass TestTwo:\n    def test_two(self):\n        assert two() == 2\n"
)

CASES = {
    "tests/test_a.py": PYTHON,
    "spec/a_spec.rb": "describe 'A' do\n  it 'is one' do\n    expect(one).to eq 1\n  end\nend\n",
    "src/a.test.ts": "test.each([1])('is %d', (n) => {\n  expect(one()).toBe(n);\n});\n",
    "a_test.go": 'func TestOne(t *testing.T) {\n\tif one() != 1 {\n\t\tt.Errorf("no")\n\t}\n}\n',
    "src/lib.rs": "pub fn one() -> u8 { 1 }\n\n#[test]\nfn is_one() {\n    assert_eq!(one(), 1);\n}\n",
    "src/test/java/ATest.java": "class ATest {\n  @Test\n  void one() {\n    assertEquals(1, one());\n  }\n}\n",
    "tests/ATests.cs": "class ATests {\n  [Fact]\n  public void One() => Assert.Equal(1, One());\n}\n",
    "tests/a_test.cc": "TEST(A, One) {\n  EXPECT_EQ(one(), 1);\n}\n",
    "test/a_test.exs": 'test "one" do\n  assert one() == 1\nend\n',
}

each = pytest.mark.parametrize(("path", "text"), CASES.items())


def lost(path: str, old: str, new: str | None) -> list[str]:
    return [refusal.code for refusal in lost_tests(FileChange(path, old, new))]


@each
def test_no_test_can_be_taken_away_in_any_language(path: str, text: str) -> None:
    comment = "//" if path.endswith((".ts", ".go", ".rs", ".java", ".cs", ".cc")) else "#"

    assert lost(path, text, None) == ["lost"]
    assert lost(path, text, "") == ["lost"]
    assert lost(path, text, "\n".join(f"{comment} {line}" for line in text.split("\n"))) == ["lost"]


@each
def test_a_test_may_be_corrected_and_others_added(path: str, text: str) -> None:
    assert lost(path, text, text) == []
    assert lost(path, text, text.replace("1", "11")) == []
    assert lost(path, text, text + text.replace("one", "other").replace("One", "Other")) == []


@pytest.mark.parametrize(
    "new",
    [
        PYTHON.replace("def test_one", "def check_one"),
        PYTHON.replace("def test_two(self):\n        assert two() == 2", "x = 1"),
        "from other import test_one, TestTwo\n",
        "test_one = TestTwo = None\nassert 1\nassert 2\n",
    ],
)
def test_a_test_of_python_stays_one_under_its_name(new: str) -> None:
    assert lost("tests/test_a.py", PYTHON, new) == ["lost"]


def test_a_test_goes_on_checking_something() -> None:
    assert lost("tests/test_a.py", PYTHON, PYTHON.replace("assert one() == 1", "one()")) == ["lost"]
    assert lost("src/a.test.ts", CASES["src/a.test.ts"], "test.each([1])('is %d', (n) => {\n  one(n);\n});\n") == [
        "lost"
    ]
    assert lost("tests/data/broken.json", '{"a": ', "") == ["lost"]


def test_a_test_that_does_not_parse_cannot_be_emptied_to_mend_it() -> None:
    broken = PYTHON.replace("one() == 1", "one( == 1")

    assert lost("tests/test_a.py", broken, PYTHON) == []
    assert lost("tests/test_a.py", broken, "\n") == ["lost"]
    assert lost("tests/test_a.py", broken, "def test_one():\n    assert 1\n    assert 2\n") == ["lost"]


def test_what_holds_no_test_is_no_business_of_ours() -> None:
    code = "function check(x) {\n  return /a/.test(x);\n}\n"

    assert not holds_tests("src/check.js", code)
    assert lost("src/check.js", code, None) == lost("src/check.js", code, "") == []
    assert lost("tests/test_new.py", "", "") == []


@given(st.sampled_from(sorted(CASES)), st.text(), st.none() | st.text())
def test_any_change_is_judged(path: str, old: str, new: str | None) -> None:
    assert lost(path, old, new) in ([], ["lost"])
    assert lost(path, old, old) == []
