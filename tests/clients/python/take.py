"""What a client makes of an event: a line `ID DATA`, `GAP`, or its own end."""

import os
import sys

url = sys.argv[1]


def take(id, data, event="message"):
    if event == "end":
        sys.stdout.flush()
        os._exit(0)
    print("GAP" if event == "gap" else f"{id} {data}", flush=True)
