"""The 3D view: which way the patient lies in it, its keys, and what is said where it cannot be."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from waiting import becomes, eventually

from benchmarks.browser import Chrome, serve, until
from spinecho.db.schema.database import Database
from spinecho.indexer.pipeline import index_archive
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_dual
from spinecho.ui.views.study.engine3d import bundle

WEBGL2 = "document.createElement('canvas').getContext('webgl2') !== null"


@pytest.fixture(scope="module")
def marked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans stored with their axes turned: a grey head, and a bright ball in front.

    The first's is at the right and above, the second's at the left and below.
    """
    folder = tmp_path_factory.mktemp("marked")
    (folder / "archive").mkdir()
    right, front, up = np.meshgrid(*(np.linspace(-1, 1, n) for n in (48, 56, 40)), indexing="ij")
    tissue = np.random.default_rng(0).uniform(50, 400, right.shape)
    affine = np.array([[0, 0, -3.0, 0], [3.0, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 0, 1]])  # slices run from right to left
    for name, side in (("sub-01_T1w", 1), ("sub-02_T1w", -1)):
        scan = np.where((right / 0.8) ** 2 + (front / 0.9) ** 2 + (up / 0.9) ** 2 < 1, tissue, 0)
        scan[(right - 0.5 * side) ** 2 + (front - 0.6) ** 2 + (up - 0.55 * side) ** 2 < 0.04] = 900
        stored = scan.transpose(1, 2, 0)[:, :, ::-1].astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(stored, affine), folder / "archive" / f"{name}.nii.gz")
    settings = read_settings(home=folder / "home", device="cpu", environment={})
    database = Database.open(settings.database)
    index_archive(database, settings.builds, [folder / "archive"], lambda: open_dual(settings))
    database.close()
    return folder / "home"


@pytest.fixture(scope="module")
def room(marked_home: Path) -> Iterator[str]:
    with serve(marked_home) as address:
        yield address


def opened(chrome: Chrome, address: str, script: str = "", *, at: str = "study?study=1") -> Any:
    page = chrome.new_context(viewport={"width": 1024, "height": 900}).new_page()
    if script:
        page.add_init_script(script)
    page.goto(f"{address}/{at}")
    page.locator(".viewer[data-ready]").last.wait_for()
    until(page, "[...spinechoViewers].every(one => one.volume)")
    return page


def drawable(page: Any) -> Any:
    if bundle() is None:
        pytest.skip("NiiVue's wheel is not installed: pip install '.[viewer3d]'")
    if not page.evaluate(WEBGL2):
        pytest.skip("this browser has no WebGL2")
    page.evaluate("globalThis.contexts?.clear()")  # that was ours
    return page


def shown(page: Any, count: int = 1) -> None:
    seen = "[...spinechoViewers].filter(one => one.root.dataset.solid).length"
    until(page, f"{seen} === {count}")


@pytest.fixture
def solid(room: str, chrome: Chrome) -> Iterator[Any]:
    page = drawable(opened(chrome, room))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert not [url for url in asked if "widget.js" in url]
    page.keyboard.press("d")
    page.locator(".viewer[data-solid]").wait_for()
    assert [url for url in asked if "widget.js" in url], "the engine is fetched when it is asked for"
    assert not [url for url in asked if not url.startswith((room, "blob:", "data:"))], "nothing comes from elsewhere"
    yield page
    page.context.close()


def ball(page: Any, canvas: Any = None) -> tuple[float, float]:
    """Where the brightest pixels are: right and up from the middle, in halves of the picture."""
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO((canvas or page.locator(".solid canvas")).screenshot())).convert("L")
    grey = np.asarray(picture).astype(float)[30:-60, 40:-40]  # without the letters
    rows, columns = np.nonzero(grey > 0.95 * grey.max())
    high, wide = grey.shape
    return float(columns.mean() / wide * 2 - 1), float(1 - rows.mean() / high * 2)


def letters(page: Any) -> dict[str, tuple[float, float]]:
    """The letters that are seen: right and up from the middle, in pixels."""
    box = page.locator(".solid canvas").bounding_box()
    found = {}
    for node in page.locator(".letter.end").all():
        if node.evaluate("one => one.style.visibility") == "visible":
            at = node.bounding_box()
            found[node.inner_text()] = (
                at["x"] + at["width"] / 2 - box["x"] - box["width"] / 2,
                box["y"] + box["height"] / 2 - at["y"] - at["height"] / 2,
            )
    return found


