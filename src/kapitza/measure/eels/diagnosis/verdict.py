"""Whether a map of temperatures may be believed: misfits, and spectra that scatter less than they can."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import PixelFlag, TemperatureMap

_MISFIT_PROBABILITY = 1e-4  # of the flag of a single pixel when the model is right
_CHANCE = 1e-3  # probability below which the number of misfits in a map is no accident
_MOST_QUIET = 0.9  # mean dispersion below which errors are more than 5 % too large
_LEAST_PROBABILITY = 1e-15  # so that a score is finite
_SURE_SCORE, _LEAST_SCORE = 4.0, 0.5  # standard normal scores of all pixels together, and of the mean pixel


@frozen(kw_only=True)
class FitVerdict(BaseRecord):
    """How well the spectra of a map are described by what was fitted.

    Attributes
    ----------
    pixels : with a usable fit
    misfits : of these, how many fit worse than one in 10⁴ would
    dispersion : mean of chi-squared over its expected value; 1 where model and counting statistics are right
    too_good : whether the spectra scatter less than electrons do
    too_bad : whether all pixels together fit badly, though hardly one does so on its own
    """

    pixels: int = field(metadata=about("1", "usable pixels"))
    misfits: int = field(metadata=about("1", "pixels that fit badly"))
    dispersion: float = field(metadata=about("1", "chi-squared over its expected value"))
    too_good: bool = False
    too_bad: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether more pixels are misfits than chance makes."""
        from scipy.special import bdtrc

        return self.misfits > 0 and float(bdtrc(self.misfits - 1, self.pixels, _MISFIT_PROBABILITY)) < _CHANCE

    @property
    def text(self) -> str:
        """The verdict in a few words; empty where nothing speaks against the map."""
        if self.doubtful:
            share = f"{self.misfits} of {self.pixels} misfit"
            return f"not to be trusted: {share}" if 2 * self.misfits > self.pixels else f"in doubt: {share}"
        if self.too_bad:
            return f"in doubt: chi-squared is {self.dispersion:.3g} of what is expected"
        return "errors too large: fits too well" if self.too_good else ""


def fit_verdict(found: TemperatureMap) -> FitVerdict:
    """Verdict on a map, from the flags, goodness of fit and dispersion of its usable pixels.

    The goodness of fit of all pixels is combined as a sum of standard normal scores (Stouffer).
    """
    from scipy.special import ndtri

    good = found.good & np.isfinite(found.pvalue)
    known = found.dispersion[good & np.isfinite(found.dispersion)]
    dispersion = float(known.mean()) if known.size else np.nan
    score = -ndtri(np.clip(found.pvalue[good], _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))
    mean = float(score.mean()) if score.size else 0.0
    sure = abs(mean) * np.sqrt(score.size) > _SURE_SCORE and abs(mean) > _LEAST_SCORE
    return FitVerdict(
        pixels=int(good.sum()),
        misfits=int(np.count_nonzero(found.flag[good] & int(PixelFlag.MISFIT))),
        dispersion=dispersion,
        too_good=bool(sure and dispersion < _MOST_QUIET),
        too_bad=bool(sure and mean > 0),
    )


def widen_misfits(found: TemperatureMap) -> TemperatureMap:
    """Return a map whose misfits are kept: their covariance is widened by the dispersion, and the flag taken off.

    As if the counts scattered more than electrons do.  What a wrong model does to all pixels alike is not in these
    errors.

    Raises
    ------
    InputError
        for a map of an earlier version, which does not hold the dispersion
    """
    misfit = found.good & ((found.flag & int(PixelFlag.MISFIT)) != 0)
    unknown = misfit & ~np.isfinite(found.dispersion)
    if unknown.any():
        raise InputError(f"{int(unknown.sum())} misfits of the map have no dispersion: fit the spectra again")
    factor = np.where(misfit, np.maximum(found.dispersion, 1.0), 1.0)
    flag = np.where(misfit, found.flag & ~int(PixelFlag.MISFIT), found.flag)
    return evolve(found, covariance=found.covariance * factor[..., None, None], flag=flag)
