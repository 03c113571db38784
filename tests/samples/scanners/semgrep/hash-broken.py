import hashlib


def digest(data):
    # ruleid: hash-broken
    first = hashlib.md5(data)
    # ruleid: hash-broken
    second = hashlib.new("sha1", data)
    # ok: hash-broken
    third = hashlib.md5(data, usedforsecurity=False)
    # ok: hash-broken
    return hashlib.sha256(data), first, second, third
