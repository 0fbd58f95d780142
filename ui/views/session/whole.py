"""What a person's press or choice sets is set to its end, also where they have done the next thing meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from streamlit.runtime.scriptrunner import RerunException

P = ParamSpec("P")


def whole(callback: Callable[P, None]) -> Callable[P, None]:
    """A callback of a widget that can be begun again, so that it is not left half done.

    Streamlit ends a drawing as soon as a newer one is asked for, at whatever it next reads or writes of the session,
    and callbacks with it: the press is over by then, and what it should have set would be lost without a word. One that
    asks for a drawing itself (`st.rerun`, which does nothing in a callback) would be begun again for ever.
    """

    @functools.wraps(callback)
    def to_its_end(*given: P.args, **named: P.kwargs) -> None:
        newest: RerunException | None = None
        while True:
            try:
                callback(*given, **named)
                break
            except RerunException as asked:  # it is told of once, so that the next try goes further
                newest = asked
        if newest is not None:
            raise newest

    return to_its_end
