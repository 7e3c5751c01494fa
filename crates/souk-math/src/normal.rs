//! The normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// The chance of a value up to `z`, of the standard normal distribution.
pub fn at_most(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The density at `z`, of the standard normal distribution.
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// The mean of what exceeds `z`, E (Z − z)⁺, of the standard normal distribution.
pub fn excess(z: f64) -> f64 {
    (density(z) - z * at_most(-z)).max(0.0)
}

/// The quantile of the standard normal distribution, for 0 < p < 1.
///
/// Wichura, *Algorithm AS 241*, Applied Statistics 37(3), 1988 (PPND16): about 16 digits.
pub fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let size = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    if q < 0.0 { -size } else { size }
}

/// A quotient of two polynomials of degree 7, lowest power first.
fn ratio(coefficients: &[[f64; 8]; 2], x: f64) -> f64 {
    let value = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
    value(&coefficients[0]) / value(&coefficients[1])
}

#[allow(clippy::excessive_precision, reason = "as printed in the paper")]
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_61,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561,
    ],
];
#[allow(clippy::excessive_precision, reason = "as printed in the paper")]
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
];
#[allow(clippy::excessive_precision, reason = "as printed in the paper")]
const FAR: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.norm.ppf of scipy 1.17.1.
    #[test]
    fn quantile_matches_reference() {
        let cases = [
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.975, 1.959_963_984_540_054),
            (0.05, -1.644_853_626_951_472_2),
            (1e-10, -6.361_340_902_404_056),
        ];
        for (p, expected) in cases {
            assert!((quantile(p) - expected).abs() < 1e-12, "{p}");
        }
    }

    /// scipy.stats.norm.cdf; the excess at 0 is 1/√(2π) by hand, and E (Z − z)⁺ − E (z − Z)⁺ is −z.
    #[test]
    fn chances_and_excess() {
        for (z, chance) in
            [(0.0, 0.5), (1.96, 0.975_002_104_851_779_5), (-3.0, 0.001_349_898_031_630_094_6)]
        {
            assert!((at_most(z) - chance).abs() < 1e-15, "{z}");
        }
        assert!((excess(0.0) - 0.398_942_280_401_432_7).abs() < 1e-15);
        for z in [-2.0, 0.3, 1.7] {
            assert!((excess(z) - excess(-z) + z).abs() < 1e-14, "{z}");
        }
    }
}
