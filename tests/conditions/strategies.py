"""Pictures for property tests."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def pictures(draw, most_pictures: int = 3, most: int = 255) -> torch.Tensor:
    sides = st.integers(1, 6)
    shape = (draw(st.integers(1, most_pictures)), draw(st.sampled_from([1, 3])), draw(sides), draw(sides))
    return torch.from_numpy(draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, most))))
