"""The Celery application. Its messages are hints: losing, doubling or delaying one does no harm."""

from collections.abc import Callable

from celery import Celery, Task
from kombu import Queue

from app.domain.stages import STAGES, Load


def create_celery(broker_url: str, process: Callable[[str, int], None]) -> tuple[Celery, Task[[str, int], None]]:
    """An application, and its one task, which calls `process(paper_id, run)` where it is received."""
    celery = Celery("paper_processing", broker=broker_url, set_as_current=False)
    celery.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A broker on a full disk answers, and refuses: wait for it, as for one that is away.
        broker_channel_error_retry=True,
        # A hint that cannot be sent is sent again by the dispatcher: kombu need not try for seconds in its thread.
        broker_transport_options={
            "max_retries": 0,
            "socket_timeout": 5.0,
            "socket_connect_timeout": 5.0,
            "socket_keepalive": True,
        },
        task_default_queue=STAGES[0].load.queue,
        task_ignore_result=True,
        task_publish_retry=False,
        # Nothing is acknowledged: hints need it not, and an ack that fails with the broker would hold the worker's only
        # place for a message for good. The worker would look well, and take no hint any more.
        task_queues=[Queue(load.queue, no_ack=True) for load in Load],
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )

    # Not shared: a second application in the process would otherwise run the first one's callable.
    @celery.task(name="paper_processing.process_paper", shared=False)
    def process_paper(paper_id: str, run: int) -> None:
        process(paper_id, run)

    return celery, process_paper


def refuse(paper_id: str, run: int) -> None:
    """The `process` of an application that only sends."""
    raise RuntimeError(f"run {run} of paper {paper_id} was received by a process that works on none")
