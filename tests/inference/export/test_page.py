"""The exported page in a real browser, opened from the disk as people open it."""

import json
import re

import pytest
import torch

from data.images import read_png
from diffusion.sampling import SamplingOptions
from inference.export import write
from inference.export.description import describe
from inference.export.page import assembled
from inference.pipeline import Pipeline
from inference.replay import read_stored
from inference.settings import SampleSettings
from inference.weights import PRETRAINED
from tests.inference.export.conftest import Exported, halved
from tests.inference.export.test_export import HOSTILE, hostile_page  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

WAIT_MS = 240_000
NAMES = "Crown, Shades"
PIXELS = "pictures.map(({ pixels }) => Array.from(pixels))"


@pytest.fixture(scope="module")
def page_of(web_runtime):
    """page_of(exported) -> the page in bytes."""
    return lambda made: assembled(describe(made.pipe, made.weights), made.network, web_runtime)


@pytest.fixture
def opened(chromium, tmp_path):
    """opened(content, fragment, script to run before) -> the page; `requests` and `errors` list what should not be."""
    phone = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=phone, offline=True, permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(WAIT_MS)

    def page_of(content: bytes, fragment: str = "", before: str = ""):
        (tmp_path / "page.html").write_bytes(content)
        page = context.new_page()
        page.add_init_script(before)
        page.requests, page.errors = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("dialog", lambda dialog: page.errors.append(f"dialog: {dialog.message}"))
        page.goto(f"{(tmp_path / 'page.html').as_uri()}#{fragment}")
        return page

    yield page_of
    context.close()


def test_names_of_a_schema_are_shown_as_text(opened, hostile_page):  # noqa: F811
    page = opened(hostile_page.encode("utf-8"))
    page.get_by_role("heading", level=1, name=HOSTILE[0], exact=True).wait_for()
    page.locator("#picker summary").click()
    for i, name in enumerate(HOSTILE):
        assert page.get_by_label(f"slot {i} {name}").locator("option").all_text_contents()[-1] == name
    assert page.locator("img").count() == 0 and page.errors == []


def test_a_page_is_used_on_a_phone_by_keyboard(opened, page_of, exported, tmp_path):
    """A request with a typo, pictures, one of them in detail, its file; and nothing is requested of any server."""
    pipe = exported.pipe
    page = opened(page_of(exported), "attrs=crown&w=3&seed=5&n=4")
    page.get_by_role("button", name=re.compile("^Seed 8:")).wait_for()
    page.get_by_text(re.compile("^4 pictures in .* 8 network evaluations")).wait_for()
    page.get_by_label("What should the pictures show?").fill("crwon")
    page.get_by_text("unknown attribute 'crwon'; did you mean").wait_for()
    page.locator("#closest button").first.click()
    page.get_by_label("What should the pictures show?").fill(NAMES)
    page.get_by_role("button", name="Generate").press("Enter")
    page.get_by_role("button", name=re.compile("^Seed 8:.*Crown.*Shades")).press("Enter")
    assert page.locator("#one-names b").all_text_contents() == ["Crown", "Shades"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG", exact=True).click()
    download.value.save_as(tmp_path / "picture.png")
    assert (read_png(tmp_path / "picture.png") != pipe(NAMES, [8], w=3.0)[0]).any(dim=0).sum() <= 1
    stored = read_stored(tmp_path / "picture.png", SampleSettings)  # as from_image= does
    assert (stored["seed"], stored["w"], stored["complete"]) == (8, 3.0, True)
    assert pipe.schema.encode(stored["attrs"]).equal(pipe.schema.encode(NAMES))
    assert stored["checkpoint"] == pipe.checkpoint and stored["nfe"] == pipe.evaluations(NAMES, SampleSettings())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.errors == [] and [url for url in page.requests if url.startswith("http")] == []
    assert json.loads(page.locator("#description").text_content())["checkpoint"] == pipe.checkpoint


def test_pictures_are_chosen_from_lists_and_passed_on(opened, page_of, exported, tmp_path):
    """A value and a group of two slots, a larger file, and a link by which the next person sees the same picture."""
    page = opened(page_of(exported), "attrs=hat&w=2&seed=5&n=1")
    page.locator("#picker summary").click()
    head = page.get_by_role("combobox", name="head", exact=True)
    assert head.input_value() == "hat" and page.locator("#slots .chosen").count() == 1
    assert head.locator("option").all_text_contents()[:4] == ["any", "none", "any hair", "no hair"]
    assert {"hair", "hat"} <= {group.get_attribute("label") for group in head.locator("optgroup").all()}
    head.select_option("Mohawk")
    page.get_by_role("combobox", name="neck", exact=True).select_option("none")
    assert page.get_by_label("What should the pictures show?").input_value() == "Mohawk, -neck"
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name=re.compile("^Seed 5:.*Mohawk.*no neck")).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG 8×").click()
    download.value.save_as(tmp_path / "large.png")
    assert read_png(tmp_path / "large.png").shape == (3, 8 * 24, 8 * 24)
    stored = read_stored(tmp_path / "large.png", SampleSettings)
    assert (stored["scale"], stored["seed"], stored["w"]) == (8, 5, 2.0)
    page.get_by_role("dialog").get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    again = opened(page_of(exported), link.partition("#")[2])
    again.get_by_text(re.compile("^1 picture in")).wait_for()
    assert again.evaluate(PIXELS) == page.evaluate(PIXELS)
    assert page.errors == again.errors == []


