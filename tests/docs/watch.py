import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage

FINAL = {1009, 4401, 4403, 4404, 4410}  # too big, unauthenticated, forbidden, unknown paper, deleted paper


async def watch(url: str) -> None:
    position = ""
    while True:
        try:
            async with connect(url + (f"?after={position}" if position else "")) as socket:
                async for text in socket:
                    event = json.loads(text)
                    print(event["event_type"], event["message"])
                    position = event["id"] or event["data"].get("position") or position
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code in FINAL:
                return
        except (OSError, InvalidMessage):
            pass  # the service is away, or just went
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
