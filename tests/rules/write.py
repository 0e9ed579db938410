"""State and events together, and what a store holds."""

from tests.rules.rule import Rule

MONGO = "app/adapters/papers/mongo.py"
MONGO_CLIENT = "app/adapters/papers/mongo_client.py"
SQLITE = "app/adapters/papers/sqlite.py"
DECISIONS = "app/domain/decisions.py"
WRITER = "app/services/writer.py"
SHIM = "tests/support/mongo.py"

RULES = (
    Rule(
        "State and events are one write, whole or not at all",
        SQLITE,
        "            if row is None:\n                return False\n            writes",
        "            if row is None:\n                _add_events(connection, change)\n                return False\n            writes",
        ("test_a_lost_race_leaves_no_event",),
    ),
    Rule(
        "in SQLite in one transaction",
        SQLITE,
        "            _add_events(connection, change)\n            return True",
        '            connection.execute("COMMIT")\n            connection.execute("BEGIN")\n'
        "            _add_events(connection, change)\n            return True",
        ("test_a_paper_s_state_and_its_events_are_stored_together_or_not_at_all",),
    ),
    Rule(
        "Every write is filtered on the record it was decided on",
        MONGO,
        '{"_id": paper.id, "record.revision": revision},',
        '{"_id": paper.id},',
        ("test_a_write_on_an_old_revision_changes_nothing", "test_one_of_many_threads_wins"),
    ),
    Rule(
        "In MongoDB events move from the outbox to a collection of their own, and readers merge both",
        MONGO,
        'entries = {entry["seq"]: entry["body"] for entry in paper["outbox"] if entry["seq"] > after}',
        "entries = dict[int, str]()",
        ("test_events_are_read_as_one_wherever_they_are",),
    ),
    Rule(
        "There an event is named by paper and `seq`, so moving it twice makes no second one",
        MONGO,
        """{"_id": f"{paper_id}:{entry['seq']}", "paper_id\"""",
        '{"paper_id"',
        ("test_a_move_that_was_cut_short_is_finished_by_the_next",),
    ),
    Rule(
        "What was extracted never sits in the paper's document",
        MONGO,
        "        await self._outputs.put(paper_id, run, kind, body)\n",
        "        await self._outputs.put(paper_id, run, kind, body)\n"
        '        await self._papers.update_one({"_id": paper_id}, {"$set": {"text": str(body)}})\n',
        ("test_what_was_extracted_is_not_in_the_paper_s_document",),
    ),
    Rule(
        "Beyond 200 waiting events a paper's progress is skipped",
        DECISIONS,
        " or record.waiting > OUTBOX_LIMIT",
        "",
        ("test_a_long_outbox_takes_no_more_progress_but_every_status",),
    ),
    Rule(
        "A status is told however many events wait",
        DECISIONS,
        "    paper = change.record.paper\n    check_transition(paper.status, status)\n",
        "    paper = change.record.paper\n    check_transition(paper.status, status)\n"
        "    if change.record.waiting > OUTBOX_LIMIT:\n        return change\n",
        ("test_a_long_outbox_takes_no_more_progress_but_every_status",),
    ),
    Rule(
        "After a network error it is asked whether the write arrived",
        WRITER,
        "            if not await self._store.has_written(paper_id, write_id):\n                raise\n            return True",
        "            raise",
        ("test_a_write_whose_answer_was_lost_is_not_repeated",),
    ),
    Rule(
        "A write carries an id that can be asked for",
        MONGO,
        '"writes": {"$each": [write_id], "$slice": -WRITES_KEPT},',
        "",
        ("test_a_lost_answer_can_be_asked_for",),
    ),
    Rule(
        "MongoDB's driver repeats no write by itself",
        MONGO_CLIENT,
        "        retryWrites=False,\n",
        "",
        ("test_the_driver_repeats_no_write_by_itself",),
    ),
    Rule(
        "The MongoDB of the tests changes nothing when an update fails",
        SHIM,
        "            await self._mock.replace_one(this, before)\n",
        "",
        ("test_an_update_that_fails_halfway_changes_nothing",),
    ),
    Rule(
        "It refuses a document over 16 MB, whether an update makes it",
        SHIM,
        "if len(bson.encode(await self._mock.find_one(this))) > self._server.limit:",
        "if False:",
        ("test_an_update_that_makes_a_document_too_large_changes_nothing",),
    ),
    Rule(
        "or it is sent",
        SHIM,
        "        if len(bson.encode(document)) > self._server.limit:",
        "        if False:",
        ("test_a_document_too_large_is_not_sent",),
    ),
    Rule(
        "Every change of the snapshot is in an event",
        DECISIONS,
        'after = apply(paper, event) or paper.model_copy(update={"seq": event.data.seq})',
        'after = (apply(paper, event) or paper).model_copy(update={"seq": event.data.seq, "size": paper.size + 1})',
        ("test_the_events_fold_to_what_is_stored",),
    ),
    Rule(
        "An event of a paper has its run",
        DECISIONS,
        '"run": changes.get("run", paper.run),',
        '"run": 0,',
        ("test_a_run_has_one_terminal_event_and_it_is_the_last",),
    ),
    Rule(
        "The first event carries the whole snapshot",
        DECISIONS,
        'for name in Paper.model_fields if name != "seq"}',
        'for name in Paper.model_fields if name not in {"seq", "counts"}}',
        ("test_the_first_event_carries_the_whole_snapshot",),
    ),
    Rule(
        "`apply()` ignores what it has",
        "app/domain/projection.py",
        "    if paper is not None and event.data.seq <= paper.seq:\n        return paper\n",
        "",
        ("test_an_event_that_was_applied_already_changes_nothing",),
    ),
)