def test_the_patient_lies_as_the_letters_say(solid: Any) -> None:
    solid.keyboard.press("m")  # the brightest along the ray: the ball is seen from everywhere
    solid.keyboard.press("5")
    seen = {}
    for view in ("front", "left", "right", "above", "back"):
        across, up = ball(solid)
        named = letters(solid)
        seen[view] = (across > 0, up > 0, {name for name, (x, _) in named.items() if x < -50})
        ends = {name: (x, y) for name, (x, y) in named.items()}
        for name in {"R", "A", "S"} & set(ends):  # the ball is on the side of these three
            assert ends[name][0] * across + ends[name][1] * up > 0, (view, name)
        solid.locator(".solid .told").filter(has_text=f"from {view}").wait_for()
        solid.keyboard.press("v")
    assert {view: lying[2] for view, lying in seen.items()} == {
        "front": {"R"}, "left": {"A"}, "right": {"P"}, "above": {"R"}, "back": {"L"},
    }  # fmt: skip
    assert [seen[view][:2] for view in ("front", "left", "right", "back")] == [
        (False, True), (False, True), (True, True), (True, True),
    ]  # fmt: skip


def test_keys_turn_cut_and_go_back_to_the_stack(solid: Any) -> None:
    def now(name: str) -> str:
        solid.wait_for_timeout(400)
        return str(solid.locator(".viewer").get_attribute(f"data-{name}"))

    becomes(solid, lambda: now("turned"), "180 0")
    solid.keyboard.press("ArrowRight")
    becomes(solid, lambda: now("turned"), "190 0")
    box = solid.locator(".solid canvas").bounding_box()
    solid.mouse.move(box["x"] + 200, box["y"] + 200)
    solid.mouse.down()
    solid.mouse.move(box["x"] + 240, box["y"] + 220)
    solid.mouse.up()
    becomes(solid, lambda: now("turned"), "210 10")
    near = float(now("zoom"))
    solid.mouse.wheel(0, -100)
    eventually(solid, lambda: float(now("zoom")) > near)
    solid.keyboard.press("0")
    becomes(solid, lambda: (now("turned"), now("cut")), ("180 0", ""))
    whole = ball(solid)
    solid.keyboard.press("k")
    becomes(solid, lambda: now("cut"), "0.00")
    cut = ball(solid)
    assert abs(cut[0] - whole[0]) + abs(cut[1] - whole[1]) > 0.1, "the ball lies before the cut, and is gone"
    solid.keyboard.press("PageDown")
    becomes(solid, lambda: now("cut"), "-0.05")
    slice_ = now("slice")
    solid.keyboard.press("d")
    solid.wait_for_timeout(300)
    becomes(solid, lambda: solid.locator(".viewer[data-solid]").count(), 0)
    solid.keyboard.press("ArrowDown")
    becomes(solid, lambda: int(now("slice")), int(slice_) + 1)


def told(page: Any) -> str:
    page.keyboard.press("d")
    words = page.locator(".said")
    words.wait_for()
    text = str(words.inner_text())
    before = int(page.locator(".viewer").get_attribute("data-slice"))
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(200)
    becomes(page, lambda: int(page.locator(".viewer").get_attribute("data-slice")), before + 1)  # the stack goes on
    page.context.close()
    return text


def test_without_webgl2_it_says_so(room: str, chrome: Chrome) -> None:
    if bundle() is None:
        pytest.skip("NiiVue's wheel is not installed: pip install '.[viewer3d]'")
    none = (
        "const own = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = "
        "function (kind, ...rest) { return kind === 'webgl2' ? null : own.call(this, kind, ...rest); };"
    )
    words = told(opened(chrome, room, none))
    assert "no WebGL2" in words


def test_without_the_wheel_it_says_so(marked_home: Path, chrome: Chrome, tmp_path: Path) -> None:
    (tmp_path / "ipyniivue").mkdir()
    (tmp_path / "ipyniivue" / "__init__.py").touch()  # found first, and without a bundle
    root = Path(__file__).parents[3]
    with serve(marked_home, environment={"PYTHONPATH": f"{tmp_path}:{root}"}) as address:
        words = told(opened(chrome, address))
        assert "not installed" in words


CONTEXTS = """
globalThis.contexts = new Set();
const own = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const made = own.call(this, kind, ...rest);
  if (kind === 'webgl2' && made) contexts.add(made);
  return made;
};
"""
ALIVE = "[...contexts].filter(one => !one.isContextLost()).length"
HELD = "spinechoEngines.map(one => one.nv.volumes.length + one.nv.document.data.imageOptionsArray.length)"
"""Of the engines that wait for a next view: volumes, and what NiiVue notes of where they came from."""


def test_a_view_closed_while_it_loads_leaves_nothing_in_the_next(room: str, chrome: Chrome) -> None:
    page = drawable(opened(chrome, room, at="compare?studies=1,2"))
    first, second = page.locator(".viewer").all()
    first.hover()
    page.keyboard.press("d")
    shown(page)
    page.keyboard.press("d")
    until(page, "spinechoEngines.length === 1")
    page.evaluate("""async () => {
      const [one, other] = [...spinechoViewers].sort(
        (a, b) => a.root.getBoundingClientRect().x - b.root.getBoundingClientRect().x);
      const press = (viewer) => {
        viewer.activate();
        document.dispatchEvent(new KeyboardEvent('keydown', { key: 'd', bubbles: true }));
      };
      press(one);
      while (!one.stage.querySelector('.solid canvas')) await null;
      press(one);
      press(other);
    }""")
    shown(page)
    eventually(page, lambda: first.get_attribute("data-solid") is None)
    page.wait_for_timeout(1000)
    second.hover()
    page.keyboard.press("m")
    page.keyboard.press("5")
    across, up = ball(page, second.locator(".solid canvas"))
    assert across > 0.1, "the second's ball is at the left"
    assert up < -0.1, "and below"
    becomes(
        page, lambda: page.evaluate("[...spinechoViewers].map(one => one.solid?.nv.volumes.length ?? 0).sort()"), [0, 1]
    )
    page.context.close()


