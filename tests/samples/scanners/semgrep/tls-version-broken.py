import ssl


def context():
    # ruleid: tls-version-broken
    old = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    # ruleid: tls-version-broken
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    # ok: tls-version-broken
    new = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # ok: tls-version-broken
    new.minimum_version = ssl.TLSVersion.TLSv1_2
    return old, new
