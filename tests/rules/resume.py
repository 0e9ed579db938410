"""Positions, snapshots, resuming, deletion."""

from tests.rules.rule import Rule

LOG = "app/adapters/event_log/redis.py"
SESSION = "app/realtime/session.py"
FEED = "app/realtime/feed.py"
SWEEPER = "app/services/sweeper.py"

RULES = (
    Rule(
        "A position holds while that very entry is in the log",
        LOG,
        "xrange(STREAM, entry_id, entry_id))",
        'xrange(STREAM, entry_id, "+"))',
        (
            "test_a_place_holds_only_while_that_very_entry_is_there",
            "test_a_position_that_the_log_does_not_hold_gets_resync_and_never_the_next_best_entry",
        ),
    ),
    Rule(
        "Otherwise `resync`",
        SESSION,
        '        if not await self._shared.log.holds(position.entry):\n            return None, "position_not_in_log"\n',
        "",
        ("test_a_position_that_the_log_does_not_hold_gets_resync_and_never_the_next_best_entry",),
    ),
    Rule(
        "A hub holds itself to the same rule",
        "app/realtime/hub.py",
        "        if not await self._log.holds(position):\n            await self._go_on_from_the_end()\n            return\n",
        "",
        (
            "test_a_log_that_is_lost_under_open_sockets_is_told_and_then_events_go_on",
            "test_a_lost_position_is_told_before_it_moves_so_that_no_pong_names_a_later_one",
        ),
    ),
    Rule(
        "and so those whom a replay took beyond it",
        "app/realtime/hub.py",
        "            elif entry_order(entry) < end:\n",
        "            elif False:\n",
        ("test_who_a_replay_took_ahead_is_told_when_the_log_comes_back_without_that_place",),
    ),
    Rule(
        "An empty log begins with an entry of its own",
        LOG,
        "redis.call('XADD', KEYS[1], '*', 'genesis', '1') end\nreturn",
        "return {'0-0'} end\nreturn",
        ("test_an_empty_log_begins_with_a_place_that_holds",),
    ),
    Rule(
        "The position is read before the snapshot",
        SESSION,
        "        self._feed.stand_at(self._hub.position)\n        if self._paper_id is None:\n            return None\n"
        "        paper = await self._shared.papers.get(self._paper_id)\n",
        "        if self._paper_id is None:\n            self._feed.stand_at(self._hub.position)\n            return None\n"
        "        paper = await self._shared.papers.get(self._paper_id)\n"
        "        self._feed.stand_at(self._hub.position)\n",
        ("test_an_event_that_comes_while_the_snapshot_is_read_follows_the_connection",),
    ),
    Rule(
        "Only events above the snapshot's `seq` follow it",
        FEED,
        "return event.seq > self._known.get(event.paper_id, 0)",
        "return True",
        (
            "test_a_snapshot_that_is_ahead_of_the_log_is_followed_by_later_events_only",
            "test_events_that_the_snapshot_of_a_subscription_holds_do_not_follow_it",
        ),
    ),
    Rule(
        "On a paper socket a position has the snapshot's `seq` too",
        FEED,
        'seq=self._known.get(self._paper_id or "", 0)',
        "seq=0",
        ("test_a_snapshot_that_is_ahead_of_the_log_is_followed_by_later_events_only",),
    ),
    Rule(
        "With a valid `after` there is no snapshot, and the replay follows",
        SESSION,
        "            snapshot = None\n        else:",
        "            snapshot = self._paper_id and await self._shared.papers.get(self._paper_id)\n        else:",
        ("test_a_watcher_who_comes_back_gets_what_was_missed",),
    ),
    Rule(
        "Who is refused a position on `/ws` keeps it until the `resync` is heard",
        SESSION,
        "lost = self._after if reason is not None and snapshot is None else None",
        "lost = None",
        ("test_on_ws_the_connection_before_a_resync_tells_no_new_position",),
    ),
    Rule(
        "Items of the list carry `seq`",
        "app/api/papers.py",
        '@router.get(\n    "/", responses',
        '@router.get(\n    "/", response_model_exclude={"items": {"__all__": {"seq"}}}, responses',
        ("test_a_status_filters_the_list_and_the_items_are_snapshots",),
    ),
    Rule(
        "Events over HTTP have `seq` as their position, and no `id`",
        "app/api/papers.py",
        "PaperEvents(items=tuple(await papers.events(paper_id, after, limit)))",
        'PaperEvents(items=tuple(e.model_copy(update={"id": "1"}) for e in await papers.events(paper_id, after, limit)))',
        ("test_http_tells_the_same_events_with_seq_as_their_position",),
    ),
    Rule(
        "After a `resync` the socket lives on from there",
        SESSION,
        "            await self._resync(error.reason)\n",
        "            self._end(Close.UNAVAILABLE)\n",
        ("test_who_is_too_far_behind_gets_resync_and_who_is_not_gets_the_events",),
    ),
    Rule(
        "A `resync` on a paper socket carries its snapshot",
        SESSION,
        "self._paper_id, snapshot, reason))\n        await self._catch_up()\n\n    async def _resume_position",
        "self._paper_id, None, reason))\n        await self._catch_up()\n\n    async def _resume_position",
        ("test_a_position_that_is_none_gets_resync_and_the_socket_lives_on",),
    ),
    Rule(
        "`subscribe` narrows `/ws` to papers",
        SESSION,
        "            self._feed.narrow(snapshots)\n",
        "",
        ("test_subscribing_narrows_ws_to_the_papers_named",),
    ),
    Rule(
        "`subscribed` carries their snapshots",
        SESSION,
        "self._feed.position(), followed, snapshots)",
        "self._feed.position(), followed, [])",
        ("test_subscribing_narrows_ws_to_the_papers_named",),
    ),
    Rule(
        "and a position to come back from",
        SESSION,
        "replies.subscribed(self._now(), self._feed.position(),",
        'replies.subscribed(self._now(), Position(entry="0-1"),',
        ("test_the_positions_of_both_answers_are_ones_to_come_back_from",),
    ),
    Rule(
        "On the socket of a paper it is an `error`",
        SESSION,
        "        if self._paper_id is not None:\n            raise NotAllowedHereError(",
        "        if False:\n            raise NotAllowedHereError(",
        ("test_the_socket_of_a_paper_cannot_be_narrowed",),
    ),
    Rule(
        "A catch-up goes at its reader's pace, outside the queue's bounds",
        FEED,
        "            await self._outbound.put_all(",
        "            self._outbound.offer(",
        ("test_a_replay_longer_than_the_queue_goes_at_the_pace_of_its_reader",),
    ),
    Rule(
        "It reads page after page until it is where the hub is",
        FEED,
        "            if self._order >= max(",
        "            if read or self._order >= max(",
        (
            "test_pages_follow_each_other_without_a_hole",
            "test_a_replay_of_more_than_one_page_has_no_hole_between_the_pages",
        ),
    ),
    Rule(
        "also where the log lost its end meanwhile",
        FEED,
        "                    continue  #",
        "                    break  #",
        ("test_a_feed_that_found_nothing_goes_on_with_what_a_log_that_lost_its_end_tells_again",),
    ),
    Rule(
        "and repeats nothing where it joins",
        FEED,
        "if event.order > self._order and self._is_new(event)]",
        "if self._is_new(event)]",
        ("test_entries_that_the_replay_read_before_the_hub_did_come_once",),
    ),
    Rule(
        "Past a limit it ends in `resync`",
        FEED,
        '            if read > self._replay_limit:\n                raise BehindError("too_far_behind")\n',
        "",
        ("test_who_is_too_far_behind_gets_resync_and_who_is_not_gets_the_events",),
    ),
    Rule(
        "Deleting is a state write: HTTP says 404 from then on",
        "app/services/papers.py",
        "            raise PaperGoneError(paper_id, told=record.waiting == 0)\n",
        "            return record\n",
        ("test_a_deleted_paper_is_404_everywhere_and_in_no_list",),
    ),
    Rule(
        "A deletion ends the sockets of its paper",
        FEED,
        "if self._paper_id is not None and any(event.deleted for event in events):",
        "if False:",
        ("test_deletion_is_told_to_every_watcher_and_ends_the_sockets_of_the_paper",),
    ),
    Rule(
        "Who comes back later is told up to it, then 4410",
        SESSION,
        "        except PaperGoneError as error:\n            if error.told:\n"
        "                self._ends_at = await self._shared.log.tail()\n",
        "        except PaperGoneError:\n            raise\n",
        ("test_who_comes_back_after_the_deletion_gets_what_was_missed_up_to_it_and_then_4410",),
    ),
    Rule(
        "A tombstone stays as long as the log may tell of the paper",
        SWEEPER,
        "record.deleted_at + MARGIN < oldest",
        "True",
        ("test_a_tombstone_younger_than_the_log_s_oldest_entry_stays",),
    ),
    Rule(
        "and no longer",
        SWEEPER,
        "                await self._store.purge(record.paper.id)\n",
        "",
        ("test_a_tombstone_goes_when_the_log_has_forgotten_the_paper",),
    ),
    Rule(
        "File, outputs and graph go",
        SWEEPER,
        "            await self._remove(paper_id)\n            if record.lease",
        "            if record.lease",
        ("test_deleting_removes_file_outputs_and_graph_at_once",),
    ),
    Rule(
        "and again once any lease has ended",
        SWEEPER,
        "            return  # its worker may still be writing: come again\n",
        "            pass\n",
        ("test_what_a_worker_still_wrote_after_the_deletion_is_removed_when_its_lease_has_ended",),
    ),
)
