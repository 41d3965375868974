"""What classical methods see of a digit: scikit-learn transformers from rows of pixels to rows of features.

They stand between `preprocessing.prepare` and any scikit-learn classifier. Every one of them reads an image of n pixels
as the smallest square that holds them, row by row, so that (n, 784) are MNIST's 28x28 and (n, 64) scikit-learn's own
8x8. Only the proportions of the grey values count: 0-1 and 0-255 give the same features, but for `Projections`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import mahotas
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage import feature, filters, measure, transform
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm

_SMALLEST = 8  # pixels a side: smaller images are padded, for the cells of HOG to fit
_CHUNK = 500  # images that a process describes in one go


class ImageTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Base of all: a subclass says in `_describe` what it makes of one image.

    Args:
        n_jobs: processes for more than a thousand images; None takes one for each core.
        verbose: show progress on standard error.
    """

    def __init__(self, n_jobs: int | None = None, verbose: bool = False) -> None:
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "ImageTransformer":
        """Learn nothing but the number of pixels and of features."""
        pixels = validate_data(self, X, dtype="numeric")
        self._n_features_out = self._describe_all(to_squares(pixels[:1])).shape[1]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Describe images.

        Args:
            X: numbers (n, pixels), zero where there is no ink.

        Returns:
            float32 (n, features).

        Raises:
            ValueError: another number of pixels than `fit` saw, or NaN.
        """
        check_is_fitted(self)
        images = to_squares(validate_data(self, X, dtype="numeric", reset=False))
        chunks = np.array_split(images, max(1, len(images) // _CHUNK))
        n_jobs = 1 if len(images) <= 1000 else (self.n_jobs or -1)
        # Copies, not memory maps: some of scikit-image's routines want arrays they may write to.
        parallel = Parallel(n_jobs, return_as="generator", max_nbytes=None)
        work = parallel(delayed(self._describe_all)(chunk) for chunk in chunks)
        progress = tqdm(
            work, type(self).__name__, len(chunks), disable=not self.verbose, unit_scale=_CHUNK, unit=" images"
        )
        return np.concatenate(list(progress))

    def _describe_all(self, images: NDArray) -> NDArray[np.float32]:
        return np.stack([np.asarray(self._describe(image), np.float32).ravel() for image in images])

    @abstractmethod
    def _describe(self, image: NDArray[np.float64]) -> ArrayLike:
        """Return the features of one image (side, side), 0-1, at least 8x8."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags


class Deskew(ImageTransformer):
    """Shears a digit upright: its ink's slant, by second moments, becomes zero. Gives pixels again.

    Source: LeCun et al. 1998, section III.
    """

    def _describe(self, image):
        ink = np.abs(image)
        if not ink.any():
            return image
        moments = measure.moments_central(ink, order=2)
        if moments[2, 0] < 1e-9:  # all in one row
            return image
        slant = moments[1, 1] / moments[2, 0]
        # From the upright picture's pixels to the slanted one's.
        shear = np.array([[1, slant, -slant * measure.centroid(ink)[0]], [0, 1, 0], [0, 0, 1]])
        return transform.warp(image, shear, order=1)


class Blur(ImageTransformer):
    """Blurs a digit, so that strokes a pixel apart are still alike. Gives pixels again.

    Args:
        sigma: standard deviation of the Gaussian, pixels.
        n_jobs, verbose: see `ImageTransformer`.
    """

    def __init__(self, sigma: float = 0.9, n_jobs: int | None = None, verbose: bool = False) -> None:
        super().__init__(n_jobs, verbose)
        self.sigma = sigma

    def _describe(self, image):
        return filters.gaussian(image, self.sigma)


