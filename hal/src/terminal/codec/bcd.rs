//! Packed decimal digits, two in a byte, highest first.

/// The number in `bytes`, or `None` if a nibble is not a digit or the number does not fit.
pub(crate) fn decode(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0u64, |number, byte| {
        let (high, low) = (byte >> 4, byte & 0x0F);
        if high > 9 || low > 9 {
            return None;
        }
        number.checked_mul(100)?.checked_add(u64::from(high) * 10 + u64::from(low))
    })
}

/// `number` as `N` bytes of packed digits, or `None` if it has more digits than that.
pub(crate) fn encode<const N: usize>(mut number: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for byte in bytes.iter_mut().rev() {
        let pair = u8::try_from(number % 100).ok()?;
        *byte = (pair / 10) << 4 | (pair % 10);
        number /= 100;
    }
    (number == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_numbers_are_written_and_read() {
        assert_eq!(encode::<6>(2500), Some([0, 0, 0, 0, 0x25, 0]));
        assert_eq!(decode(&[0x09, 0x78]), Some(978));
        assert_eq!(decode(&[0x12, 0x34, 0x56]), Some(123_456));
        assert_eq!(decode(&[]), Some(0));
    }

    #[test]
    fn what_is_not_a_digit_or_does_not_fit_is_refused() {
        assert_eq!(decode(&[0x1A]), None);
        assert_eq!(decode(&[0xF1]), None);
        assert_eq!(decode(&[0x99; 12]), None);
        assert_eq!(encode::<2>(10_000), None);
    }

    proptest! {
        #[test]
        fn every_amount_survives_the_round_trip(amount in 0u64..1_000_000_000_000) {
            let bytes = encode::<6>(amount).unwrap();
            prop_assert_eq!(decode(&bytes), Some(amount));
        }
    }
}
