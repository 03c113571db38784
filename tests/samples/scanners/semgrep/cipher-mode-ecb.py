from Crypto.Cipher import AES
from cryptography.hazmat.primitives.ciphers import modes


def ciphers(key, nonce):
    # ruleid: cipher-mode-ecb
    first = AES.new(key, AES.MODE_ECB)
    # ruleid: cipher-mode-ecb
    second = modes.ECB()
    # ok: cipher-mode-ecb
    third = AES.new(key, AES.MODE_GCM)
    # ok: cipher-mode-ecb
    return modes.GCM(nonce), first, second, third
