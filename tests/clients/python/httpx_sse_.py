import time

import httpx
from httpx_sse import connect_sse
from take import take, url

last, wait = None, 1.0
while True:
    headers = {"Last-Event-ID": last} if last else {}
    try:
        with httpx.Client(timeout=None) as client:
            with connect_sse(client, "GET", url, headers=headers) as source:
                for event in source.iter_sse():
                    last, wait = event.id or last, (event.retry or 0) / 1000 or wait
                    if event.data:
                        take(event.id, event.data, event.event)
    except httpx.HTTPError:
        pass
    time.sleep(wait)
