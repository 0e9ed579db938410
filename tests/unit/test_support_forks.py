"""`--forks`: every test once, in whichever process; what happens in a child is told as if it had happened here."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

FILES = {
    name: f"""
import pytest

@pytest.mark.parametrize("number", range(20))
def test_passes(number):
    with open("ran.txt", "a") as ran:
        ran.write(f"{name} {{number}}\\n")
"""
    for name in ("test_a", "test_b", "test_c", "test_d")
}


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(**FILES)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "tests.support.forks", "--forks", "2", *arguments, timeout=25)


def test_each_test_runs_once(suite: pytest.Pytester) -> None:
    run(suite).assert_outcomes(passed=80)
    ran = (suite.path / "ran.txt").read_text().splitlines()
    assert len(ran) == len(set(ran)) == 80


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not tie a process to a core")
def test_each_process_keeps_to_one_core(suite: pytest.Pytester) -> None:
    core = "def test_core():\n    import os\n    assert len(os.sched_getaffinity(0)) == 1\n"
    suite.makepyfile(test_core=core, test_core_too=core)
    run(suite, "-k", "core").assert_outcomes(passed=2)


def test_with_n_the_processes_are_those_of_xdist(suite: pytest.Pytester) -> None:
    result = run(suite, "-p", "xdist", "-n", "2")
    result.stdout.fnmatch_lines(["2 workers*"])
    result.assert_outcomes(passed=80)
    ran = (suite.path / "ran.txt").read_text().splitlines()
    assert len(ran) == len(set(ran)) == 80


def test_two_files_run_at_the_same_time(suite: pytest.Pytester) -> None:
    meets = """
import pathlib, time

def test_meets_the_other():
    deadline = time.monotonic() + 20
    pathlib.Path("{here}.met").touch()
    while not pathlib.Path("{there}.met").exists():
        assert time.monotonic() < deadline, "nobody else is about"
        time.sleep(0.01)

def test_comes_after_it():
    pass  # a process takes its next file when it begins the last test of one
"""
    suite.makepyfile(test_y=meets.format(here="y", there="z"), test_z=meets.format(here="z", there="y"))
    run(suite).assert_outcomes(passed=84)


def test_a_failure_is_told_with_its_output_whichever_process_had_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_a="def test_a():\n    print('printed in a')\n    assert 1 == 2, 'a is wrong'",
        test_b="def test_b():\n    print('printed in b')\n    assert 1 == 2, 'b is wrong'",
    )
    result = run(suite)
    result.assert_outcomes(passed=40, failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    for name in "ab":
        result.stdout.fnmatch_lines([f"*{name} is wrong*", f"*printed in {name}*"])


def test_a_process_that_dies_is_told_with_the_test_that_killed_it(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
import os
PARENT = os.getpid()

def pytest_runtest_setup():
    if os.getpid() != PARENT:
        os._exit(11)
""")
    result = run(suite)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*a process that ran tests died in test_*.py::test_*"])


def test_a_test_that_hangs_ends_the_run_and_is_told_with_where_it_hangs(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
import os, threading
PARENT = os.getpid()

def pytest_runtest_call():
    if os.getpid() != PARENT:
        waits_for_ever()

def waits_for_ever():
    threading.Event().wait()
""")
    result = run(suite, "-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stderr.fnmatch_lines(["Timeout*", "*in waits_for_ever*"])
    result.stdout.fnmatch_lines(["*a process that ran tests died in test_*.py::test_*"])


def test_after_the_first_failure_nobody_begins_another_file_if_asked_to(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        **{
            f"test_{number:02}": "import time\ndef test_fails():\n    time.sleep(0.05)\n    assert False"
            for number in range(40)
        }
    )
    result = run(suite, "-x")
    assert result.parseoutcomes()["failed"] <= 4


def test_fixtures_of_the_session_end_in_each_process(suite: pytest.Pytester) -> None:
    suite.makepyfile(**{name: text + "\ndef test_uses(opened): pass\n" for name, text in FILES.items()})
    suite.makeconftest("""
import pytest

@pytest.fixture(scope="session")
def opened():
    yield
    with open("closed.txt", "a") as closed:
        closed.write("x")
""")
    run(suite).assert_outcomes(passed=84)
    assert (suite.path / "closed.txt").read_text() in {"x", "xx"}
