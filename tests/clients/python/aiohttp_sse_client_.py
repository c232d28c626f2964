import asyncio
from datetime import timedelta

import aiohttp
from aiohttp_sse_client.client import EventSource
from take import take, url


async def main():
    source, last = None, ""
    while True:
        # It takes up a stream that has ended; of one that broke off it raises the error.
        try:
            session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            headers = {"Last-Event-ID": last} if last else {}
            wait = timedelta(milliseconds=50)
            async with EventSource(url, session=session, reconnection_time=wait, headers=headers) as source:
                async for event in source:
                    take(event.last_event_id, event.data, event.message or "message")
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(0.1)
        finally:
            # The place that it has kept, also if no event has come yet.
            last = source._last_event_id if source else last
            await session.close()


asyncio.run(main())
