"""What `check` says of papers: a sentence for each thing that is wrong, silence otherwise, and only safe remedies."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import anyio
import pytest

from app.adapters.event_log.redis import LAST_SEQ
from app.adapters.files.fsspec import PART
from app.domain import decisions
from app.domain.paper import Output
from app.services.checkup import PAGE, Checkup, Problem
from tests.support.bench import Bench

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

GONE = "00000000-0000-4000-8000-000000000000"


CLOCKS = "The clock of Redis"


async def found(bench: Bench) -> list[Problem]:
    """All but what the fake Redis' clock makes of a clock that a test has moved."""
    problems = await bench.services.checkup.problems()
    return [problem for problem in problems if not problem.sentence.startswith(CLOCKS)]


async def sentences(bench: Bench) -> list[str]:
    return [problem.sentence for problem in await found(bench)]


async def only_problem(bench: Bench) -> Problem:
    problems = await found(bench)
    assert len(problems) == 1, [problem.sentence for problem in problems]
    return problems[0]


async def mended(bench: Bench) -> str:
    """What the remedy of the only problem says it did; afterwards nothing is wrong."""
    problem = await only_problem(bench)
    assert problem.remedy is not None
    did = await problem.remedy()
    assert await sentences(bench) == []
    return did


async def test_of_an_installation_that_is_well_nothing_is_said(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    await bench.services.relay.relay()
    await bench.submit()
    assert await sentences(bench) == []


async def test_a_worker_that_ran_out_of_memory_is_told(bench: Bench) -> None:
    await bench.side.queue.announce("here:7", bench.clock.now())
    problem = await only_problem(bench)
    assert problem.sentence.startswith("Worker here:7 ran out of memory at ")
    assert problem.remedy is None


async def test_a_log_that_is_ahead_of_a_restored_store_is_told_with_what_to_do(bench: Bench) -> None:
    paper_id, other = await bench.submit(), await bench.submit()
    await bench.services.relay.relay()
    assert await sentences(bench) == []
    await bench.side.redis.set(LAST_SEQ + paper_id, 7)  # of the time after the backup
    problem = await only_problem(bench)
    assert problem.sentence.startswith("The event log is ahead of the store, as it is beside a restored backup;")
    assert paper_id in problem.sentence
    assert other not in problem.sentence
    assert problem.sentence.endswith("and start it again.")
    assert problem.remedy is None


async def test_a_paper_that_goes_on_while_its_log_is_looked_at_is_not_ahead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper_id = await bench.submit()
    last_seqs = bench.log.last_seqs

    async def late(paper_ids: Sequence[str]) -> Mapping[str, int]:
        await bench.services.papers.process(paper_id)
        await bench.services.relay.relay()
        return await last_seqs(paper_ids)

    monkeypatch.setattr(bench.log, "last_seqs", late)
    await bench.side.queue.announce("a worker")
    assert await sentences(bench) == []


async def test_a_file_of_no_paper_is_told_and_removed_when_it_is_old(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.relay.relay()
    await bench.side.files.put(GONE, io.BytesIO(b"x"))
    assert await sentences(bench) == [], "a younger one may be on its way in"
    bench.clock.advance(3700)
    assert (await only_problem(bench)).sentence == (
        f"There is something among the files that belongs to no paper: {GONE}."
    )
    assert await mended(bench) == "Removed among the files what belonged to no paper: 1."
    assert await bench.side.files.get(paper_id), "a paper's own file stays"


async def test_a_paper_that_lost_its_file_is_told_and_left_alone(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.side.files.remove(paper_id)
    problem = await only_problem(bench)
    assert problem.sentence.startswith(f"Papers have lost their files: {paper_id};")
    assert problem.remedy is None


async def test_a_paper_with_the_part_of_a_file_alone_has_lost_it(bench: Bench) -> None:
    paper_id = await bench.submit()
    path = bench.side.files._path(paper_id)
    bench.side.files._fs.mv(path, path + PART)
    assert (await only_problem(bench)).sentence.startswith(f"Papers have lost their files: {paper_id};")


async def test_a_paper_whose_file_was_cut_short_is_told(bench: Bench) -> None:
    await bench.submit()
    paper_id = await bench.submit()
    await bench.side.files.put(paper_id, io.BytesIO(b"half of"))
    problem = await only_problem(bench)
    assert problem.sentence.startswith(f"Files of papers are not as long as they came: {paper_id};")
    assert problem.remedy is None


async def test_outputs_and_graph_of_no_paper_are_removed(bench: Bench) -> None:
    await bench.store.put_output(GONE, 1, Output.ENTITIES, [])
    sentence = "There is something among the outputs that belongs to no paper: {}."
    assert (await only_problem(bench)).sentence == sentence.format(GONE)
    await mended(bench)
    assert await bench.store.get_output(GONE, 1, Output.ENTITIES) is None
    await bench.services.graph.replace(GONE, 1, "A title", [], [])
    assert (await only_problem(bench)).sentence == sentence.replace("among the outputs", "in the graph").format(GONE)
    await mended(bench)
    assert await bench.services.graph.papers() == []


async def test_a_graph_that_lost_what_was_found_in_a_paper_is_told(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.pipeline.run(paper_id, 1)
    await bench.services.relay.relay()
    assert await sentences(bench) == []
    await bench.services.graph.remove(paper_id)
    assert (await only_problem(bench)).sentence == (
        f"The graph has nothing of papers that were worked through: {paper_id}; process them again."
    )


@pytest.mark.slow
async def test_a_paper_beyond_the_first_page_that_lost_its_file_is_told_too(bench: Bench) -> None:
    oldest = await bench.submit()
    bench.clock.advance(1)
    for _ in range(PAGE):
        await bench.submit()
    await bench.services.relay.sweep()
    await bench.side.files.remove(oldest)
    assert (await only_problem(bench)).sentence.startswith(f"Papers have lost their files: {oldest};")


async def test_a_paper_in_which_nothing_was_found_needs_nothing_in_the_graph(bench: Bench) -> None:
    paper = await bench.services.papers.submit(io.BytesIO(b"Nothing. To see here."), "paper.txt", limit_mb=1)
    await bench.services.papers.process(paper.id)
    await bench.services.pipeline.run(paper.id, 1)
    await bench.services.graph.remove(paper.id)
    assert (await bench.record(paper.id)).paper.counts.entities == 0
    await bench.side.queue.announce("a worker")
    assert await sentences(bench) == []


async def test_what_a_running_paper_has_stored_so_far_is_no_stray(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker")
    await bench.side.queue.announce("a worker")
    await bench.store.put_output(paper_id, 1, Output.READING, {})
    assert await sentences(bench) == []


async def test_an_outbox_that_does_not_drain_is_offered_again(bench: Bench) -> None:
    await bench.submit()
    assert await sentences(bench) == []
    bench.clock.advance(120)
    problem = await only_problem(bench)
    assert problem.sentence.startswith("Events wait in the outbox though the log answers: 1, the first one since ")
    assert await mended(bench) == "Offered the outbox to the log again: 0 events still wait."


async def test_without_the_log_a_waiting_outbox_is_no_problem_of_its_own(bench: Bench) -> None:
    await bench.submit()
    bench.clock.advance(120)
    assert [problem.sentence for problem in await bench.services.checkup.problems(without={"redis"})] == []
    bench.backing.redis.connected = False
    (sentence,) = await sentences(bench)
    assert sentence.startswith("redis: Redis does not answer")


async def test_papers_that_wait_where_there_is_no_worker_are_told(bench: Bench) -> None:
    await bench.submit_and_queue()
    await bench.claim(await bench.submit_and_queue(), "a worker that dies")
    await bench.services.relay.relay()
    sentence = "Papers wait, and no worker was heard of lately: 2; start one (`paper-processing worker`)."
    assert await sentences(bench) == [sentence]
    assert await bench.services.checkup.problems(without={"redis"}) == [], "where workers are told of is not asked"
    await bench.side.queue.announce("a worker")
    assert await sentences(bench) == []


async def test_a_run_that_nobody_takes_up_is_told_where_there_are_workers(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.relay.relay()
    await bench.claim(paper_id, "a worker that dies")
    await bench.services.relay.relay()
    bench.clock.advance(decisions.LEASE.total_seconds() + 61)
    await bench.side.queue.announce("another worker")
    assert paper_id in (await only_problem(bench)).sentence
    bench.backing.redis.connected = False
    (sentence,) = await sentences(bench)
    assert sentence.startswith("redis: "), "nobody knows now whether there are workers"


async def test_a_run_whose_worker_was_lost_just_now_is_left_to_the_others(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that dies")
    await bench.services.relay.relay()
    bench.clock.advance(decisions.LEASE.total_seconds() + 5)
    await bench.side.queue.announce("another worker")
    assert await sentences(bench) == []


async def test_a_deleted_paper_that_was_not_cleared_up_after_is_swept(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker")
    await bench.services.papers.delete(paper_id)
    await bench.services.relay.relay()
    assert await sentences(bench) == []
    bench.clock.advance(120)
    assert (await only_problem(bench)).sentence == f"Deleted papers were not cleared up after: {paper_id}."
    assert await mended(bench) == "Cleared up after deleted papers: 0 are left."


async def test_clocks_that_are_apart_are_told(bench: Bench) -> None:
    bench.clock.advance(30)
    (problem,) = await bench.services.checkup.problems()
    sentence = problem.sentence
    assert sentence.startswith(CLOCKS)
    apart = int(sentence.partition(" are ")[2].split()[0])
    assert timedelta(seconds=28) <= timedelta(seconds=apart) <= timedelta(seconds=31)
    assert isinstance(await bench.log.now(), datetime)


async def test_a_redis_that_forgets_when_its_memory_is_full_is_told(bench: Bench) -> None:
    bench.backing.redis.maxmemory_policy = "allkeys-lru"
    assert await sentences(bench) == [
        "Redis throws events out of the log when its memory is full (maxmemory-policy allkeys-lru); "
        "set maxmemory-policy noeviction."
    ]


async def test_a_service_that_is_away_is_told_with_its_reason(bench: Bench) -> None:
    await bench.side.close_graph()
    (sentence,) = await sentences(bench)
    assert sentence.startswith("graph: The database")
    (problem,) = await bench.services.checkup.problems(without={"redis"})
    assert problem.sentence == sentence, "the others are looked at without the one that is not expected"


@pytest.mark.slow
async def test_a_service_that_never_answers_is_told_and_not_waited_for(bench: Bench) -> None:
    checkup = Checkup(
        bench.store, bench.log, bench.side.queue, bench.services.graph, bench.side.files,
        bench.services.relay, bench.services.sweeper, {"graph": anyio.sleep_forever}, bench.clock,
    )  # fmt: skip
    (problem,) = await checkup.problems()
    assert problem.sentence == "graph: it did not answer within 5 seconds."


async def test_many_papers_are_counted_and_not_all_named(bench: Bench) -> None:
    where = "There is something among the outputs that belongs to no paper: "
    told = [f"gone-{number}" for number in range(6)]
    for number, paper_id in enumerate(told):
        await bench.store.put_output(paper_id, 1, Output.ENTITIES, [])
        if number == 4:
            assert (await only_problem(bench)).sentence == where + "gone-0, gone-1, gone-2, gone-3, gone-4."
    assert (await only_problem(bench)).sentence == where + "gone-0, gone-1, gone-2, gone-3, gone-4 and 1 more."


async def test_what_a_deleted_paper_left_is_its_sweeper_s_as_long_as_a_worker_may_write(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.claim(paper_id, "a worker that does not know yet")
    await bench.services.papers.delete(paper_id)
    await bench.services.relay.relay()
    await bench.store.put_output(paper_id, 1, Output.DOCUMENT, {"title": "late", "text": "late"})
    assert await sentences(bench) == []


async def test_whatever_a_check_meets_is_told_and_files_and_graph_are_not_compared_with_papers_then(
    bench: Bench,
) -> None:
    paper_id = await bench.submit()
    await bench.side.files.remove(paper_id)
    await bench.services.graph.replace(GONE, 1, "Of no paper", [], [])

    async def odd() -> None:
        raise ValueError("something odd")

    checks = {"store": bench.store.check, "files": odd, "graph": odd}
    side, services = bench.side, bench.services
    checkup = Checkup(
        side.store,
        side.log,
        side.queue,
        services.graph,
        side.files,
        services.relay,
        services.sweeper,
        checks,
        bench.clock,
    )
    told = [problem.sentence for problem in await checkup.problems()]
    assert told == ["files: ValueError: something odd.", "graph: ValueError: something odd."]
