"""The reference at `/docs`, as a browser with no network gets it."""

import re

import httpx
import pytest

from app.realtime.asyncapi import build_asyncapi

pytestmark = pytest.mark.anyio


async def test_the_reference_page_loads_nothing_that_the_service_does_not_serve_itself(
    api_client: httpx.AsyncClient,
) -> None:
    page = (await api_client.get("/docs")).text

    assert "url: '/openapi.json'" in page
    assert "://" not in page, "the page names another server"
    parts = re.findall(r'(?:src|href)="([^"]+)"', page)
    answers = [await api_client.get(part) for part in parts]
    kinds = {answer.headers["content-type"].partition(";")[0] for answer in answers if answer.status_code == 200}
    assert kinds == {"text/css", "text/javascript", "image/png"}, f"{parts}: {answers}"


async def test_there_is_one_reference_and_no_second_page_that_would_need_the_network(
    api_client: httpx.AsyncClient,
) -> None:
    assert (await api_client.get("/redoc")).json()["code"] == "not_found"


async def test_the_reference_of_the_sockets_is_served_whole(api_client: httpx.AsyncClient) -> None:
    assert (await api_client.get("/asyncapi.json")).json() == build_asyncapi()
