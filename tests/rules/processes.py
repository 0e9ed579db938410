"""The supervisor, its children, and the Valkey it may find."""

from tests.rules.rule import Rule

CHILDREN = "app/supervisor/children.py"
LEASH = "app/supervisor/leash.py"
VALKEY = "app/supervisor/valkey.py"

RULES = (
    Rule(
        "A dead child starts again",
        CHILDREN,
        "            if not self._ending.is_set():\n                await self._pause(status",
        "            return\n            if not self._ending.is_set():\n                await self._pause(status",
        ("test_a_child_that_ends_by_itself_starts_again",),
    ),
    Rule(
        "after a pause that grows with each death",
        CHILDREN,
        " * 2 ** (deaths - 1)",
        "",
        ("test_each_death_doubles_the_pause",),
    ),
    Rule(
        "Five deaths in a minute end `serve` with a sentence",
        CHILDREN,
        "        if recent >= DEATHS:\n",
        "        if False:\n",
        ("test_a_child_that_dies_five_times_within_a_minute_ends_it_all_with_the_reason",),
    ),
    Rule(
        "What a dead child had started goes too",
        CHILDREN,
        "            _kill_group(process.pid)  #",
        "            #",
        ("test_what_a_dead_child_had_started_goes_too",),
    ),
    Rule(
        "Children go with a killed parent: the kernel sees to it",
        CHILDREN,
        "preexec_fn=tied_by_kernel(program.farewell),",
        "preexec_fn=None,",
        ("test_the_kernel_ends_a_child_whose_parent_is_killed",),
    ),
    Rule(
        "and, where it does not, a pipe that ends",
        LEASH,
        '    Thread(target=_end_with, args=(pipe,), name="follow-parent", daemon=True).start()\n',
        "",
        ("test_a_child_sees_by_its_pipe_that_its_parent_is_killed",),
    ),
    Rule(
        "A Valkey that was left over is found by its socket, and ended first",
        VALKEY,
        "        left_over = await self._find_left_over()\n",
        "        left_over = None\n",
        ("test_one_of_ours_is_ended_and_there_is_room",),
    ),
    Rule(
        "What a power failure left of Valkey's file is taken, the zeros at its end are not",
        VALKEY,
        "            _mend(file)\n",
        "            pass\n",
        ("test_one_whose_file_ends_in_what_was_never_written_starts_on_the_rest",),
    ),
    Rule(
        "One that works in another folder is left alone",
        VALKEY,
        "        if not self._is_ours(folder):\n",
        "        if False:\n",
        ("test_one_that_works_elsewhere_is_left_alone",),
    ),
)
