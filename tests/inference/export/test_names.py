"""Requests as a page reads them: the same labels, and the same refusals, as conditions/ has."""

import itertools
import json
import random

import pytest

from conditions.edits import implied
from conditions.names import NameRefused
from conditions.phrases import understand
from conditions.schema import UNKNOWN, ConditionSchema
from tests.conditions.schemas import SCHEMAS
from tests.conditions.typed import lines
from tests.inference.export.javascript import run

ODD = [
    "", ",", " , ", "any", "ANY ", "any, male", "-any", "--hat", "- -hat", "none", "mael", "glases", "-glases",
    "top  HAT", "top_hat", "−hat", "–top hat", "male,", "male,male", "male,,female", "-male", "head", "-head", "it's",
    'say "hi"', "'\"", "back\\slash", "ß", "STRASSE", "é", "帽子", "kitty", "-kitty", "gentleman", "-gentleman", 
    "not bald", "-bald", "bald, hat", "-bald, cap", "mohawk, -hair", "top hat, -mohawk", "3d glasses,-hat",
]  # fmt: skip
READ = """
const results = {};
for (const [name, written] of Object.entries(given.schemas)) {
  const schema = new Schema(JSON.parse(written));
  results[name] = given.requests[name].map((request) => {
    try {
      const label = schema.encode(request);
      return { label, names: schema.names(label), unseen: schema.unseenPairs(label) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { refused: error.message };
    }
  });
}
return results;
"""


def requests_for(schema: ConditionSchema) -> list[str]:
    """Every name and its absence alone, pairs of them by chance, slips of the hand, and what nobody should write."""
    chance = random.Random(0)
    names = [*schema.known_names, *(field.name for field in schema.fields)]
    names += [f"-{name}" for name in names]
    pairs = [", ".join(pair) for pair in itertools.product(names, names)]
    slips = [name[:i] + name[i + 1 :] for name in chance.choices(names, k=40) for i in [chance.randrange(len(name))]]
    return [*names, *chance.sample(pairs, min(400, len(pairs))), *slips, *ODD]


def python_reads(schema: ConditionSchema, request: str) -> dict:
    try:
        label = schema._encode(schema._tokens(request))
    except NameRefused as refusal:
        return {"refused": str(refusal)}
    unseen = [list(pair) for pair in schema.unseen_pairs(label)]
    return {"label": label.tolist(), "names": schema.names(label), "unseen": unseen}


def test_a_page_reads_every_request_as_python_does(tmp_path):
    toy = SCHEMAS["toy"]
    seen = toy.with_seen(toy.encode("cat").new_tensor([toy.complete({"kind": "Cat", "head": "Cap", "ear": "Ring"})]))
    schemas = {**SCHEMAS, "toy": seen}
    requests = {name: requests_for(schema) for name, schema in schemas.items()}
    data = {"schemas": {name: schema.to_json() for name, schema in schemas.items()}, "requests": requests}
    found = run(["names.js"], READ, data, tmp_path)
    for name, schema in schemas.items():
        expected = [python_reads(schema, request) for request in requests[name]]
        for request, here, there in zip(requests[name], expected, found[name], strict=True):
            assert there == here, (name, request)
        kinds = {key for result in expected for key in result}
        assert {"label", "refused"} <= kinds
    assert any(result.get("unseen") for result in found["toy"])


def test_names_in_a_phrase_are_offered_as_sample_py_reads_them(tmp_path):
    """Of the English requests that people typed: for most all that they ask for, and hardly ever anything else."""
    schema = SCHEMAS["cryptopunks"]
    requests = [line for line in lines("en") if line.meaning != "refuse"]
    code = "const schema = new Schema(JSON.parse(given.schema));"
    code += "return given.written.map((written) => namesIn(schema, written));"
    data = {"schema": schema.to_json(), "written": [line.written.removeprefix("attrs=") for line in requests]}
    complete, other = 0, []
    for line, offered in zip(requests, run(["names.js", "phrases.js"], code, data, tmp_path), strict=True):
        meant = understand(schema, line.written.removeprefix("attrs=")).names
        here, there = (implied(schema, schema.encode(names or None)) for names in (meant, offered))
        complete += there.equal(here)
        if not there[there != UNKNOWN].equal(here[there != UNKNOWN]):
            other.append((line.written, offered))
    assert complete >= 0.8 * len(requests) and len(other) <= 0.02 * len(requests), (complete, other)


@pytest.mark.parametrize("phrase", ["a cap and a beanie", "no hat, a hat", "qwerty", "", "hat hat -hat", "\u200b \\ '"])
def test_nothing_is_offered_for_a_phrase_that_no_picture_meets(phrase, tmp_path):
    code = "return namesIn(new Schema(JSON.parse(given.schema)), given.phrase);"
    data = {"schema": SCHEMAS["cryptopunks"].to_json(), "phrase": phrase}
    assert run(["names.js", "phrases.js"], code, data, tmp_path) == ""


def test_names_are_grouped_in_the_lists_and_choosing_one_keeps_the_rest(tmp_path):
    """A slot holds one choice, a value or a group; the other slots stay as they were."""
    toy = SCHEMAS["toy"]
    code = """
    const schema = new Schema(JSON.parse(given.schema));
    return given.steps.map(([request, slot, name]) => {
      const column = schema.column.get(slot);
      const written = withChoice(schema, schema.encode(request), column, name);
      return [written, chosenIn(schema, schema.encode(written || "any"), column)];
    });
    """
    steps = [
        ["cat, cap", "head", "Mohawk"], ["cat, cap", "head", ""], ["cat, hat", "head", "-hair"],
        ["any", "tail", "-tail"], ["hat, ring", "ear", "-ear"], ["-hat", "kind", "Dog"],
    ]  # fmt: skip
    found = run(
        ["names.js", "picker.js"], code, {"schema": json.dumps(json.loads(toy.to_json())), "steps": steps}, tmp_path
    )
    assert found == [
        ["Cat, Mohawk", "Mohawk"], ["Cat", ""], ["Cat, -hair", "-hair"], ["-tail", "-tail"], ["hat, -ear", "-ear"],
        ["-hat, Dog", "Dog"],
    ]  # fmt: skip
