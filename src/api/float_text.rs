//! Floats as JSON text: the characters that serde_json writes, at less than half of its instructions.
//!
//! A float is printed with the fewest digits that read back as the same float. serde_json finds these digits for any float; here
//! they are found for sizes from 2^-16 to 1, which the positions of a wave have: there the float in decimal places fits exactly into
//! the product of two words. Every other float is left to serde_json.

/// Binary exponents that are printed here.
const EXPONENTS: usize = 16;
/// Bits of a float behind the leading one.
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// Biased exponent of a float in [1/2, 1).
const HIGHEST_EXPONENT: u64 = 1022;
/// Values that are written before they are copied.
const BLOCK_VALUES: usize = 64;
/// Longest text of a float, with a comma: -2.2250738585072014e-308.
const LONGEST_BYTES: usize = 25;
/// Bytes that are written for a value, the last of which may be behind its text.
const ROOM_BYTES: usize = 32;
/// Groups of three digits: enough for the 17 of the longest text.
const GROUPS: usize = 6;
/// Power of two by which reciprocals are scaled, beside that of a 64-bit fraction.
const RECIPROCAL_BITS: u32 = 52;

/// Constants of a binade, the floats with one exponent. They are multiples of 2^-bits, and the shortest text of one has at most so
/// many decimal places that a unit of the last place is less than 2^-bits.
#[derive(Clone, Copy)]
struct Binade {
    /// 2^-bits in units of the last decimal place but one, as a fraction of 64 bits: 10^(places - 1) · 2^(64 - bits), exactly.
    spacing: u64,
    /// Factor that makes a fraction of 64 bits of the digits. It is rounded up by more than one, so that the fraction is never
    /// too small, and too large by less than a quarter of the 17th digit's unit: each digit comes out right.
    reciprocal: u64,
    /// Index of the first digit behind the point that may be another than zero, without a sign.
    first_digit: usize,
    /// Length of the text with all places, without a sign.
    length: usize,
}

/// By the exponent, from the highest one down.
const BINADES: [Binade; EXPONENTS] = binades();

const fn binades() -> [Binade; EXPONENTS] {
    let mut all = [Binade { spacing: 0, reciprocal: 0, first_digit: 0, length: 0 }; EXPONENTS];
    let mut index = 0;
    while index < EXPONENTS {
        let bits = f64::MANTISSA_DIGITS + index as u32;
        let mut places = 0;
        while 10u128.pow(places) <= 1 << bits {
            places += 1;
        }
        let digits = if places < 17 { places } else { 17 };
        all[index] = Binade {
            // The powers of two of the ten are in the shift.
            spacing: 5u64.pow(places - 1) << (63 + places - bits),
            reciprocal: ((1u128 << (64 + RECIPROCAL_BITS)) / 10u128.pow(digits)) as u64 + 2,
            first_digit: 2 + (places - digits) as usize,
            length: 2 + places as usize,
        };
        index += 1;
    }
    all
}

/// Three digits each. With as many entries as ten bits have values, no index needs a check.
static THREE_DIGITS: [[u8; 4]; 1024] = three_digits();

const fn three_digits() -> [[u8; 4]; 1024] {
    let mut all = [[b'0'; 4]; 1024];
    let mut number = 0;
    while number < 1000 {
        let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
        all[number] = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8, b'0'];
        number += 1;
    }
    all
}

/// Appends the values as JSON, with a comma behind each.
pub fn push_all(text: &mut Vec<u8>, values: &[f64]) {
    text.reserve(values.len() * LONGEST_BYTES);
    // In memory of a fixed size no value asks whether there is room.
    let mut block = [0; BLOCK_VALUES * LONGEST_BYTES + ROOM_BYTES];
    for values in values.chunks(BLOCK_VALUES) {
        let mut end = 0;
        for value in values {
            let room = &mut block[end..end + ROOM_BYTES];
            let length = write(room, *value).unwrap_or_else(|| write_any(room, *value));
            room[length] = b',';
            end += length + 1;
        }
        text.extend_from_slice(&block[..end]);
    }
}

