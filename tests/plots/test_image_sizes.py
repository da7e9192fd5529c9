"""The sizes of a set's files."""

import pandas as pd

from idc.plots.image_sizes import LARGEST, sizes_figure


def test_a_mark_per_size_by_its_number_of_files() -> None:
    sizes = pd.DataFrame({"width": [600] * 90 + [1024] * 10, "height": [450] * 90 + [768] * 10})
    (axes,) = sizes_figure(sizes.value_counts()).axes
    (marks,) = axes.collections
    assert marks.get_offsets().tolist() == [[600, 450], [1024, 768]]
    assert marks.get_sizes().tolist() == [LARGEST, LARGEST / 9]
    assert axes.get_ylim()[1] > 768
