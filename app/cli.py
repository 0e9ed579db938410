"""The commands. Whatever goes wrong is told in a sentence on stderr, and the exit status is not 0."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.domain.stages import Load
    from app.settings import Settings

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, as shells have it."""

cli = typer.Typer(
    name="paper-processing",
    help="Takes research papers in, extracts what they say, and tells everyone who watches, live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Url = Annotated[
    str | None,
    typer.Option(help="where the service is; without it PAPERS_HOST and PAPERS_PORT say so", show_default=False),
]


@cli.command()
def serve() -> None:
    """Start everything on this machine, and keep it running until Ctrl-C."""
    from app.settings import SettingsError, load_settings
    from app.supervisor.errors import ServeError
    from app.supervisor.serve import serve as supervise
    from app.wiring import check_urls

    with told(SettingsError, ServeError):
        settings = load_settings()
        begin_log(settings, "serve")
        warn_of_unknown_settings()
        asyncio.run(check_urls(settings))  # its children would only die of a wrong one, again and again
        supervise(settings, say)


@cli.command()
def worker(
    queues: Annotated[str, typer.Option(help="the loads it serves: those of its stages")] = "light,heavy",
) -> None:
    """Run one worker process against the services that the settings name."""
    from app.domain.errors import PaperProcessingError
    from app.settings import SettingsError, load_settings
    from app.supervisor.leash import follow_parent

    is_child = follow_parent()
    with told(SettingsError, PaperProcessingError):
        settings = load_settings()
        begin_log(settings, "worker")
        if not is_child:  # else the parent has done it
            warn_of_unknown_settings()
        from app.processes import run_worker

        run_worker(settings, loads_of(queues))


@cli.command()
def api() -> None:
    """Run one API process against the services that the settings name."""
    from app.domain.errors import PaperProcessingError
    from app.settings import SettingsError, load_settings
    from app.supervisor.leash import follow_parent

    is_child = follow_parent()
    with told(SettingsError, PaperProcessingError):
        settings = load_settings()
        begin_log(settings, "api")
        if not is_child:  # else the parent has done it
            warn_of_unknown_settings()
        from app.processes import run_api

        run_api(settings)


@cli.command()
def submit(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)],
    watch: Annotated[bool, typer.Option("--watch", help="stay until all are done, and show how far they are")] = False,
    priority: Annotated[
        int | None,
        typer.Option(min=0, max=9, help="of their runs: a higher one goes first; 5 without it", show_default=False),
    ] = None,
    url: Url = None,
) -> None:
    """Upload papers and have them processed."""
    from app.client.commands import submit as submit_files
    from app.client.errors import ClientError

    with told(ClientError):
        status = submit_files(service_url(url), files, watch, priority)
    raise typer.Exit(status)


@cli.command()
def watch(
    paper_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    url: Url = None,
) -> None:
    """Show how far one paper is, until its run ends."""
    from app.client.commands import watch as watch_paper
    from app.client.errors import ClientError

    with told(ClientError):
        status = watch_paper(service_url(url), paper_id)
    raise typer.Exit(status)


@cli.command()
def dead_letters(
    retry: Annotated[str | None, typer.Option(metavar="ID", help="run this paper again", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="run all of them again")] = False,
    url: Url = None,
) -> None:
    """List papers whose attempts ran out, each with its reason, or have them run again."""
    from app.client import dead_letters as commands
    from app.client.errors import ClientError

    if retry is not None and everything:
        raise typer.BadParameter("--retry ID or --all, not both.")
    with told(ClientError):
        if retry is not None:
            status = commands.retry(service_url(url), retry)
        elif everything:
            status = commands.retry_all(service_url(url))
        else:
            status = commands.show(service_url(url))
    raise typer.Exit(status)


@cli.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="do what is safe about it, and say what was done")] = False,
    url: Annotated[str | None, typer.Option(help="only ask the service there how it is", show_default=False)] = None,
) -> None:
    """Say what is wrong with this installation, whether the service runs or not."""
    from app.client.errors import ClientError
    from app.settings import SettingsError

    with told(ClientError, SettingsError):
        if url is not None:
            from app.client.commands import check as check_service

            raise typer.Exit(check_service(url))
        from app.client.installation import check as check_installation
        from app.settings import load_settings

        raise typer.Exit(check_installation(load_settings(), os.environ, repair=repair))


def begin_log(settings: "Settings", process: str) -> None:
    from app.logs import configure_logging

    configure_logging(settings.log_level, settings.log_format, process)


def warn_of_unknown_settings() -> None:
    from app.settings import unknown_settings

    for sentence in unknown_settings(os.environ):
        logging.getLogger("app.settings").warning("%s", sentence)


def loads_of(queues: str) -> "frozenset[Load]":
    """What `--queues` names."""
    from app.domain.stages import Load

    try:
        return frozenset(Load(name.strip()) for name in queues.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{queues!r} is no list of {' and '.join(Load)}.", param_hint="--queues") from error


def service_url(given: str | None) -> str:
    """The `--url`, or the place the settings name."""
    if given is not None:
        return given
    from app.settings import SettingsError, load_settings
    from app.supervisor.address import reachable

    with told(SettingsError):
        settings = load_settings()
    return f"http://{reachable(settings.host)}:{settings.port}"


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Ends the program with the sentence of an error that people can do something about."""
    try:
        yield
    except errors as error:
        print(f"paper-processing: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(INTERRUPTED) from interrupt


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """The script `paper-processing`."""
    cli()


if __name__ == "__main__":
    main()
