import logging

log = logging.getLogger(__name__)


def login(user, password):
    # ruleid: secret-in-log
    log.info("login of %s with %s", user.name, password)
    # ruleid: secret-in-log
    log.debug(f"login with {user.password}")
    # ok: secret-in-log
    log.info("login of %s", user.name)
    # ok: secret-in-log
    log.info("wrong password")
