"""The ledger: every known difference between what stands in for a server in tests and the real thing.

Each is one of two kinds. Either our code never uses what differs: then the code is searched for it. Or the stand-in is made to
behave as the real one does, or the real one's way is provided for: then the tests that show it are named. How Starlette's test
client and a real server differ is in `tests/support/differences.py`, each entry asserted on both sides.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
MONGO = ("app/adapters/papers/mongo*.py",)
GRAPH = ("app/adapters/graph/*.py",)
FILES = ("app/adapters/files/*.py",)
CELERY = ("app/adapters/queue/*.py", "app/worker/*.py")


@dataclass(frozen=True)
class Unused:
    """No code of `where` matches `pattern`; `example` is what would."""

    stand_in: str
    difference: str
    where: tuple[str, ...]
    pattern: str
    example: str


@dataclass(frozen=True)
class Provided:
    """The tests, by their names, that fail where the difference is not provided for."""

    stand_in: str
    difference: str
    tests: tuple[str, ...]


UNUSED = [
    Unused("mongomock-motor", "`await aggregate()` fails", MONGO, r"\.aggregate\(", "await c.aggregate([])"),
    Unused("mongomock-motor", "`bulk_write` fails with PyMongo 4.20", MONGO, r"\.bulk_write\(", "c.bulk_write([])"),
    Unused(
        "mongomock-motor", "no `find_one_and_replace` with all options", MONGO, r"find_one_and_(replace|delete)",
        "c.find_one_and_replace({}, {})",
    ),
    Unused("mongomock-motor", "`to_list(1)` returns all", MONGO, r"\.to_list\((?!None\))", "cursor.to_list(1)"),
    Unused(
        "mongomock-motor, mongo-java-server", "no sessions, no transactions", MONGO, r"session|transaction",
        "client.start_session()",
    ),
    Unused("mongomock-motor, mongo-java-server", "no change streams", MONGO, r"\.watch\(", "papers.watch()"),
    Unused("mongomock-motor, mongo-java-server", "no text index and search", MONGO, r"\$text|TEXT", "{'$text': {}}"),
    Unused("mongomock-motor", "no `array_filters`", MONGO, r"array_filters", "c.update_one({}, {}, array_filters=[])"),
    Unused(
        "mongo-java-server", "no updates by pipeline", MONGO, r"\$(addFields|project|replaceWith|replaceRoot)",
        "c.update_one({}, [{'$addFields': {}}])",
    ),
    Unused("eager Celery", "`countdown` and `eta` are ignored", CELERY, r"\b(countdown|eta)=", "t.apply_async((), eta=1)"),
    Unused("eager Celery", "`send_task` is not eager", CELERY, r"\.send_task\(", "celery.send_task('t')"),
    Unused("eager Celery", "`Retry` is raised after one try", CELERY, r"\.retry\(|autoretry_for", "task.retry()"),
    Unused("eager Celery", "nothing is redelivered", CELERY, r"acks_late|reject_on_worker_lost", "t(acks_late=True)"),
    Unused("memory://", "S3 says of a server that is away that no file exists", FILES, r"\.exists\(", "fs.exists('x')"),
    Unused(
        "SQLite in memory", "Neo4j's numbers of nodes are used again after a deletion", GRAPH, r"elementId|\bid\(",
        "'RETURN id(n)'",
    ),
]  # fmt: skip

PROVIDED = [
    Provided(
        "mongomock-motor", "a call is not atomic among threads",
        ("test_an_update_in_one_thread_is_whole_for_all_others",),
    ),
    Provided(
        "mongomock-motor", "a call never lets other tasks in between", ("test_a_call_gives_way_to_other_tasks",)
    ),
    Provided(
        "mongomock-motor", "an update that fails leaves half of it",
        ("test_an_update_that_fails_halfway_changes_nothing",),
    ),
    Provided(
        "mongomock-motor", "a document may have any size",
        ("test_an_update_that_makes_a_document_too_large_changes_nothing", "test_a_document_too_large_is_not_sent"),
    ),
    Provided(
        "mongomock-motor", "it is never away", ("test_a_mongodb_that_is_away_is_unavailable",)
    ),
    Provided(
        "mongo-java-server", "no users and no TLS: what a URL says of them is seen to reach the driver",
        ("test_a_mongodb_url_says_user_password_and_encryption",),
    ),
    Provided(
        "fakeredis", "`INFO server` is not answered, and nothing tells of a restart",
        ("test_every_client_of_a_server_sees_the_same_epoch", "test_another_epoch_begins_when_the_server_starts_again"),
    ),
    Provided(
        "fakeredis", "`INFO memory` is not answered", ("test_a_server_that_refuses_when_its_memory_is_full_forgets_nothing",)
    ),
    Provided(
        "fakeredis", "it loses nothing; Redis may lose its last second",
        ("test_a_restarted_log_is_offered_its_newest_entries_again",),
    ),
    Provided(
        "fakeredis", "it has no socket timeout, beyond which a blocking read of Redis never returns",
        ("test_a_wait_for_nothing_ends",),
    ),
    Provided(
        "fakeredis", "no users and no TLS: what a URL says of them is seen to reach the driver and Celery",
        ("test_a_redis_url_says_user_password_database_and_encryption", "test_celery_hears_the_same_of_redis"),
    ),
    Provided(
        "eager Celery", "priorities change nothing", ("test_a_run_of_a_higher_priority_overtakes_those_that_wait",)
    ),
    Provided(
        "SQLite in memory", "writers wait for each other; in Neo4j one of two that make the same node fails",
        ("test_papers_with_the_same_entities_may_come_and_go_at_once",),
    ),
    Provided(
        "SQLite in memory, a Neo4j without users", "no users and no TLS: what a URL says of them is seen to reach the driver",
        ("test_a_neo4j_url_says_user_password_and_encryption",),
    ),
    Provided(
        "SQLite in memory", "Neo4j makes a node twice where the constraint is not there yet",
        ("test_the_constraints_are_there_before_anything_is_written",),
    ),
    Provided(
        "memory://", "S3 has no file in a bucket that nobody made, and says so by an error",
        ("test_all_files_are_listed_and_what_a_killed_put_left",),
    ),
    Provided(
        "memory://", "S3's client remembers listings that others have changed since",
        ("test_s3_is_given_up_in_seconds_and_its_listings_are_never_stale",),
    ),
    Provided(
        "moto's server", "it is near; one that is away has to be told in seconds",
        ("test_an_s3_that_goes_is_told_in_seconds_and_taken_up_again_when_it_is_back",),
    ),
    Provided(
        "the reader in a thread", "it cannot be killed, and takes the worker along when it crashes",
        ("test_a_child_that_hangs_is_killed_in_time", "test_a_child_that_is_killed_by_a_signal_crashed"),
    ),
]  # fmt: skip


@cache
def code(path: Path) -> str:
    """A module without its comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def names_of_tests() -> frozenset[str]:
    return frozenset(_names_of_tests())


def _names_of_tests() -> Iterator[str]:
    for path in (ROOT / "tests").rglob("test_*.py"):
        yield from re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("entry", UNUSED, ids=lambda entry: f"{entry.stand_in}: {entry.difference}")
def test_what_differs_is_not_used(entry: Unused) -> None:
    assert re.search(entry.pattern, entry.example), "the pattern does not even find the example"
    paths = [list(ROOT.glob(place)) for place in entry.where]
    assert all(paths), f"there is no {entry.where} any more"
    for path in chain(*paths):
        found = re.search(f".*(?:{entry.pattern}).*", code(path))
        assert found is None, f"{path.relative_to(ROOT)} uses it: {found.group().strip()}"


@pytest.mark.parametrize("entry", PROVIDED, ids=lambda entry: f"{entry.stand_in}: {entry.difference}")
def test_what_differs_is_provided_for(entry: Provided) -> None:
    missing = set(entry.tests) - names_of_tests()
    assert not missing, f"no test has the name {missing}: nothing shows that this is provided for"
