"""The tools: each checks its arguments, leaves a row of the record, asks the front door, and gives a typed answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field, create_model

from spinecho.answering.connection import note_assistant
from spinecho.errors import SpinechoError
from spinecho.ui.mcp import answers, shapes
from spinecho.ui.mcp.definitions import given_definition, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spinecho.archive import Archive

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
MOST_HITS = 50
Words = Annotated[str, Field(max_length=20_000, description='What is looked for, as in "hemorrhage, no tumour".')]
Where = Annotated[
    str, Field(max_length=200_000, description="A filter such as `sequence=T2,FLAIR and age>=60`; '' for none.")
]
K = Annotated[int, Field(ge=1, le=MOST_HITS, description="How many hits.")]
Uid = Annotated[str, Field(max_length=64, pattern=r"^[0-9.]+$", description="A StudyInstanceUID, as hits give it.")]
Rules = Annotated[list[Annotated[str, Field(max_length=200_000)]], Field(max_length=50)]
_log = logging.getLogger(__name__)


def at_once(search: Callable[..., Any]) -> Callable[..., Any]:
    """Where nobody else searches, a tool that does has not to wait for its turn."""
    return search


def tools_of(
    archive_now: Callable[[], Archive], in_turn: Callable[[Callable[..., Any]], Callable[..., Any]] = at_once
) -> list[Tool]:
    """archive_now: the archive before whoever asks now. in_turn: what makes a tool that searches wait for its turn."""

    def asking(tool: str) -> AbstractContextManager[Archive]:
        return _asking(archive_now, tool, ToolError)

    def search_studies(
        words: Words = "", where: Where = "", k: K = 10, by: Literal["everything", "words", "scans"] = "everything"
    ) -> shapes.Hits:
        with asking("search_studies") as archive:
            found = archive.search(words, where=where, k=k, by=by, key_images=False)
            return answers.hits(found, by="words" if words.strip() else "filter")

    def similar_studies(study_uid: Uid, where: Where = "", k: K = 10, other_patients: bool = False) -> shapes.Hits:
        with asking("similar_studies") as archive:
            found = archive.similar(
                study=study_uid, where=where, k=k, other_patients=other_patients, key_images=False
            )  # fmt: skip
            return answers.hits(found, by="scans")

    def get_report(study_uid: Uid, start: Annotated[int, Field(ge=0, le=10_000_000)] = 0) -> shapes.Reports:
        with asking("get_report") as archive:
            return answers.reports(archive.study(study_uid), start)

    def cohort_count(
        include: Annotated[Rules, Field(description="Filters that a study has to pass, all of them.")] = [],  # noqa: B006
        exclude: Annotated[Rules, Field(description="Filters of which a study may pass none.")] = [],  # noqa: B006
        study: Annotated[
            Literal["first", "last", "every"] | None,
            Field(description="Which study of each patient counts, every one where nothing is said."),
        ] = None,
        definition: Annotated[
            dict[str, Any] | None,
            Field(
                description="In place of the others: a cohort's definition as docs/cohorts.md has it, such as "
                '{"name": "x", "include": [{"text": "ring enhancement", "at_least": 0.7}], "exclude": []}.'
            ),
        ] = None,
    ) -> shapes.CohortCount:
        with asking("cohort_count") as archive:
            if (definition is None) == (not include and not exclude):
                raise ToolError("give filters as include and exclude, or a definition, and not both")
            if definition is not None and study is not None:
                raise ToolError('with a definition say it there: "index": {"study": "first"}')
            asked = rules_of(include, exclude, study or "every") if definition is None else given_definition(definition)
            return answers.count(archive.cohort(asked).count())

    def facets(
        fields: Annotated[
            list[Annotated[str, Field(max_length=400)]], Field(max_length=200, description="[] for the usual ones.")
        ] = [],  # noqa: B006
        where: Where = "",
        most: Annotated[int, Field(ge=1, le=50, description="Values of each field.")] = 20,
    ) -> shapes.Facets:
        with asking("facets") as archive:
            return answers.facets(archive.facets(*fields, where=where), most)

    return [
        _exact(Tool.from_function(tool, title=title, description=f"{said} {shapes.NOTICE}", annotations=READS))
        for tool, title, said in (
            (in_turn(search_studies), "Search studies", _SEARCH),
            (in_turn(similar_studies), "Studies that look alike", _SIMILAR),
            (get_report, "Read a study's reports", _REPORT), (cohort_count, "Count a cohort", _COUNT),
            (facets, "Which values occur", _FACETS),
        )
    ]  # fmt: skip


def _exact(tool: Tool) -> Tool:
    """The same tool, that refuses an argument which it does not know: the SDK would leave it out, and an assistant
    that writes `filter` for `where` would be given everybody.
    """
    known = tool.fn_metadata.arg_model
    tool.fn_metadata.arg_model = create_model(known.__name__, __base__=known, __cls_kwargs__={"extra": "forbid"})
    tool.parameters = tool.fn_metadata.arg_model.model_json_schema(by_alias=True)
    return tool


def add_resource(server: MCPServer, archive_now: Callable[[], Archive]) -> None:
    """A study by its address. archive_now: the archive before whoever asks now."""

    def study(uid: str) -> str:
        with _asking(archive_now, "study", ResourceError) as archive:
            if not uid or len(uid) > 64 or set(uid) - set("0123456789."):
                raise ResourceError(f"{uid[:64]!r} is no StudyInstanceUID; search_studies gives them")
            return answers.opened(archive.study(uid)).model_dump_json()

    server.resource(
        "spinecho://study/{uid}", name="study", title="A study", mime_type="application/json",
        description=f"A study with its series and the beginning of its reports, by its StudyInstanceUID. "
        f"{shapes.NOTICE}",
    )(study)  # fmt: skip


@contextmanager
def _asking(
    archive_now: Callable[[], Archive], tool: str, kind: type[ToolError | ResourceError]
) -> Iterator[Archive]:  # fmt: skip
    """The archive, once the call is on record. What goes wrong is said as value and remedy, or not at all.

    Raises what `kind` is.
    """
    try:
        archive = archive_now()
        note_assistant(archive, tool)
        yield archive
    except (ToolError, ResourceError):
        raise
    except SpinechoError as error:
        raise kind(str(error)) from None
    except Exception as error:  # its words may be a patient's: they are written nowhere
        _log.error("%s failed: %s", tool, type(error).__name__)
        raise kind(
            f"{tool} failed by a fault of the server ({type(error).__name__}); tell those who look after this archive"
        ) from None


_SEARCH = (
    "Find MR studies by words, a filter, or both, best first, each with its evidence: sentences of reports with "
    'section and assertion, series, and the channel that found it. "no X" leaves out studies that affirm X. Read '
    "`found`: only_alike and nothing mean that nothing relevant was found, which is to be said. For retrieval, not "
    "diagnosis."
)
_SIMILAR = "Find studies whose scans look like those of a study of the archive, which is never among the hits."
_REPORT = (
    f"Read the reports of a study as they came, at most {answers.MOST_REPORT:,} characters of each at once; "
    "`next_start` tells where to go on."
)
_COUNT = (
    "How many studies and patients pass every filter of `include` and none of `exclude`, or a whole definition (words, "
    "likeness to a study, windows of time, matched controls), and what each rule leaves. "
    "Nothing is kept. Small counts may be hidden; do not try to find them out from differences."
)
_FACETS = "Which values occur, and of how many studies each is: shown under the filter, of a total."