/// Writes any value, and returns the length of its text.
#[cold]
fn write_any(text: &mut [u8], value: f64) -> usize {
    let mut left = &mut *text;
    // Every float has a text, and there is room for each.
    let _ = serde_json::to_writer(&mut left, &value);
    let unused = left.len();
    text.len() - unused
}

/// Writes the value, and returns the length of its text; `None` if it is none of those that are written here.
fn write(text: &mut [u8], value: f64) -> Option<usize> {
    let bits = value.to_bits();
    let exponent = bits >> FRACTION_BITS & 0x7ff;
    let binade = BINADES.get(HIGHEST_EXPONENT.wrapping_sub(exponent) as usize)?;
    // Among these, powers of two have a neighbour that is closer, and others may lie halfway between two decimals.
    if bits as u32 == 0 {
        return None;
    }
    let leading_one = 1 << FRACTION_BITS;
    let (whole, fraction) = product(bits & (leading_one - 1) | leading_one, binade.spacing);
    // A decimal with one place less reads back as this float if it is nearer than half of the spacing. There is at most one, and
    // none lies at exactly that distance.
    let (shifted, is_above) = fraction.overflowing_add(binade.spacing / 2);
    let is_short = shifted < binade.spacing;
    let digits = if is_short {
        10 * (whole + u64::from(is_above))
    } else {
        10 * whole + ((u128::from(fraction) * 10 + (1 << 63)) >> 64) as u64
    };
    let mut left = ((u128::from(digits) * u128::from(binade.reciprocal)) >> RECIPROCAL_BITS) as u64;
    let sign = (bits >> 63) as usize;
    text[0] = b'-';
    text[sign..sign + 8].copy_from_slice(b"0.000000");
    let digits = &mut text[sign + binade.first_digit..][..3 * GROUPS + 1];
    for group in 0..GROUPS {
        let number;
        (number, left) = product(left, 1000);
        digits[3 * group..3 * group + 4].copy_from_slice(&THREE_DIGITS[number as usize]);
    }
    let mut length = sign + binade.length;
    if is_short {
        while text[length - 1] == b'0' {
            length -= 1;
        }
    }
    Some(length)
}

/// Upper and lower half of the product.
fn product(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same(value: f64) {
        let mut text = b"[".to_vec();
        push_all(&mut text, &[value]);
        let expected = format!("[{},", serde_json::to_string(&value).unwrap());
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn the_edges_of_what_is_written_here_look_as_serde_json_writes_them() {
        for exponent in -20..=2 {
            let edge = 2f64.powi(exponent);
            for value in [edge.next_down(), edge, edge.next_up(), edge * 1.5, edge + 2f64.powi(-21)] {
                assert_same(value);
                assert_same(-value);
            }
        }
        for value in [0.0, -0.0, 0.1, 0.3, 1e-5, 1e-16, 123.5, 1e300, 5e-324, f64::NAN, f64::INFINITY] {
            assert_same(value);
        }
    }

    #[test]
    fn decimals_of_every_length_look_as_they_were_written() {
        for places in 1..=17 {
            for numerator in [1u64, 7, 12, 99, 123_456, 987_654_321, 5_000_000_000_000_001] {
                assert_same(numerator as f64 / 10f64.powi(places));
            }
        }
    }

    #[test]
    fn a_long_list_has_a_comma_behind_each_value() {
        let values: Vec<f64> = (0..1_000).map(|i| -f64::MIN_POSITIVE / 0.3f64.powi(i % 600)).collect();
        let mut text = Vec::new();
        push_all(&mut text, &values);
        let expected = serde_json::to_string(&values).unwrap();
        let expected = expected.trim_start_matches('[').trim_end_matches(']');
        assert_eq!(String::from_utf8(text).unwrap(), format!("{expected},"));
        text = Vec::new();
        push_all(&mut text, &[]);
        assert!(text.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn any_float_looks_as_serde_json_writes_it(
            (fraction, zeros) in (0u64..1 << FRACTION_BITS, 0..FRACTION_BITS),
            exponent in 1_003u64..1_026,
            negative: bool,
        ) {
            let fraction = fraction >> zeros << zeros;
            assert_same(f64::from_bits(u64::from(negative) << 63 | exponent << FRACTION_BITS | fraction));
        }
    }
}
