import os

# ruleid: secret-in-code
password = "correct-horse"
# ruleid: secret-in-code
DB_PASSWORD = "correct-horse"


def configure(app, settings):
    # ruleid: secret-in-code
    app.secret_key = "0123456789abcdef"
    # ruleid: secret-in-code
    settings["api_key"] = "0123456789abcdef"
    # ok: secret-in-code
    app.password = os.environ["PASSWORD"]
    # ok: secret-in-code
    settings["password"] = "${DB_PASSWORD}"


# ok: secret-in-code
password_field = "password_input"
# ok: secret-in-code
secret = ""
