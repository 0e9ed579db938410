"""From the store to the log."""

from tests.rules.rule import Rule

LOG = "app/adapters/event_log/redis.py"
RELAY = "app/services/relay.py"

RULES = (
    Rule(
        "An append that is there already is dropped, so any number of relays run with no leader",
        LOG,
        "if seq <= last then return {1, last} end\n",
        "",
        (
            "test_an_event_that_is_there_is_dropped",
            "test_a_relay_that_died_between_append_and_mark_repeats_nothing",
            "test_relays_that_append_the_same_events_at_once_give_each_once_and_in_order",
        ),
    ),
    Rule(
        "An append after a gap is refused, and the relay goes back",
        LOG,
        "if seq > last + 1 then return {0, last} end\n",
        "",
        (
            "test_an_event_after_a_gap_is_refused_with_the_last_one",
            "test_events_that_the_log_lost_are_appended_before_newer_ones",
        ),
    ),
    Rule(
        "A relay runs in an API process",
        "app/main.py",
        "services.relay.run, ",
        "",
        ("test_what_another_process_stored_is_published",),
    ),
    Rule(
        "and in a worker",
        "app/worker/runtime.py",
        "            services.relay.run,\n",
        "",
        ("test_what_another_process_stored_is_published",),
    ),
    Rule(
        "It is woken by a hint",
        "app/services/services.py",
        "on_events=relay_wake.set",
        "on_events=lambda: None",
        ("test_a_paper_is_worked_through_while_we_watch", "test_an_upload_is_told_to_everyone_on_ws"),
    ),
    Rule(
        "and looks by itself every second",
        RELAY,
        "await self._wake.wait(SWEEP_EVERY.total_seconds())",
        "await self._wake.wait(1e9)",
        ("test_what_another_process_stored_is_published",),
    ),
    Rule(
        "The last `seq` of a paper outlives its entries in the log",
        LOG,
        "redis.call('SET', KEYS[2], seq)",
        "redis.call('SET', KEYS[2], seq, 'EX', 86400)",
        ("test_what_was_last_of_a_paper_is_kept_without_end",),
    ),
    Rule(
        "Retention is a setting",
        LOG,
        "'MAXLEN', '~', ARGV[3], ",
        "",
        ("test_a_trimmed_log_says_since_when_it_reaches_and_what_was_before_does_not_hold",),
    ),
    Rule(
        "After a restart of the log its newest entries are offered again",
        RELAY,
        "            await self._offer_again()\n",
        "",
        (
            "test_a_restarted_log_is_offered_its_newest_entries_again",
            "test_a_long_outage_does_not_shorten_what_is_offered_again",
        ),
    ),
    Rule(
        "Those are the events of the last 10 s before it went",
        RELAY,
        "SAFE_AFTER = timedelta(seconds=10)",
        "SAFE_AFTER = timedelta(seconds=8)",
        ("test_what_was_relayed_nine_seconds_before_the_last_is_offered_again",),
    ),
    Rule(
        "They are offered before anything is marked",
        RELAY,
        "            self._swept_at = None  #",
        "            #",
        ("test_after_an_outage_nothing_is_marked_before_what_was_lost_is_offered_again",),
    ),
    Rule(
        "and as often as it restarts",
        RELAY,
        "        await self._store.mark_again(last - SAFE_AFTER, self._clock.now())",
        "        ",
        ("test_what_was_offered_again_is_offered_once_more_when_it_is_lost_once_more",),
    ),
    Rule(
        "One look that could not offer them is no look: the next one does",
        RELAY,
        "            await self._offer_again()\n            self._epoch = epoch\n",
        "            self._epoch = epoch\n            await self._offer_again()\n",
        ("test_what_could_not_be_offered_again_is_offered_at_the_next_look",),
    ),
    Rule(
        "A restart is looked for every second, however busy the relay is",
        RELAY,
        "self._swept_at is None or self._clock.now() - self._swept_at >= SWEEP_EVERY",
        "self._swept_at is None",
        ("test_a_relay_that_is_busy_all_the_time_still_sees_that_the_log_restarted",),
    ),
    Rule(
        "Valkey throws nothing out for want of memory",
        "app/supervisor/valkey.py",
        '"maxmemory-policy": "noeviction",',
        "",
        ("test_valkey_listens_in_its_folder_to_this_user_alone_and_loses_nothing",),
    ),
)
