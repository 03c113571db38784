import hashlib


def store(user, password, document):
    # ruleid: password-hashed-fast
    first = hashlib.sha256(password.encode()).hexdigest()
    # ruleid: password-hashed-fast
    second = hashlib.sha512(user.password.encode() + b"salt")
    # ok: password-hashed-fast
    third = hashlib.sha256(document).hexdigest()
    return first, second, third
