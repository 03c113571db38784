import requests
from flask import request


def preview():
    url = request.args.get("url")
    # ruleid: request-to-any-address
    answer = requests.get(url, timeout=3)
    # ok: request-to-any-address
    requests.get("https://example.org", params={"q": url}, timeout=3)
    return answer