def test_panes_that_are_compared_turn_and_are_cut_together(room: str, chrome: Chrome) -> None:
    page = drawable(opened(chrome, room, at="compare?studies=1,2"))
    first, second = page.locator(".viewer").all()

    def both(name: str, wanted: str) -> None:
        until(
            page,
            "([name, wanted]) => [...spinechoViewers].every(one => one.root.dataset[name] === wanted)",
            arg=[name, wanted],
        )

    first.hover()
    page.keyboard.press("d")
    shown(page)
    page.keyboard.press("ArrowRight")
    second.hover()
    page.keyboard.press("d")  # opened later, it looks from where the other does
    shown(page, 2)
    both("turned", "190 0")
    page.keyboard.press("v")
    page.keyboard.press("v")
    both("turned", "90 0")
    page.keyboard.press("k")
    both("cut", "0.00")
    becomes(page, lambda: first.locator('[data-do="section"]').get_attribute("aria-pressed"), "true")
    page.keyboard.press("PageDown")
    both("cut", "-0.05")
    page.keyboard.press("m")
    until(page, "[...spinechoViewers].filter(one => one.root.dataset.solid === 'mip').length === 1")
    page.keyboard.press("d")
    shown(page, 1)
    before = page.evaluate("[...spinechoViewers][0].at")
    page.keyboard.press("ArrowDown")
    until(page, "before => String([...spinechoViewers][0].at) !== String(before)", arg=before)
    page.context.close()


def test_a_key_held_down_or_pressed_often_makes_one_engine(room: str, chrome: Chrome) -> None:
    page = drawable(opened(chrome, room, CONTEXTS))
    for _ in range(6):
        page.keyboard.down("d")  # from the second on as a key that repeats
    page.keyboard.up("d")
    shown(page)
    becomes(page, lambda: page.evaluate(ALIVE), 1)
    page.keyboard.press("d")
    until(page, "spinechoEngines.length === 1")
    becomes(page, lambda: page.evaluate(HELD), [0])
    page.context.close()
    page = drawable(opened(chrome, room, CONTEXTS))
    for _ in range(7):
        page.keyboard.press("d")
    shown(page)
    becomes(page, lambda: page.evaluate(ALIVE), 1)
    for _ in range(2):
        page.keyboard.press("d")
        until(page, "spinechoEngines.length === 1")
        becomes(page, lambda: page.evaluate(HELD), [0])
        page.keyboard.press("d")
        shown(page)
    becomes(page, lambda: page.evaluate(ALIVE), 1)
    page.context.close()


def test_an_engine_whose_projection_failed_is_not_taken_again(room: str, chrome: Chrome) -> None:
    failing = """
    globalThis.tried = 0;
    const source = WebGL2RenderingContext.prototype.shaderSource;
    WebGL2RenderingContext.prototype.shaderSource = function (shader, text) {
      if (text.includes('texture(volume, from + way * at)') && ++tried === 1) throw new Error('no such shader');
      return source.call(this, shader, text);
    };
    """
    page = drawable(opened(chrome, room, CONTEXTS + failing))
    page.keyboard.press("d")
    page.locator(".said").wait_for()
    eventually(page, lambda: "no such shader" in page.locator(".said").inner_text())
    until(page, f"{ALIVE} === 0")
    page.keyboard.press("d")
    shown(page)
    becomes(page, lambda: page.evaluate("tried"), 2)  # what is called a projection is drawn by our shader
    becomes(page, lambda: page.evaluate(ALIVE), 1)
    page.context.close()


def test_a_lost_context_is_said_and_the_next_view_has_another(room: str, chrome: Chrome) -> None:
    page = drawable(opened(chrome, room, CONTEXTS))
    page.keyboard.press("d")
    shown(page)
    page.evaluate(
        "[...contexts].forEach(one => one.isContextLost() || one.getExtension('WEBGL_lose_context').loseContext())"
    )
    page.locator(".said").wait_for()
    shown(page, 0)
    until(page, "spinechoEnginesLeaving.size === 0")
    becomes(page, lambda: page.evaluate("spinechoEngines.length"), 0)
    page.keyboard.press("d")
    shown(page)
    becomes(page, lambda: page.evaluate(ALIVE), 1)
    page.context.close()
