"""What a fit leaves: noise and its correlations, tests of residuals, whether model and data agree."""

from kapitza.measure.experiment import AutoregressiveNoise as AutoregressiveNoise
from kapitza.measure.judgement import CurveQuality as CurveQuality
from kapitza.measure.judgement import FitJudgement as FitJudgement
from kapitza.measure.judgement import ResidualTests as ResidualTests
from kapitza.measure.judgement import examine_residuals as examine_residuals
from kapitza.measure.judgement import is_parabolic as is_parabolic
from kapitza.measure.judgement import judge_fit as judge_fit
from kapitza.measure.noise.correlated import CurveNoise as CurveNoise
from kapitza.measure.thermoreflectance.repeats import RepeatedNumber as RepeatedNumber
from kapitza.measure.thermoreflectance.repeats import combine_repeats as combine_repeats
