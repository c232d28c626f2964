import time

import requests
import sseclient
from take import take, url

last, wait = None, 1.0
while True:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    try:
        for event in sseclient.SSEClient(requests.get(url, headers=headers, stream=True)).events():
            last, wait = event.id or last, (event.retry or 0) / 1000 or wait
            if event.data:
                take(event.id, event.data, event.event)
    except requests.RequestException:
        pass
    time.sleep(wait)
