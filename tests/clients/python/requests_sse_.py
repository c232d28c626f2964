from datetime import timedelta

from requests_sse import EventSource
from take import take, url

with EventSource(url, reconnection_time=timedelta(milliseconds=50)) as source:
    for event in source:
        take(event.last_event_id, event.data, event.type or "message")
