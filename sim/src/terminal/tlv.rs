//! The containers inside field 06: tag, length, value, nested.
//!
//! A tag goes on after a first byte whose low five bits are all set, while bit 7 is set; bit 5 of the first byte marks
//! a container. Lengths: below 80 themselves, `81 n`, `82 hi lo` (high byte first, unlike the message's length).

/// Containers deeper than this are taken as plain values.
const DEPTH_MAX: usize = 8;
/// A tag is never longer in practice; more bytes are nonsense.
const TAG_BYTES_MAX: usize = 3;

/// `tag`, its length and `value`.
pub fn encode(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_vec();
    bytes.extend(length(value.len()));
    bytes.extend(value);
    bytes
}

/// A length before a value or after field 06. Beyond 65,535 it is cut, which no message is long enough for.
pub fn length(count: usize) -> Vec<u8> {
    match u8::try_from(count) {
        Ok(short @ 0..=0x7F) => vec![short],
        Ok(long) => vec![0x81, long],
        Err(_) => {
            let [high, low] = u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes();
            vec![0x82, high, low]
        }
    }
}

/// Reads a length; `None` when it is incomplete or of an unknown form.
pub fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [short @ 0..=0x7F, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, long, rest @ ..] => Some((usize::from(*long), rest)),
        [0x82, high, low, rest @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}

/// The value behind a path of tags, the first of each.
pub fn find<'a>(container: &'a [u8], path: &[&[u8]]) -> Option<&'a [u8]> {
    if path.len() > DEPTH_MAX {
        return None;
    }
    path.iter().try_fold(container, |container, tag| {
        elements(container).find(|(found, _)| found == tag).map(|(_, value)| value)
    })
}

/// Every value with this tag, at this level.
pub fn find_all<'a>(container: &'a [u8], tag: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    elements(container).filter(move |(found, _)| *found == tag).map(|(_, value)| value)
}

/// Tag and value of each element, until the end or the first nonsense.
fn elements(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let tag = &rest[..tag_length(rest)?];
        let (length, after) = read_length(&rest[tag.len()..])?;
        let value = after.get(..length)?;
        rest = &after[length..];
        Some((tag, value))
    })
}

fn tag_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first()? & 0x1F != 0x1F {
        return Some(1);
    }
    let more = bytes[1..].iter().take(TAG_BYTES_MAX).position(|byte| byte & 0x80 == 0)?;
    Some(more + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_nested_vector_is_read_at_every_level() {
        let container =
            [0x3F, 0x21, 0x0C, 0x60, 0x06, 0x55, 0x01, 0xAA, 0x05, 0x01, 0xBB, 0x10, 0x02, 0xAB, 0xBA];
        let mut container = container.to_vec();
        container.extend([0x11, 0x01, 0x77]);
        assert_eq!(find(&container, &[&[0x3F, 0x21], &[0x60], &[0x55]]), Some([0xAA].as_slice()));
        assert_eq!(find(&container, &[&[0x3F, 0x21], &[0x60], &[0x05]]), Some([0xBB].as_slice()));
        assert_eq!(find(&container, &[&[0x3F, 0x21], &[0x10]]), Some([0xAB, 0xBA].as_slice()));
        assert_eq!(find(&container, &[&[0x11]]), Some([0x77].as_slice()));
        assert_eq!(find(&container, &[&[0x12]]), None);
    }

    #[test]
    fn long_lengths_are_written_high_byte_first() {
        assert_eq!(length(0x7F), [0x7F]);
        assert_eq!(length(0x80), [0x81, 0x80]);
        assert_eq!(length(650), [0x82, 0x02, 0x8A]);
        for count in [0, 0x7F, 0x80, 0xFF, 0x100, 650] {
            assert_eq!(read_length(&length(count)), Some((count, [].as_slice())));
        }
    }
}
