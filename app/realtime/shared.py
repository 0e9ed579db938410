"""What every session of this process shares."""

from dataclasses import dataclass

from app.ports import Clock, EventLog
from app.realtime.hub import Hub
from app.realtime.outbound import Limits
from app.services.papers import Papers


@dataclass(frozen=True)
class Realtime:
    """`close_seconds` is how long a close frame may take where the server cannot cut a connection off."""

    hub: Hub
    log: EventLog
    papers: Papers
    clock: Clock
    limits: Limits
    replay_limit: int
    max_connections: int
    allowed_origins: tuple[str, ...]
    close_seconds: float = 2.0
