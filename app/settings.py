"""Every setting, its type and what it means: environment variables with the prefix `PAPERS_`."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_PASSWORD = re.compile(r"(?<=//)([^/@:]*):[^/]*(?=@)|(?<=[?&])(password)=[^&]*")


class SettingsError(Exception):
    """A setting is wrong; the message is a sentence that says which and why."""


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="PAPERS_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address the API listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port the API listens on")
    data_dir: Path = Field(default=Path("data"), description="folder of everything that is embedded")
    workers: int = Field(default=2, ge=1, le=64, description="worker processes that `serve` starts")

    store_url: str = Field(
        default="sqlite:", description="documents: `sqlite:` (in the data folder), `sqlite:///PATH` or `mongodb://…`"
    )
    redis_url: str = Field(
        default="embedded:", description="Celery broker and event log: `embedded:` (a Valkey of our own) or `redis://…`"
    )
    graph_url: str = Field(
        default="sqlite:", description="knowledge graph: `sqlite:`, `sqlite:///PATH`, `neo4j://…` or `bolt://…`"
    )
    files_url: str = Field(
        default="file:",
        description="original files: `file:` (in the data folder), `file:///PATH`, or another fsspec URL",
    )

    max_upload_mb: int = Field(
        default=50, ge=1, le=4096, description="largest file accepted, in megabytes (2^20 bytes)"
    )
    read_timeout_seconds: float = Field(default=120, gt=0, description="time a file may take to be read")
    read_memory_mb: int = Field(default=2048, ge=256, description="memory the process that reads a file may take")

    grobid_url: str = Field(
        default="",
        description="a GROBID server that is to read PDFs: `http://…`; where it fails, the reader here does it",
    )

    stage_timeout_seconds: float = Field(
        default=900, gt=0, description="time one stage of a run may take; more ends the attempt"
    )

    tagger: Path | None = Field(
        default=None,
        description="a model of your own that tells entities, in place of the one that ships: a file of crfsuite, or "
        "the folder of a network in ONNX (extra `neural`)",
    )
    embedder: Path | None = Field(
        default=None,
        description="the folder of an encoder of sentences of your own, in ONNX (extra `neural`): search then goes by "
        "meaning, too",
    )

    system_status_interval: float = Field(default=2, ge=0.05, description="seconds between two `system_status` events")
    log_retention: int = Field(
        default=100_000, ge=100, description="events the log keeps, about; older ones need a resync"
    )
    replay_limit: int = Field(
        default=10_000, ge=1, description="log entries one socket may catch up on; more is a resync"
    )
    max_connections: int = Field(default=10_000, ge=1, description="WebSockets one process accepts")
    socket_queue_frames: int = Field(default=1_000, ge=10, description="frames that may wait for a slow reader")
    socket_queue_bytes: int = Field(default=4_000_000, ge=10_000, description="bytes that may wait for a slow reader")
    socket_max_age: float = Field(
        default=10, gt=0, description="seconds a frame may wait before a slow reader is cut off"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="other web origins whose pages may open sockets, separated by commas; `*` for all"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="how much the log tells"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="lines of `text`, or of `json`; `auto`: text on a terminal, JSON otherwise"
    )

    @field_validator("host")
    @classmethod
    def _nameable(cls, value: str) -> str:
        try:
            value.encode("idna")  # as every look-up of it does first
        except UnicodeError as error:
            raise ValueError("a part of it is empty or too long") from error
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("store_url", "redis_url", "graph_url", "files_url")
    @classmethod
    def _known_scheme(cls, value: str, info: object) -> str:
        schemes = SCHEMES[getattr(info, "field_name", "")]
        if schemes and value.partition(":")[0] not in schemes:
            raise ValueError(f"its scheme is one of {', '.join(schemes)}")
        if ":" not in value:
            raise ValueError("it is a URL")
        return value

    @field_validator("grobid_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it is a URL that begins with http:// or https://")
        return value

    @field_validator("tagger", "embedder")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.exists():
            raise ValueError("there is no such file or folder")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def is_embedded(self) -> bool:
        """Whether all that it keeps is in the data folder."""
        return (self.store_url, self.redis_url, self.graph_url, self.files_url) == (
            "sqlite:",
            "embedded:",
            "sqlite:",
            "file:",
        )


SCHEMES: dict[str, tuple[str, ...]] = {
    "store_url": ("sqlite", "mongodb", "mongodb+srv"),
    "redis_url": ("embedded", "redis", "rediss", "unix"),
    "graph_url": ("sqlite", "neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"),
    "files_url": (),
}


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    names = [f"PAPERS_{name.upper()}" for name in Settings.model_fields]
    strange = sorted(name for name in environment if name.upper().startswith("PAPERS_") and name.upper() not in names)
    near = {name: get_close_matches(name.upper(), names, 1, cutoff=0.8) for name in strange}
    return [
        f"{name} is no setting" + (f"; perhaps {near[name][0]} is meant." if near[name] else ".") for name in strange
    ]


def load_settings() -> Settings:
    """The settings from the environment. Raises `SettingsError` with a sentence for the first one that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "PAPERS_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        value = first["input"]
        shown = without_password(value) if isinstance(value, str) else value
        raise SettingsError(f"{name} is {shown!r}, which cannot be: {reason}.") from error


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return _PASSWORD.sub(lambda found: f"{found[1]}:***" if found[2] is None else "password=***", url)