def test_a_picture_is_explained_and_its_way_from_noise_played(opened, page_of, exported):
    """In steps by hand and on its own; on a phone in the dark, and crisp."""
    page = opened(page_of(exported), "w=1&seed=5&n=1")
    page.get_by_text(re.compile("^1 picture in")).wait_for()
    steps = exported.pipe.total_steps(exported.pipe.resolved(SamplingOptions(w=1.0), "any")) + 1
    assert page.locator("#forward figcaption").all_text_contents()[::5] == ["picture", "t = 1000"]
    assert page.locator("#reverse figcaption").all_text_contents()[:: min(steps, 6) - 1] == ["t = 1000", "picture"]
    shown = "(canvas) => canvas.toDataURL()"
    page.locator("#pictures button").click()
    large = page.locator("#one-picture canvas").evaluate(shown)
    left, right = page.locator("#film canvas").all()
    assert left.evaluate(shown) == right.evaluate(shown) == large
    page.get_by_label("Moment of sampling").press("Home")
    page.get_by_text("t = 1000", exact=True).last.wait_for()
    assert left.evaluate(shown) not in (right.evaluate(shown), large)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator("#time").text_content() == "t = 0" and left.evaluate(shown) == large
    style = "(all) => all.map((one) => getComputedStyle(one).imageRendering)"
    assert set(page.locator("canvas").evaluate_all(style)) == {"pixelated"}
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light and page.errors == []


def test_a_phrase_is_offered_as_names_and_taken_by_keyboard(opened, page_of, exported):
    page = opened(page_of(exported), "n=1")
    line = page.get_by_label("What should the pictures show?")
    line.fill("a face with a crown, please, and no glasses")
    line.press("Enter")
    page.get_by_text("This line takes names alone; did you mean").wait_for()
    page.keyboard.press("Enter")  # on the button that has the focus
    assert line.input_value() == "crown, -glasses"
    page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile("^Seed 0:.*Crown.*no glasses")).wait_for()
    assert page.errors == []


def test_what_weights_do_not_take_is_not_there(opened, page_of, train_reacting, tmp_path):
    """Without labels there is neither a request nor guidance."""
    weights = halved(train_reacting(tmp_path, "cfg=off"), tmp_path)
    pipe = Pipeline.load(weights, "cpu")
    page = opened(page_of(Exported(pipe, weights, write.network_of(pipe, weights))), "n=1")
    page.get_by_text(re.compile("^1 picture in")).wait_for()
    for name in ("#request", "#guidance", "#picker", "#how-guidance", "#how-prior"):
        assert page.locator(name).is_hidden()
    assert page.evaluate(PIXELS) == [pipe("any", [0])[0].flatten().tolist()] and page.errors == []


@pytest.mark.parametrize("kind", ["exported", "exported_palette", "exported_folder", "cryptopunks", "mnist"])
def test_a_page_samples_what_python_samples(kind, opened, page_of, request):
    """With a request and guidance, and without: tiny weights of each kind, and the pretrained ones."""
    if kind.startswith("exported"):
        made = request.getfixturevalue(kind)
    else:
        path = PRETRAINED / f"{kind}.safetensors"
        pipe = Pipeline.load(path, "cpu")
        made = Exported(pipe, path, write.network_of(pipe, path))
    pipe, names, content = made.pipe, made.pipe.schema.example(), page_of(made)
    for attrs, w, n in ((names, 3.0, 16), ("any", 0.0, 4)):
        page = opened(content, f"attrs={attrs}&w={w}&seed=5&n={n}")
        page.get_by_text(re.compile(f"^{n} pictures in")).wait_for()
        there = torch.tensor(page.evaluate(PIXELS)).view(n, *pipe.image_shape)
        gap = (there - pipe(attrs, range(5, 5 + n), w=w).int()).abs().flatten(1).amax(dim=1)
        assert page.errors == [] and not (gap > (0 if pipe.palette else 1)).any(), gap
        page.close()


def test_sampling_can_be_cancelled(opened, page_of, exported):
    page = opened(page_of(exported), "w=0&n=64")
    page.get_by_role("button", name=re.compile("^Seed 0:")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile(r"^Cancelled; \d+ of 64 pictures are done")).wait_for()
    done = page.locator("#pictures button:enabled").count()
    assert done < 64
    page.wait_for_timeout(1000)
    assert page.locator("#pictures button:enabled").count() == done


CORES = "Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => %d });"
LOST = (
    CORES
    + """
const Started = Worker;
let started = 0;
window.Worker = class extends Started {
  constructor(address) {
    super(address);
    this.lost = ++started === %d;
    if (this.lost) setTimeout(() => this.onerror(new ErrorEvent("error", { message: "no memory" })));
  }
  postMessage(data) {
    if (!this.lost) super.postMessage(data);
  }
};"""
)


@pytest.mark.parametrize("before", [CORES % 1, CORES % 4, LOST % (2, 2), LOST % (4, 2), LOST % (4, 4)])
def test_all_pictures_come_whoever_unpacks_the_network(before, opened, page_of, exported):
    """With one worker or several, and where one that was to unpack it, or a further one, cannot start."""
    page = opened(page_of(exported), "n=4", before)
    page.get_by_text(re.compile("^4 pictures in ")).wait_for()
    assert page.errors == []


def test_where_no_worker_starts_it_is_said_and_another_try_begins_anew(opened, page_of, exported):
    page = opened(page_of(exported), "n=4", LOST % (1, 1))
    page.get_by_text("Could not sample: no memory").wait_for()
    page.get_by_role("button", name="Generate").click()
    page.get_by_text(re.compile("^4 pictures in ")).wait_for()
