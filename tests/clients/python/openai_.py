# The stream of a response, taken up from its beginning; the SDK hands out what the data says.
from openai import OpenAI
from take import take, url

base, id = url.rsplit("/", 2)[0], url.rsplit("/", 1)[1]
client = OpenAI(base_url=base, api_key="none")
for event in client.responses.retrieve(id, stream=True):
    if event.type == "response.completed":
        break
    take(event.sequence_number, event.delta)
