"""The five questions that a model is asked: plan, work on a task, answer a review, mend CI, judge a change.

Rules are short and few, for small models; what must not happen is prevented by `paths`, `edits` and `gates`, whatever a
model makes of them. Credentials of this installation are taken out of every question by `metered`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.code_host import ReviewComment
from gitoma.domain.agents.edits import DELETING, GRAMMAR
from gitoma.domain.agents.excerpts import FileText
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.health.score import CheckResult, Report
from gitoma.domain.agents.language_model import ChatRequest, Role
from gitoma.domain.agents.plan import Subtask, plan_schema
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.prompt_layout import Attempt, Frame, block, file_blocks, request
from gitoma.domain.agents.prompt_rules import CRITIC_RULES, EDIT_RULES, PLANNER_RULES
from gitoma.domain.agents.proposals import one_line
from gitoma.domain.agents.reflexion import Lesson, Verdict
from gitoma.domain.agents.replies import read_object
from gitoma.domain.agents.targets import mendable, targets
from gitoma.domain.agents.tree import Tree

PLANNER_TOKENS, EDIT_TOKENS, CRITIC_TOKENS = 1200, 3000, 400
"""The longest answers, in tokens."""

PATHS_SHOWN = 80
"""How many paths the planner sees."""

NO_CHANGE = "NO_CHANGE:"
"""How an answer to a review begins that changes nothing; the reason follows."""


def planner(report: Report, tree: Tree, context_tokens: int | None, lessons: Sequence[Lesson] = ()) -> ChatRequest:
    """Ask for a plan; `plan.plan_of` reads the answer.

    Args:
        report: What the checks found; at least one of them is `targets.mendable`.
        tree: The files.
        context_tokens: How much the model takes; None if nobody knows.
        lessons: Why the plans before were not taken.
    """
    results = mendable(report, tree)
    answer_format = f"One JSON object like this one:\n{_example(results[0], tree)}"
    task = "Plan how to make this repository healthier: choose among the checks that it does not pass, and say how."
    schema = plan_schema([result.name for result in results])
    frame = Frame(Role.PLANNER, PLANNER_RULES, task, answer_format, PLANNER_TOKENS, 0.2, schema)
    checks = "\n".join(_check_line(result, tree) for result in results)

    def data(room: int) -> str:
        shown = block("checks that it does not pass, those that matter most first", checks, room)
        return shown + block("some of its files", _outline(tree), room - len(shown))

    return request(frame, context_tokens, data, lessons=lessons)


def _example(result: CheckResult, tree: Tree) -> str:
    """A plan of one task, of this repository: small models repeat examples, and this one may be repeated."""
    hint, files = result.fix.hint, list(targets(result, tree)[:1])
    task = {"check": result.name, "title": hint.rstrip("."), "instruction": hint, "files": files}
    return json.dumps({"tasks": [task]})


def _check_line(result: CheckResult, tree: Tree) -> str:
    files = ", ".join(map(printable, targets(result, tree)))
    return f"{result.name} ({result.score:g}/10): {result.reason}. Files: {files}. {result.fix.hint}"


def _outline(tree: Tree) -> str:
    """The files that are the least deep: they tell most of what a repository is."""
    nearest = sorted(tree.paths, key=lambda path: (path.count("/"), path))[:PATHS_SHOWN]
    return "\n".join(printable(path) for path in sorted(nearest))


def worker(task: Subtask, files: Sequence[FileText], context_tokens: int | None, attempt: Attempt) -> ChatRequest:
    """Ask for the edits of one task.

    Args:
        task: The task.
        files: Those that it lists, first, and others that help to see what is asked (`excerpts.file_texts`).
        context_tokens: How much the model takes; None if nobody knows.
        attempt: Which time it is asked.
    """
    hint = next((check.fix.hint for check in CHECKS if check.name == task.check), "")
    text = f"{task.title.rstrip('.')}. {task.instruction} It is for the health check {task.check}: {hint}"
    frame = _edits(Role.WORKER, f"{text} Change or make only: {_names(task.files)}.")
    return _edit_request(frame, context_tokens, attempt, lambda room: file_blocks(files, room))


def reviewer(
    heard: Sequence[ReviewComment],
    files: Sequence[FileText],
    context_tokens: int | None,
    attempt: Attempt,
    *,
    may_delete: bool = False,
) -> ChatRequest:
    """Ask for the edits that a thread of a review wants, or for a line that begins with `NO_CHANGE` and says why not.

    Args:
        heard: The comments of trusted people, oldest first; at least one.
        files: The file that they are about, first, with the line that matters, and others that help.
        context_tokens: How much the model takes; None if nobody knows.
        attempt: Which time it is asked.
        may_delete: The file may be deleted: the comments ask for it.
    """
    place = f"{printable(heard[0].path)}" + (f", line {heard[0].line}" if heard[0].line else "")
    text = f"A reviewer of a pull request has commented on {place}. Change what the comment asks for"
    limits = f"Change only: {_names(file.path for file in files)}; new test files may be made"
    decline = f'If nothing is to be changed, answer with one line instead: "{NO_CHANGE}" and the reason.'
    frame = _edits(Role.WORKER, f"{text}. {limits}. {decline}", *([DELETING] if may_delete else []))
    talk = "\n\n".join(f"{printable(comment.author)}:\n{comment.body}" for comment in heard)

    def data(room: int) -> str:
        shown = block("the comments, oldest first", talk, room // 2)
        shown += block("the diff that was commented on", heard[0].hunk, room // 4)
        return shown + file_blocks(files, room - len(shown))

    return _edit_request(frame, context_tokens, attempt, data)


def fixer(
    job: str,
    excerpt: str,
    files: Sequence[FileText],
    context_tokens: int | None,
    attempt: Attempt,
) -> ChatRequest:
    """Ask for the edits that make a failed CI job pass.

    Args:
        job: The job's name.
        excerpt: What its log says of the failure (`cilog.Failure`).
        files: Those that the log points at, with the lines that it names.
        context_tokens: How much the model takes; None if nobody knows.
        attempt: Which time it is asked.
    """
    text = (
        "A CI job has failed; its log and the files that it names are below. Mend the cause, with as little as it takes"
    )
    limits = f"Change only: {_names(file.path for file in files)}; new test files may be made, and no test may go"
    # The third time a model is asked, the likeliest answer was wrong twice.
    temperature = 0.5 if attempt.number >= 3 else 0.2
    frame = _edits(Role.FIXER, f"{text}. {limits}.", temperature=temperature)

    def data(room: int) -> str:
        shown = block(f"log of the job {one_line(job, 80)}", excerpt, room // 2)
        return shown + file_blocks(files, room - len(shown))

    return _edit_request(frame, context_tokens, attempt, data)


def critic(
    asked: str, change: ChangeSet, context_tokens: int | None, *, excerpt: str = "", notes: Sequence[str] = ()
) -> ChatRequest:
    """Ask whether a change is right; `verdict_of` reads the answer.

    Args:
        asked: What the change is for.
        change: It has passed the gates.
        context_tokens: How much the model takes; None if nobody knows.
        excerpt: The log of the failure that it mends; "" if it is for something else.
        notes: What the gates have let pass with a remark.
    """
    task = "Judge whether this change does what was asked, and nothing else. It parses, and touches only allowed files."
    frame = Frame(Role.CRITIC, CRITIC_RULES, task, _VERDICT_FORMAT, CRITIC_TOKENS, 0.0, VERDICT_SCHEMA)
    diff = "\n".join(change.diff())
    remarks = "\n".join(f"- {note}" for note in notes)

    def data(room: int) -> str:
        shown = block("what was asked", asked, room // 6)
        shown += block("log of the failure", excerpt, room // 3) if excerpt else ""
        shown += block("remarks of the automatic checks", remarks, room // 8) if remarks else ""
        return shown + block("the change, as a diff", diff, room - len(shown))

    return request(frame, context_tokens, data)


def _edits(role: Role, task: str, *formats: str, temperature: float = 0.2) -> Frame:
    return Frame(role, EDIT_RULES, task, "\n".join((GRAMMAR, *formats)), EDIT_TOKENS, temperature)


def _edit_request(
    frame: Frame, context_tokens: int | None, attempt: Attempt, data: Callable[[int], str]
) -> ChatRequest:
    return request(
        frame,
        context_tokens,
        data,
        lessons=attempt.lessons,
        previous=attempt.previous,
        halved=attempt.halved,
    )


def _names(paths: Iterable[str]) -> str:
    return ", ".join(map(printable, paths)) or "no file that is there"


_VERDICT_FORMAT = """\
One JSON object like this one:
{"verdict": "revise", "reason": "The loop still ends one too early.", "must_change": ["Let range end at n + 1."]}"""

_VERDICTS = ("approve", "revise")

VERDICT_SCHEMA: tuple[str, Mapping[str, object]] = (
    "verdict",
    {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": list(_VERDICTS)},
            "reason": {"type": "string"},
            "must_change": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
        },
        "required": ["verdict", "reason", "must_change"],
        "additionalProperties": False,
    },
)
"""The schema of an answer that `verdict_of` reads, and its name."""

_DEMANDS_MAX, _DEMAND_MAX = 5, 300  # how many, and characters of each
_NOTHING = frozenset({"", "none", "nothing", "n/a", "null", "-", "no changes", "no change"})


def verdict_of(reply: str) -> Verdict | Refusal:
    """The verdict in a critic's reply.

    Whoever approves and still wants something changed has not approved: what is unclear is decided against the change.

    Returns:
        The verdict; or a refusal: those of `read_object`, or `no-verdict`.
    """
    answer = read_object(reply)
    if isinstance(answer, Refusal):
        return answer
    word = answer.get("verdict")
    if not isinstance(word, str) or word.strip().casefold() not in _VERDICTS:
        return Refusal("no-verdict", 'The answer has no "verdict" that is "approve" or "revise".')
    demands = _demands(answer.get("must_change"))
    approve = word.strip().casefold() == "approve" and not demands
    reason = answer.get("reason")
    text = one_line(reason, _DEMAND_MAX) if isinstance(reason, str) else ""
    return Verdict(approve, text or ("it is right" if approve else "no reason was given"), demands)


def _demands(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    texts = [one_line(each, _DEMAND_MAX) for each in listed if isinstance(each, str)]
    return tuple(text for text in texts if text.strip(" .").casefold() not in _NOTHING)[:_DEMANDS_MAX]
