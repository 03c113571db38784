"""image-verified: signature by digest, user, bill of materials, secrets."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import image, signature, stage

from truegreen.gates.image_verified import ImageVerified, ImageVerifiedOptions
from truegreen.model.verdict import Status


def judged(record, **options):
    run = good.run(stage("signed-image", image=record))
    return ImageVerified().evaluate(run, "signed-image", ImageVerifiedOptions(**options), good.NO_HISTORY)


def test_signed_and_verified_image_passes():
    assert judged(image()).reason == "sha256:dddddddddddd… verified by digest, signed by key cosign.pub"


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:root", " root ", "00", "ROOT", "0:1000", "root:x"])
def test_root_fails(user):
    verdict = judged(image(user=user))
    assert verdict.status is Status.FAIL
    assert "runs as root" in verdict.reason


@pytest.mark.parametrize(("user", "uid"), [("10001", None), ("app", 1000), ("app:app", 65534), ("1000:0", 1000)])
def test_other_user_passes(user, uid):
    assert judged(image(user=user, uid=uid)).status is Status.PASS


@pytest.mark.parametrize("user", ["app", "app:app", "toor:1000"])
def test_named_user_with_the_number_zero_fails(user):
    verdict = judged(image(user=user, uid=0))
    assert verdict.status is Status.FAIL
    assert "has the number 0" in verdict.reason


def test_named_user_without_a_number_is_blind_and_says_why():
    verdict = judged(image(user="app", user_problem="/etc/passwd of the image does not name app"))
    assert verdict.status is Status.BLIND
    assert "does not name app" in verdict.reason


def test_unsigned_image_fails():
    assert judged(image(signatures=())).reason == "the image is unsigned: no signature"


def test_one_signature_that_does_not_verify_among_two_fails():
    verdict = judged(image(signatures=(signature(), signature(method="identity", verified=False, message="no match"))))
    assert verdict.status is Status.FAIL
    assert verdict.items[0].message == "no match"


def test_fewer_signatures_than_asked_for_fail():
    assert judged(image(), min_signatures=2).reason == "1 signature of 2"


def test_secrets_fail_and_are_listed():
    verdict = judged(image(secrets_found=("/app/.env",)))
    assert verdict.status is Status.FAIL
    assert verdict.items[0].title == "/app/.env"


@pytest.mark.parametrize("digest", ["", "sha256:12", "latest"])
def test_image_that_was_not_pushed_is_blind(digest):
    assert judged(image(digest=digest)).status is Status.BLIND


def test_image_that_was_not_pushed_and_runs_as_root_fails():
    assert judged(image(digest="", user="root")).status is Status.FAIL


@pytest.mark.parametrize("change", [{"sbom": ""}, {"sbom_components": 0}])
def test_image_without_a_bill_of_materials_is_blind(change):
    assert judged(image(**change)).status is Status.BLIND


def test_no_record_is_blind():
    assert judged(None).status is Status.BLIND
