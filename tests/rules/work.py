"""Who processes what."""

from tests.rules.rule import Rule

DECISIONS = "app/domain/decisions.py"
DISPATCHER = "app/services/dispatcher.py"
PIPELINE = "app/services/pipeline.py"

RULES = (
    Rule(
        "`queued` in the store is the queue: a lost hint is sent again",
        DISPATCHER,
        "                hints += [run for run in late if run.load is load and run not in hints]\n",
        "                pass\n",
        ("test_a_lost_hint_is_sent_again_when_the_queue_is_empty",),
    ),
    Rule(
        "A run has one lease, so a doubled hint does no harm",
        DECISIONS,
        "    if record.lease is not None and record.lease.expires_at > now:\n        raise LeaseLostError\n",
        "",
        (
            "test_a_run_under_a_live_lease_cannot_be_claimed",
            "test_a_hint_that_is_delivered_twice_at_once_is_worked_on_once",
        ),
    ),
    Rule(
        "A lease lasts 15 s",
        DECISIONS,
        "LEASE = timedelta(seconds=15)",
        "LEASE = timedelta(seconds=20)",
        ("test_a_renewed_lease_lasts_from_now",),
    ),
    Rule(
        "It is renewed from outside the work",
        PIPELINE,
        "                tasks.start_soon(self._renew, hold, tasks)\n",
        "",
        ("test_the_lease_is_renewed_while_a_stage_is_at_work",),
    ),
    Rule(
        "every 5 s",
        PIPELINE,
        "RENEW_SECONDS = 5.0",
        "RENEW_SECONDS = 14.0",
        ("test_the_lease_is_renewed_while_a_stage_is_at_work",),
    ),
    Rule(
        "A run whose lease ended gets a hint",
        DISPATCHER,
        " or (run.begun and run in new)",
        "",
        ("test_a_run_whose_lease_ended_gets_a_hint",),
    ),
    Rule(
        "A dispatcher runs in an API process",
        "app/main.py",
        "services.dispatcher.run, ",
        "",
        ("test_a_run_that_another_process_queued_gets_its_hint",),
    ),
    Rule(
        "and in a worker",
        "app/worker/runtime.py",
        "            services.dispatcher.run,\n",
        "",
        ("test_a_run_that_another_process_queued_gets_its_hint",),
    ),
    Rule(
        "A claim that fails does nothing",
        PIPELINE,
        "        except (LeaseLostError, PaperNotFoundError, ContendedError) as error:\n"
        '            logger.info("the run is not to be had',
        '        except ZeroDivisionError as error:\n            logger.info("the run is not to be had',
        ("test_a_hint_that_is_delivered_twice_at_once_is_worked_on_once",),
    ),
    Rule(
        "Attempts count at the claim; the third lost lease ends the run `failed`",
        DECISIONS,
        '"attempts": record.attempts + 1',
        '"attempts": record.attempts',
        ("test_the_third_lost_lease_ends_the_run_failed",),
    ),
    Rule(
        "A write that names another run or token loses",
        DECISIONS,
        " or lease is None or lease.token != token:",
        " or lease is None:",
        (
            "test_a_write_that_names_another_run_or_token_loses",
            "test_a_worker_that_lost_its_lease_writes_nothing_more",
        ),
    ),
    Rule(
        "A new claim goes on at the first unfinished stage",
        DECISIONS,
        "        return claimed\n",
        '        return Change(record=claimed.record.model_copy(update={"stages_done": ()}))\n',
        ("test_a_lost_worker_s_run_goes_on_at_the_first_unfinished_stage",),
    ),
    Rule(
        "and keeps status and progress",
        DECISIONS,
        "    if paper.status in RUNNING:\n        return claimed\n",
        "    if False:\n        return claimed\n",
        ("test_a_run_whose_lease_ended_can_be_claimed_and_keeps_status_and_progress",),
    ),
    Rule(
        "Work that is done again tells progress above the mark only",
        DECISIONS,
        "progress <= record.paper.progress or ",
        "",
        ("test_progress_is_told_only_above_the_mark",),
    ),
    Rule(
        "Outputs belong to a run, and the write that ends a stage shows them",
        "app/services/papers.py",
        "run = record.outputs.get(kind)",
        "run = record.paper.run",
        ("test_what_an_earlier_run_found_stays_visible_until_a_new_one_has_its_own",),
    ),
    Rule(
        "The graph takes no earlier run",
        "app/adapters/graph/sqlite.py",
        "if row is not None and row[0] > run:",
        "if False:",
        ("test_an_earlier_run_cannot_replace_a_later_one",),
    ),
    Rule(
        "Cancelling is a write of its own, and its worker finds the token dead",
        DECISIONS,
        'ended = Change(record=change.record.model_copy(update={"lease": None}), events=change.events)',
        "ended = change",
        ("test_a_cancelled_run_s_worker_stops_and_writes_nothing_more",),
    ),
    Rule(
        "It ends a queued run too",
        DECISIONS,
        "    if record.paper.status not in ACTIVE:\n        raise PaperNotRunningError",
        "    if record.paper.status not in RUNNING:\n        raise PaperNotRunningError",
        ("test_a_queued_run_is_cancelled_before_any_worker_has_it",),
    ),
    Rule(
        "A hint is not acknowledged, so that no lost ack leaves a worker deaf",
        "app/worker/celery_app.py",
        "no_ack=True",
        "no_ack=False",
        ("test_a_worker_takes_the_next_hint_although_the_ack_of_the_last_one_was_lost",),
    ),
)
