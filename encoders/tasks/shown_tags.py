"""Which elements of a header say how an image was made, and not of whom or by whom.

A list of what is shown: what nobody thought of, private elements among it, is not. In sequences it holds at each level.
"""

from __future__ import annotations

_TEXT = frozenset(("PN", "LT", "ST", "UT", "UN"))
"""Names, and what people write freely."""
_GROUPS = frozenset((0x0018, 0x0020, 0x0028, 0x5200))
_OF_THE_MACHINE = frozenset(
    (0x00181000, 0x00181002, 0x00181003, 0x00181004, 0x00181005, 0x00181007, 0x00181008, 0x00181009, 0x0018100A,
     0x0018100B, 0x00181010, 0x00181011, 0x0018A001)
)  # fmt: skip
_SINGLE = frozenset(
    (
        0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x0008002A,
        0x00080030, 0x00080031, 0x00080032, 0x00080033, 0x00080050, 0x00080060, 0x00080070, 0x00080201, 0x00081030,
        0x0008103E, 0x00081090, 0x00081111, 0x00081140, 0x00081150, 0x00081155, 0x00081160, 0x00082111, 0x00082112,
        0x00100040, 0x00101010, 0x00101020, 0x00101030,
    )
)  # fmt: skip
_FRAME_TYPES = range(0x00089007, 0x00089220)


def is_shown(tag: int, vr: str) -> bool:
    """Whether somebody who is not told whose an image is may see this element."""
    if vr in _TEXT or tag in _OF_THE_MACHINE:
        return False
    return tag >> 16 in _GROUPS or tag in _SINGLE or tag in _FRAME_TYPES
