"""What the server says of itself."""

from client import *


def settings(port, streams, window):
    client = Client(port)
    client.until(lambda: client.settings)
    equal(client.settings[3], int(streams))
    equal(client.settings[4], int(window))
    equal(client.settings[8], 1)
    check(client.settings[6] > 0)


if __name__ == "__main__":
    main(globals())
