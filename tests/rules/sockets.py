"""Hub and sockets, and what silence is."""

from tests.rules.rule import Rule

OUTBOUND = "app/realtime/outbound.py"
SESSION = "app/realtime/session.py"
SERVER = "app/server.py"

RULES = (
    Rule(
        "Each event is framed once for all sockets",
        "app/realtime/hub.py",
        "            if papers not in news_of:\n",
        "            if True:\n",
        ("test_those_who_follow_the_same_are_handed_the_very_same_frames",),
    ),
    Rule(
        "A socket's queue is bounded in frames",
        OUTBOUND,
        "            self._frames + len(frames.texts) > self._limits.frames\n            or ",
        "            ",
        ("test_more_than_may_wait_is_a_slow_consumer", "test_frames_that_come_together_count_one_by_one"),
    ),
    Rule(
        "in bytes",
        OUTBOUND,
        "            or self._bytes + len(frames.data) > self._limits.bytes\n",
        "",
        ("test_more_than_may_wait_is_a_slow_consumer",),
    ),
    Rule(
        "and in age",
        OUTBOUND,
        "        if scope.cancelled_caught:\n            raise SlowConsumerError\n",
        "",
        ("test_a_frame_that_is_not_taken_in_time_is_a_slow_consumer",),
    ),
    Rule(
        "Age counts until the transport has drained",
        OUTBOUND,
        "            if not wire.write(data):\n                await self._in_time(queued_at, wire.drained)\n",
        "            wire.write(data)\n",
        ("test_what_the_transport_has_not_taken_yet_still_counts",),
    ),
    Rule(
        "Past the bounds a socket is cut off with 4408",
        SESSION,
        "            self._feed.deliver(news)\n        except SlowConsumerError:\n            self._end(Close.SLOW_CONSUMER)\n",
        "            self._feed.deliver(news)\n        except SlowConsumerError:\n            pass\n",
        ("test_a_stalled_reader_is_cut_off_with_4408_and_comes_back_to_all_it_missed",),
    ),
    Rule(
        "A `pong` goes through the queue, behind the events that wait",
        SESSION,
        "await self._say(replies.pong(self._now(), self._feed.position()))",
        "await self._websocket.send_text(replies.pong(self._now(), self._feed.position()).model_dump_json())",
        ("test_a_reply_stands_behind_every_event_that_came_before_its_message",),
    ),
    Rule(
        "An `error` too",
        SESSION,
        "        await self._say(replies.error(self._now(), error))\n",
        "        await self._websocket.send_text(replies.error(self._now(), error).model_dump_json())\n",
        ("test_a_reply_stands_behind_every_event_that_came_before_its_message",),
    ),
    Rule(
        "Both come after a catch-up",
        SESSION,
        "        async with self._turn:\n            await self._open()\n",
        "        self._tasks.start_soon(self._guard, self._open)\n",
        ("test_replies_stand_behind_what_is_replayed",),
    ),
    Rule(
        "Of `system_*` only the newest waits",
        OUTBOUND,
        "waiting = self._newest.get(kind)",
        "waiting = None",
        ("test_of_a_periodic_frame_only_the_newest_waits_and_only_it_takes_room",),
    ),
    Rule(
        "It is framed once for a process's sockets",
        "app/realtime/hub.py",
        "consumer.deliver_system(frames)",
        "consumer.deliver_system(join((frame(sample.status), frame(sample.metrics))))",
        ("test_a_sample_of_the_system_is_framed_once_and_handed_to_all",),
    ),
    Rule(
        "A sample has a deadline",
        "app/services/system.py",
        "DEADLINE_SECONDS = 1.0",
        "DEADLINE_SECONDS = 8.0",
        ("test_a_service_that_never_answers_is_down_within_the_deadline",),
    ),
    Rule(
        "Workers are known by their heartbeats, never by Celery's `inspect`",
        "app/adapters/queue/celery.py",
        'return int(await self._redis.zcount(WORKERS, since, "+inf"))',
        "return len(await to_thread.run_sync(self._task.app.control.inspect(timeout=0.1).ping) or ())",
        ("test_a_worker_is_heard_of_for_fifteen_seconds",),
    ),
    Rule(
        "The length of the queue and the active runs come from the store",
        "app/services/system.py",
        "counts = await _or(counts, self._store.counts)",
        "pass",
        ("test_what_waits_is_counted_in_the_store",),
    ),
    Rule(
        "A new socket gets the newest sample at once",
        SESSION,
        "sample = self._hub.sample",
        "sample = None",
        (
            "test_right_after_the_connection_the_state_of_the_system_is_told",
            "test_a_socket_that_opens_gets_the_cached_sample_and_no_look_of_its_own",
        ),
    ),
    Rule(
        "All that waits goes out in one write",
        OUTBOUND,
        "while self._waiting and size < WRITE_BYTES:",
        "while False:",
        ("test_all_that_waits_goes_out_in_one_write",),
    ),
    Rule(
        "A reader that is cut off is told why, past what it has not taken",
        SERVER,
        "        self._set_send_buffer(self.last_send_buffer)\n",
        "",
        ("test_a_reader_that_stalls_finds_all_it_was_sent_and_then_the_reason",),
    ),
    Rule(
        "and is gone soon afterwards, whether it reads or not",
        SERVER,
        "            self.transport.resume_reading()\n        self._abort_later()\n",
        "            self.transport.resume_reading()\n",
        ("test_a_reader_that_stalls_finds_all_it_was_sent_and_then_the_reason",),
    ),
    Rule(
        "namely after 2 s",
        SERVER,
        "abort_after = 2.0",
        "abort_after = 20.0",
        ("test_what_a_stall_may_cost_and_when_it_ends",),
    ),
    Rule(
        "The kernel's buffer is small, so that a stall shows soon",
        SERVER,
        "        self._set_send_buffer(self.send_buffer)\n",
        "",
        ("test_what_a_stall_may_cost_and_when_it_ends",),
    ),
    Rule(
        "An overdue pong of the protocol counts as a stall",
        SERVER,
        "        self.cut(Close.SLOW_CONSUMER.code, Close.SLOW_CONSUMER.reason)\n",
        "        super().keepalive_timeout()\n",
        ("test_a_client_that_does_not_answer_a_ping_is_too_slow",),
    ),
    Rule(
        "Frames are shared, so nothing is compressed for one socket",
        SERVER,
        '"ws_per_message_deflate": False,',
        "",
        ("test_a_client_that_offers_compression_gets_none",),
    ),
    Rule(
        "Silence is `settled()` and a pong at the log's end, never a pong alone",
        "tests/support/lane.py",
        'tail = (await self.settled())["log_position"]',
        'tail = (await self.status())["log_position"]',
        ("test_a_late_event_is_overtaken_by_a_bare_pong_and_not_by_the_fence",),
    ),
)
