"""Exit with 0 if a Triton server encodes a text: `python3 probe.py splade_document [http://127.0.0.1:8000]`.

A server can call itself ready while a step of a model has died, so what counts is an answer. Needs Python alone.
"""

import json
import sys
import urllib.request

SECONDS = 10


def main(model, url="http://127.0.0.1:8000"):
    """Encode one word."""
    text = {"name": "TEXT", "shape": [1, 1], "datatype": "BYTES", "data": ["weather"]}
    body = json.dumps({"inputs": [text]}).encode()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url}/v2/models/{model}/infer", body, SECONDS) as answer:
        outputs = {output["name"] for output in json.load(answer)["outputs"]}
    return 0 if outputs == {"indices", "values"} else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as error:
        sys.exit(f"no answer: {error}")
