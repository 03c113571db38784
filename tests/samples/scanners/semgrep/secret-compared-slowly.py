import hashlib
import hmac


def valid(key, body, given):
    # ruleid: secret-compared-slowly
    if hmac.new(key, body, hashlib.sha256).hexdigest() == given:
        return True
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    # ruleid: secret-compared-slowly
    wrong = expected != given
    # ok: secret-compared-slowly
    return hmac.compare_digest(expected, given) and wrong


def same(left, right):
    # ok: secret-compared-slowly
    return left == right
