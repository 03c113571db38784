def remove(user, document, has_permission):
    # ruleid: assert-guards-access
    assert user.is_admin
    # ruleid: assert-guards-access
    assert user.has_perm("remove"), "not allowed"
    # ruleid: assert-guards-access
    assert has_permission(user, document)
    # ok: assert-guards-access
    assert document is not None
    # ok: assert-guards-access
    if not user.is_admin:
        raise PermissionError
