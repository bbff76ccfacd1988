//! Sine of equally spaced angles over one period: the bits of `libm::sin` at a quarter of its instructions.
//!
//! `libm::sin` decides for each angle how to reduce it and which polynomial to evaluate. Over a period both depend on the
//! index alone, so here each part of the period is a loop without branches, which compilers vectorise. The operations and
//! their order are those of libm, as is every rounding.
//!
//! Constants, reduction and polynomials are from libm, which has them from FreeBSD's msun:
//!
//! Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro and SunSoft, Sun Microsystems, Inc.
//! businesses. Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is
//! preserved.

use core::f64::consts::PI;

/// The first 33 bits of π/2, so that small multiples of it are exact.
const HALF_PI_HEAD: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
/// π/2 minus its head.
const HALF_PI_TAIL: f64 = f64::from_bits(0x3dd0_b461_1a62_6331);
/// Angles below this, about π/4, need no reduction: the bound of libm, which compares the upper halves of the bits.
const UNREDUCED: f64 = f64::from_bits(0x3fe9_21fc_0000_0000);
/// Angles below this, about 3π/4, are reduced by π/2, and those beyond by π.
const REDUCED_BY_HALF_PI: f64 = f64::from_bits(0x4002_d97d_0000_0000);

/// The sines of `length + 1` angles from -π to π, both included. `length` fits into an i32.
#[must_use]
pub fn period(length: usize) -> Vec<f64> {
    let angles = Angles { length, step: 2.0 * PI / length.max(1) as f64 };
    let after = |edge: f64| angles.index_from(edge.next_up());
    let mut sines = Vec::with_capacity(length + 1);
    angles.push_until(after(-REDUCED_BY_HALF_PI), &mut sines, |angle| -sine(reduced(angle, -2.0)));
    angles.push_until(after(-UNREDUCED), &mut sines, |angle| -cosine(reduced(angle, -1.0)));
    angles.push_until(angles.index_from(UNREDUCED), &mut sines, unreduced_sine);
    angles.push_until(angles.index_from(REDUCED_BY_HALF_PI), &mut sines, |angle| cosine(reduced(angle, 1.0)));
    angles.push_until(length + 1, &mut sines, |angle| -sine(reduced(angle, 2.0)));
    // Within a millionth of a multiple of π/2 the reduction cancels, and libm takes more digits of π.
    for quarter in 0..=4 {
        let nearest = quarter * length / 4;
        let around = sines.iter_mut().enumerate().take(nearest + 2).skip(nearest.saturating_sub(1));
        for (index, sine) in around {
            *sine = libm::sin(angles.at(index));
        }
    }
    sines
}

/// `length + 1` angles from -π to π.
struct Angles {
    length: usize,
    step: f64,
}

impl Angles {
    /// The order of the two operations, and the exact end, decide the last bit of a sine, and with it where the lowest of two
    /// equal points lies.
    fn at(&self, index: usize) -> f64 {
        if index == self.length && index > 0 { PI } else { index as f64 * self.step + -PI }
    }

    /// Index of the first angle that is not below `edge`; past the last if all are.
    fn index_from(&self, edge: f64) -> usize {
        // The quotient is rounded, and may be beside it.
        let mut index = (((edge + PI) / self.step) as usize).min(self.length);
        while index > 0 && self.at(index - 1) >= edge {
            index -= 1;
        }
        while index <= self.length && self.at(index) < edge {
            index += 1;
        }
        index
    }

    /// Appends the sines of the angles up to that index, without the last angle's exact end.
    fn push_until(&self, end: usize, sines: &mut Vec<f64>, sine: impl Fn(f64) -> f64) {
        // Vectors convert indices of 32 bits only.
        let indices = sines.len() as i32..end as i32;
        sines.extend(indices.map(|index| sine(f64::from(index) * self.step + -PI)));
    }
}

/// The angle minus `halves` times π/2, as a rounded value and the rest of it.
fn reduced(angle: f64, halves: f64) -> (f64, f64) {
    let head = angle - halves * HALF_PI_HEAD;
    let value = head - halves * HALF_PI_TAIL;
    (value, (head - value) - halves * HALF_PI_TAIL)
}

/// The sine without its first two terms, by x³, and x³.
fn sine_terms(x: f64) -> (f64, f64) {
    let x2 = x * x;
    let x4 = x2 * x2;
    let terms = 8.333_333_333_322_49e-3
        + x2 * (-1.984_126_982_985_795e-4 + x2 * 2.755_731_370_707_006_8e-6)
        + x2 * x4 * (-2.505_076_025_340_686_3e-8 + x2 * 1.589_690_995_211_55e-10);
    (terms, x2 * x)
}

/// Coefficient of x³ in the sine.
const THIRD: f64 = -1.666_666_666_666_663_2e-1;

/// The sine of an angle up to π/4.
fn unreduced_sine(x: f64) -> f64 {
    let (terms, x3) = sine_terms(x);
    x + x3 * (THIRD + x * x * terms)
}

/// The sine of a reduced angle.
fn sine((x, rest): (f64, f64)) -> f64 {
    let (terms, x3) = sine_terms(x);
    x - ((x * x * (0.5 * rest - x3 * terms) - rest) - x3 * THIRD)
}

/// The cosine of a reduced angle.
fn cosine((x, rest): (f64, f64)) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let terms = x2
        * (4.166_666_666_666_66e-2 + x2 * (-1.388_888_888_887_411e-3 + x2 * 2.480_158_728_947_673e-5))
        + x4 * x4
            * (-2.755_731_435_139_066_3e-7
                + x2 * (2.087_572_321_298_175e-9 + x2 * -1.135_964_755_778_819_5e-11));
    let half = 0.5 * x2;
    let head = 1.0 - half;
    head + (((1.0 - head) - half) + (x2 * terms - x * rest))
}

#[cfg(test)]
mod tests {
    use super::super::points::MAX_POINTS;
    use super::*;

    #[test]
    fn every_bit_is_that_of_libm() {
        let lengths = (0..1_500).chain([4_095, 4_096, 30_001, 123_457, MAX_POINTS - 1, MAX_POINTS]);
        for length in lengths {
            let step = 2.0 * PI / length.max(1) as f64;
            let sines = period(length);
            assert_eq!(sines.len(), length + 1);
            for (index, sine) in sines.into_iter().enumerate() {
                let angle = if index == length && index > 0 { PI } else { index as f64 * step + -PI };
                assert_eq!(sine.to_bits(), libm::sin(angle).to_bits(), "{index} of {length}");
            }
        }
    }
}
