"""What holds for every network: what reaches the output, what does not, and that a label can be learned."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from models import MODELS
from models.dit import DiTSettings
from models.unet import UNetSettings
from tests.models.helpers import awake, fitted, unused_parameters

SHAPE, CARDINALITIES = (3, 8, 8), (3, 2, 4)
LABELS = torch.tensor([[0, 0, 0], [1, 1, 1], [2, -1, 3], [-1, -1, -1]])
UNKNOWN = torch.full((4, 3), -1)
SMALL = {
    UNetSettings: {"channels": 16, "channel_mults": [1, 2], "blocks": 1, "attention_levels": [1], "head_dim": 16},
    DiTSettings: {"patch": 2, "width": 24, "depth": 2, "heads": 2},
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(params=SMALL, ids=lambda settings: settings().name)
def small(request):
    """(map_channels, outputs, extra) -> a small network of one kind."""

    def build(map_channels: int = 4, outputs: int | None = None, extra: int = 0) -> nn.Module:
        settings = request.param(**SMALL[request.param], map_channels=map_channels)
        return settings.build(SHAPE, CARDINALITIES, outputs, extra)

    return build


def inputs(n: int = 4):
    return torch.randn(n, *SHAPE), torch.randint(1, 1001, (n,))


def test_every_network_is_tested_here():
    assert set(MODELS) == set(SMALL)


def test_untrained_network_returns_zero(small):
    assert not small()(*inputs(), LABELS).any()


@pytest.mark.parametrize("outputs", [1, 40])
def test_outputs_may_be_more_or_fewer_than_channels(small, outputs):
    """Logits of a palette are one for each colour, at each pixel, and all of them differ."""
    output = awake(small(outputs=outputs)).eval()(*inputs(), LABELS)
    assert output.shape == (4, outputs, *SHAPE[1:])
    assert len(output[0].flatten(1).unique(dim=0)) == outputs


@pytest.mark.parametrize("fields", [1, 2, 4])
def test_label_with_another_number_of_fields_is_refused(small, fields):
    """A single column must not be spread over all fields."""
    with pytest.raises(ValueError, match=f"{fields} fields.* 3"):
        small()(*inputs(), torch.zeros(4, fields, dtype=torch.int64))


@pytest.mark.parametrize("map_channels", [0, 4])
def test_output_depends_on_time_picture_and_every_field(small, map_channels):
    model = awake(small(map_channels)).eval()
    x_t, t = inputs()
    base = torch.zeros(4, 3, dtype=torch.int64)
    before = model(x_t, t, base)

    def differs(*other):
        return ((model(*other) - before).abs().amax(dim=(1, 2, 3)) > 1e-3).all()

    assert differs(x_t + 0.1, t, base)
    assert differs(x_t, t % 1000 + 1, base)
    for field, cardinality in enumerate(CARDINALITIES):
        for value in (-1, *range(1, cardinality)):
            changed = base.clone()
            changed[:, field] = value
            assert differs(x_t, t, changed), f"field {field} as {value} does not reach the output"


@pytest.mark.parametrize("map_channels", [0, 4])
def test_unconditional_output_does_not_depend_on_what_was_learned_of_any_value(small, map_channels):
    """Whatever the learned vectors become, a label of unknowns gives the same output."""
    model = awake(small(map_channels)).eval()
    x_t, t = inputs()
    unconditional, labelled = model(x_t, t, UNKNOWN), model(x_t, t, LABELS)
    for name, parameter in model.named_parameters():
        if name.endswith("table.weight"):
            nn.init.normal_(parameter)
    assert torch.equal(model(x_t, t, UNKNOWN), unconditional)
    changed = (model(x_t, t, LABELS) - labelled).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert changed.tolist() == [True, True, True, False]


def test_a_batch_gives_what_its_images_give_alone(small):
    model = awake(small()).eval()
    x_t, t = inputs()
    together = model(x_t, t, LABELS)
    for i in range(4):
        part = slice(i, i + 1)
        assert_close(model(x_t[part], t[part], LABELS[part]), together[part], rtol=1e-4, atol=1e-5)


def test_what_was_not_augmented_is_to_the_bit_what_a_network_without_augmentation_returns(small):
    """A vector of zeros, and none, whatever was learned; and the other weights are the same from the beginning."""
    torch.manual_seed(1)
    plain = small()
    torch.manual_seed(1)
    told = small(extra=5)
    assert told.extra.weight.shape[1] == 5 and not told.extra.weight.any()
    for name, parameter in plain.state_dict().items():
        assert torch.equal(told.state_dict()[name], parameter)
    told.load_state_dict({**told.state_dict(), **awake(plain).state_dict()})
    nn.init.normal_(told.extra.weight)
    x_t, t = inputs()
    without = plain.eval()(x_t, t, LABELS)
    for vector in ((), (torch.zeros(4, 5),)):
        assert torch.equal(told.eval()(x_t, t, LABELS, *vector), without)


def test_every_entry_of_the_augmentation_vector_reaches_the_output_of_its_picture(small):
    told = awake(small(extra=3)).eval()
    x_t, t = inputs()
    before = told(x_t, t, LABELS)
    for entry in range(3):
        vector = torch.zeros(4, 3)
        vector[1, entry] = -1
        changed = (told(x_t, t, LABELS, vector) - before).abs().amax(dim=(1, 2, 3)) > 1e-3
        assert changed.tolist() == [False, True, False, False]


def test_labels_are_not_changed_by_the_network(small):
    label = LABELS.clone()
    small()(*inputs(), label)
    assert torch.equal(label, LABELS)


def test_every_parameter_is_used(small):
    """After some steps no layer is blocked by one that started at zero, so every parameter has a gradient."""
    model = small()
    x_t, t = inputs()
    fitted(model, x_t, t, LABELS, torch.randn_like(x_t), steps=4)
    assert not unused_parameters(model, x_t, t, LABELS)


@pytest.mark.parametrize("map_channels", [0, 4])
def test_label_alone_can_tell_pictures_apart(small, map_channels):
    """The same x_t and t for all, so only the label decides which picture is meant."""
    x_t, t = torch.zeros(4, *SHAPE), torch.full((4,), 500)
    losses = fitted(small(map_channels), x_t, t, LABELS, torch.randn(4, *SHAPE), steps=120, lr=5e-3)
    assert losses[-1] < 0.1 * losses[0]
