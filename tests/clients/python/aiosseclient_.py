import asyncio

import aiohttp
from aiosseclient import aiosseclient
from take import take, url


async def main():
    last = None
    while True:
        try:
            async for event in aiosseclient(url, last_id=last):
                last = event.id or last
                if event.data:
                    take(event.id, event.data, event.event)
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)


asyncio.run(main())
