"""What the code has, that files of deployment name."""

from collections.abc import Mapping

import pytest
from typer.main import get_command

from app.api import system
from app.cli import cli
from app.settings import Settings, load_settings

COMMANDS = set(getattr(get_command(cli), "commands", ()))
ROUTES = {getattr(route, "path", "") for route in system.router.routes}
SETTINGS = {f"PAPERS_{name.upper()}" for name in Settings.model_fields}


def settings_from(given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load_settings()
