import ssl

import httpx
import requests


def fetch(url, session):
    # ruleid: tls-verification-off
    requests.get(url, timeout=3, verify=False)
    # ruleid: tls-verification-off
    httpx.Client(verify=False)
    # ruleid: tls-verification-off
    session.verify = False
    context = ssl.create_default_context()
    # ruleid: tls-verification-off
    context.check_hostname = False
    # ruleid: tls-verification-off
    context.verify_mode = ssl.CERT_NONE
    # ok: tls-verification-off
    requests.get(url, timeout=3, verify="/etc/ssl/own-ca.pem")
    # ok: tls-verification-off
    session.verify = True
