import time

import websocket
from take import take, url

last = ""
while True:
    address = url.replace("http", "ws") + (f"?last_event_id={last}" if last else "")
    try:
        socket = websocket.create_connection(address, subprotocols=["sse"])
        while text := socket.recv():
            lines = (line.partition(": ") for line in text.splitlines())
            fields = {name: value for name, _, value in lines}
            last = fields.get("id", last)
            if "data" in fields or "event" in fields:
                take(last, fields.get("data"), fields.get("event", "message"))
    except (OSError, websocket.WebSocketException):
        pass
    time.sleep(0.1)
