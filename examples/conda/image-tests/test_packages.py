import numpy as np


def test_numpy_computes() -> None:
    np.testing.assert_array_equal(np.arange(3) * 2, [0, 2, 4])
