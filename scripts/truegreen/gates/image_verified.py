"""Gate: the image is described, runs without root, and its signature was verified by digest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.image import ImageRecord, Signature
    from truegreen.model.run import RunEvidence

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBER = re.compile(r"[+-]?[0-9]+")
_ROOT = frozenset({"", "0", "root"})


class ImageVerifiedOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.image-verified]`."""

    min_signatures: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Least number of signatures; every signature that exists must verify."""


class ImageVerified(BaseGate):
    """The image that was pushed is signed, the signature was verified by digest, and nothing in it is careless.

    **Proves** that a verifier read a signature for exactly the pushed digest, that the image runs as a user
    other than root, that its bill of materials names components, and that no file in it looks like a secret.

    A user with a name is looked up in the image's last `/etc/passwd`: another name of the number 0 is root.

    **Blind when** there is no record, the number of a named user cannot be told, the image was never pushed
    (it has no digest), or there is no bill of materials with at least one component.

    **Options**: `min-signatures` (default 1).

    Example:
        [tool.truegreen.gates.image-verified]
        min-signatures = 2
    """

    id: ClassVar[str] = "image-verified"
    stages: ClassVar[frozenset[str]] = frozenset({"signed-image"})
    needs: ClassVar[frozenset[str]] = frozenset({"image"})
    Options: ClassVar[type[GateOptions]] = ImageVerifiedOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: ImageVerifiedOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the record of the image."""
        image = evidence.of(stage).image
        if image is None:
            return self.blind(stage, "no record of an image", remedy="run `truegreen run signed-image`", code="TG201")
        facts = _facts(image)
        wrong, advice = _wrong(image, policy)
        if wrong:
            items = (
                *(_signature(s) for s in image.signatures if not s.verified),
                *(Item(title=path, message="looks like a secret") for path in image.secrets_found),
            )
            return self.failed(stage, "; ".join(wrong), remedy="; ".join(advice), facts=facts, items=items)
        if _number(image) is None:
            return self.blind(
                stage,
                f"whether the user {image.user} is root cannot be told: {image.user_problem or 'it has no number'}",
                remedy="create the user in the image (`RUN useradd …`), or write `USER` with a number",
                facts=facts,
            )
        if not _DIGEST.fullmatch(image.digest):
            return self.blind(
                stage,
                f"{image.reference} was not pushed, so there is no digest to verify",
                remedy="give the stage a registry to push to",
                facts=facts,
            )
        if not image.sbom or image.sbom_components <= 0:
            return self.blind(
                stage,
                "there is no bill of materials with components",
                remedy="read the log of the SBOM tool",
                facts=facts,
            )
        who = some([_by(signature) for signature in image.signatures])
        return self.passed(stage, f"{image.digest[:19]}… verified by digest, signed by {who}", facts=facts)


def _wrong(image: ImageRecord, policy: ImageVerifiedOptions) -> tuple[list[str], list[str]]:
    """Return what is wrong with the image, and what to do about each."""
    wrong, advice = [], []
    if _head(image) in _ROOT or _number(image) == 0:
        other_name = _head(image) not in _ROOT and not _NUMBER.fullmatch(_head(image))
        wrong.append(
            f"the image runs as root: {_head(image)} has the number 0" if other_name else "the image runs as root"
        )
        advice.append("add a USER line other than root to the Dockerfile")
    if image.secrets_found:
        wrong.append(f"the image holds {count(len(image.secrets_found), 'file')} like secrets")
        advice.append("add the files to .dockerignore, and change the secrets")
    if not _DIGEST.fullmatch(image.digest):
        return wrong, advice
    failed = [signature for signature in image.signatures if not signature.verified]
    if failed:
        wrong.append(f"{count(len(failed), 'signature')} did not verify for {image.digest[:19]}…")
        advice.append("sign the digest that was pushed, with the key or identity that is verified")
    if len(image.signatures) < policy.min_signatures:
        have = count(len(image.signatures), "signature") if image.signatures else "no signature"
        wrong.append(f"the image is unsigned: {have}" if not image.signatures else f"{have} of {policy.min_signatures}")
        advice.append("give the stage a key or an identity token to sign with")
    return wrong, advice


def _head(image: ImageRecord) -> str:
    """Return the user without the group."""
    return image.user.partition(":")[0].strip().lower()


def _number(image: ImageRecord) -> int | None:
    """Return the number of the user, by itself or as the image names it; None where it cannot be told."""
    head = _head(image)
    return int(head) if _NUMBER.fullmatch(head) else image.uid


def _by(signature: Signature) -> str:
    return f"{signature.method} {signature.identity}".strip()


def _signature(signature: Signature) -> Item:
    return Item(title=_by(signature), message=signature.message or "not verified", detail=signature.command)


def _user(image: ImageRecord) -> str:
    named = image.uid is not None and image.user and not _NUMBER.fullmatch(_head(image))
    return f"{image.user} ({image.uid})" if named else image.user or "root"


def _facts(image: ImageRecord) -> tuple[Fact, ...]:
    verified = sum(1 for signature in image.signatures if signature.verified)
    return (
        Fact(label="image", value=image.reference),
        Fact(label="digest", value=image.digest or "not pushed", wanted="pushed"),
        Fact(label="user", value=_user(image), wanted="not root"),
        Fact(label="bill of materials", value=f"{image.sbom_components:,} components", wanted="at least 1"),
        Fact(label="signatures verified", value=f"{verified} of {len(image.signatures)}", wanted="all, at least 1"),
        Fact(label="files like secrets", value=f"{len(image.secrets_found):,}", wanted="0"),
    )
