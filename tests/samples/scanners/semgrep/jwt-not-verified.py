import jwt


def who(token, key):
    # ruleid: jwt-not-verified
    first = jwt.decode(token, options={"verify_signature": False})
    # ruleid: jwt-not-verified
    second = jwt.decode(token, key, algorithms=["HS256", "none"])
    # ruleid: jwt-not-verified
    jwt.encode({"sub": "me"}, None, algorithm="none")
    # ok: jwt-not-verified
    jwt.encode({"sub": "me"}, key, algorithm="HS256")
    # ok: jwt-not-verified
    return jwt.decode(token, key, algorithms=["HS256"]), first, second
