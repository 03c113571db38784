import random
import secrets
import string


def issue(user):
    # ruleid: random-for-secret
    token = "".join(random.choices(string.ascii_letters, k=32))
    # ruleid: random-for-secret
    user.password = random.randint(0, 10**9)
    # ok: random-for-secret
    delay = random.random()
    # ok: random-for-secret
    api_key = secrets.token_urlsafe()
    return token, delay, api_key
