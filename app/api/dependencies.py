"""What a route is given: this process's services, from the lifespan's state."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.services.papers import Papers
from app.services.services import Services


def services_of(connection: HTTPConnection) -> Services:
    return cast(Services, connection.state.services)


# FastAPI would run a plain function in a thread.
async def get_services(connection: HTTPConnection) -> Services:
    return services_of(connection)


AllServices = Annotated[Services, Depends(get_services)]


async def get_papers(services: AllServices) -> Papers:
    return services.papers


ThePapers = Annotated[Papers, Depends(get_papers)]
