# The module has the name of another package: that is a folder, this a file.
import importlib.util
import sysconfig

from take import take, url

path = sysconfig.get_path("purelib") + "/sseclient.py"
spec = importlib.util.spec_from_file_location("sseclient_old", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
# It tells its errors on standard output.
module.print = lambda *_: None

# It hands out what has no data, too, and asks for gzip without reading it.
headers = {"Accept-Encoding": "identity"}
for event in module.SSEClient(url, retry=100, headers=headers):
    if event.data:
        take(event.id, event.data, event.event)
