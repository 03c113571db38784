import os

# ruleid: secret-as-default
PASSWORD = os.environ.get("DB_PASSWORD", "postgres")
# ruleid: secret-as-default
KEY = os.getenv("APP_SECRET_KEY", "change-me")


# ruleid: secret-as-default
def connect(host, password="hunter2"):
    return host, password


# ok: secret-as-default
def reconnect(host="localhost", password=""):
    return host, password


# ok: secret-as-default
HOST = os.environ.get("DB_HOST", "localhost")
# ok: secret-as-default
TOKEN = os.environ["ACCESS_TOKEN"]
