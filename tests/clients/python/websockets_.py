import asyncio

import websockets
from take import take, url


async def main():
    last = ""
    while True:
        address = url.replace("http", "ws") + (f"?last_event_id={last}" if last else "")
        try:
            async with websockets.connect(address, subprotocols=["sse"]) as socket:
                async for text in socket:
                    lines = (line.partition(": ") for line in text.splitlines())
                    fields = {name: value for name, _, value in lines}
                    last = fields.get("id", last)
                    if "data" in fields or "event" in fields:
                        take(last, fields.get("data"), fields.get("event", "message"))
        except (OSError, websockets.WebSocketException):
            pass
        await asyncio.sleep(0.1)


asyncio.run(main())
