from ld_eventsource import SSEClient
from ld_eventsource.config import ErrorStrategy
from take import take, url

client = SSEClient(url, initial_retry_delay=0.1, error_strategy=ErrorStrategy.always_continue())
for event in client.events:
    take(event.last_event_id, event.data, event.event)
