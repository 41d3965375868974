"""One digit as each feature sees it, for `plots.feature_views`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import feature, measure

from digitrec.study.features import Deskew, HuMoments, ZernikeMoments, to_squares


def view_features(image: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what there is to see of one image in each feature.

    Args:
        image: uint8 (28, 28), with ink.

    Returns:
        By feature: pictures (28, 28); of HOG the histograms (7, 7, 9) of cells of 4x4 pixels, gradients at 10, 30 ...
        170 degrees; of projections, mean ink of columns and of rows; of contours, outlines (n, 2) as row and column;
        of region properties, ink, box, centre, axes and angle; of moments, their values.

    Raises:
        ValueError: another shape, or a blank image.
    """
    if np.shape(image) != (28, 28) or not np.any(image):
        raise ValueError(f"image: expected (28, 28) with ink, got {'no ink' if not np.any(image) else np.shape(image)}")
    row = image.reshape(1, -1)
    square = to_squares(row)[0]
    ink = square > 0.5
    region = measure.regionprops(ink.astype(np.uint8))[0]
    # One block of all cells: each histogram keeps its strength beside the others'.
    gradients = feature.hog(square, 9, (4, 4), (7, 7), block_norm="L2", feature_vector=False)
    return {
        "pixels": square,
        "deskewed": Deskew().fit_transform(row).reshape(square.shape),
        "HOG": gradients[0, 0],
        "local binary patterns": feature.local_binary_pattern(image, 8, 1, "nri_uniform"),
        "projections": (square.mean(axis=0), square.mean(axis=1)),
        "contours": measure.find_contours(np.pad(square, 1), 0.5),
        "region properties": {
            "ink": ink, "box": region.bbox, "centre": region.centroid, "major": region.axis_major_length,
            "minor": region.axis_minor_length, "angle": -np.degrees(region.orientation),
        },
        "Zernike moments": ZernikeMoments().fit_transform(row)[0],
        "Hu moments": HuMoments().fit_transform(row)[0],
    }  # fmt: skip
