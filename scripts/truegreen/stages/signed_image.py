"""Stage signed-image: build, describe, push, sign and verify the project's image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.stages import common
from truegreen.stages.common.options import ImageOptions, StageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


class SignedImage:
    """Builds the image and proves that what the registry holds is what was signed."""

    name: ClassVar[str] = "signed-image"
    title: ClassVar[str] = "Signed image"
    Options: ClassVar[type[StageOptions]] = ImageOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Build, push, sign, verify; leave `image.json`, the SBOM, the build's log and the public key."""
        return common.image_run.run(context)