class HOG(ImageTransformer):
    """Histograms of oriented gradients (Dalal and Triggs 2005), at several sizes of cells.

    Args:
        cells: sizes in pixels; several make a pyramid (Maji and Malik 2009).
        orientations: bins of a histogram, over half a turn.
        n_jobs, verbose: see `ImageTransformer`.
    """

    def __init__(
        self, cells: Sequence[int] = (4, 7), orientations: int = 9, n_jobs: int | None = None, verbose: bool = False
    ) -> None:
        super().__init__(n_jobs, verbose)
        self.cells = cells
        self.orientations = orientations

    def _describe(self, image):
        sizes = [min(cell, len(image) // 2) for cell in self.cells]
        return np.concatenate([feature.hog(image, self.orientations, (size, size), (2, 2)) for size in sizes])


class LocalBinaryPatterns(ImageTransformer):
    """Histograms of what surrounds each pixel, brighter or darker than it, in 4x4 parts (Ojala et al. 2002).

    Args:
        radius: distance of the eight neighbours, pixels.
        n_jobs, verbose: see `ImageTransformer`.
    """

    def __init__(self, radius: float = 1, n_jobs: int | None = None, verbose: bool = False) -> None:
        super().__init__(n_jobs, verbose)
        self.radius = radius

    def _describe(self, image):
        grey = np.round(255 * image).astype(np.uint8)
        patterns = feature.local_binary_pattern(grey, 8, self.radius, "nri_uniform").astype(int)
        part = np.arange(len(image)) * 4 // len(image)
        places = (part[:, None] * 4 + part) * 59 + patterns  # 59 uniform patterns
        return np.bincount(places.ravel(), minlength=16 * 59)


class HuMoments(ImageTransformer):
    """Seven moments that neither shift, size nor rotation changes (Hu 1962), as logarithms."""

    def _describe(self, image):
        if not image.any():
            return np.zeros(7)
        moments = measure.moments_hu(measure.moments_normalized(measure.moments_central(image)))
        return np.sign(moments) * np.log1p(1e9 * np.abs(moments))


class ZernikeMoments(ImageTransformer):
    """How much of each Zernike polynomial is in the digit, whatever its rotation (Khotanzad and Hong 1990).

    Args:
        degree: the highest.
        n_jobs, verbose: see `ImageTransformer`.
    """

    def __init__(self, degree: int = 12, n_jobs: int | None = None, verbose: bool = False) -> None:
        super().__init__(n_jobs, verbose)
        self.degree = degree

    def _describe(self, image):
        centre = (len(image) - 1) / 2
        values = mahotas.features.zernike_moments(image, len(image) / 2, self.degree, (centre, centre))
        return np.nan_to_num(values)  # NaN of a blank image


class RegionProperties(ImageTransformer):
    """Area, box, ellipse, perimeter, Euler number and the like of the ink, and area and place of the hole in it."""

    def _describe(self, image):
        ink = image > 0.5
        if not ink.any():
            return np.zeros(20)
        region = measure.regionprops(ink.astype(np.uint8))[0]
        holes = ndimage.binary_fill_holes(ink) & ~ink
        hole = measure.regionprops(holes.astype(np.uint8))[0] if holes.any() else None
        return np.hstack([
            region.area, region.bbox, region.centroid, region.eccentricity, region.orientation,
            region.axis_major_length, region.axis_minor_length, region.extent, region.perimeter, region.euler_number,
            region.solidity,
            (hole.area, *hole.centroid, hole.eccentricity, hole.axis_major_length) if hole else np.zeros(5),
        ])  # fmt: skip


class Projections(ImageTransformer):
    """The ink of each row and each column, and from each of the four sides the way to the first ink."""

    def _describe(self, image):
        side, ink = len(image), image > 0.5
        ways = []
        for seen in (ink, ink[:, ::-1], ink.T, ink[::-1].T):
            ways.append(np.where(seen.any(axis=1), seen.argmax(axis=1), side) / side)
        return np.hstack([image.mean(axis=0), image.mean(axis=1), *ways])


class Contours(ImageTransformer):
    """The outline as a closed curve: its lowest Fourier coefficients from the topmost point (Granlund 1972).

    The number of outlines, holes included, comes first.

    Args:
        coefficients: how many to each side of the mean.
        n_jobs, verbose: see `ImageTransformer`.
    """

    def __init__(self, coefficients: int = 12, n_jobs: int | None = None, verbose: bool = False) -> None:
        super().__init__(n_jobs, verbose)
        self.coefficients = coefficients

    def _describe(self, image):
        curves = measure.find_contours(np.pad(image, 1), 0.5)
        if not curves:
            return np.zeros(3 + 4 * self.coefficients)
        outline = max(curves, key=len)[:-1]
        outline = np.roll(outline, -int(outline[:, 0].argmin()), axis=0)
        closed = np.vstack([outline, outline[:1]])
        length = np.append(0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T)))
        at = np.linspace(0, length[-1], 128, endpoint=False)
        curve = np.interp(at, length, closed[:, 1]) + 1j * np.interp(at, length, closed[:, 0])
        low = np.fft.fft(curve)[np.r_[0 : self.coefficients + 1, -self.coefficients : 0]] / len(curve)
        return np.hstack([len(curves), low.real, low.imag])


def to_squares(pixels: NDArray) -> NDArray[np.float64]:
    """Lay rows of pixels out as images (n, side, side), each with its brightest pixel at one."""
    side = max(_SMALLEST, math.isqrt(pixels.shape[1] - 1) + 1)
    images = np.pad(pixels.astype(np.float64), ((0, 0), (0, side**2 - pixels.shape[1]))).reshape(-1, side, side)
    brightest = np.abs(images).max(axis=(1, 2), keepdims=True)
    return images / np.where(brightest > 0, brightest, 1)
