//! Nested tag-length-value data inside field 06.

/// Containers inside containers; real messages use three levels. Bounds recursion.
const MAX_DEPTH: usize = 8;

/// Bytes of one whole container.
const MAX_BYTES: usize = 16 * 1024;

/// Bytes of one tag; real ones have up to three.
const MAX_TAG_BYTES: usize = 4;

/// Text line.
pub(crate) const LINE: u32 = 0x07;
/// Attribute of a line; in a receipt it also marks the end.
pub(crate) const END_OF_RECEIPT: u32 = 0x09;
/// Lines for the display.
pub(crate) const DISPLAY_TEXTS: u32 = 0x24;
/// Lines to print.
pub(crate) const PRINT_TEXTS: u32 = 0x25;
/// Card brand number above 255.
pub(crate) const CARD_TYPE: u32 = 0x41;
/// Application id of the chip.
pub(crate) const APPLICATION_ID: u32 = 0x43;
/// One application on the card.
pub(crate) const APPLICATION: u32 = 0x60;
/// Receipt kind.
pub(crate) const RECEIPT_KIND: u32 = 0x1F07;
/// How the card was read.
pub(crate) const CARD_TECHNOLOGY: u32 = 0x1F12;
/// Extended error code.
pub(crate) const ERROR_CODE: u32 = 0x1F16;
/// Extended error text.
pub(crate) const ERROR_TEXT: u32 = 0x1F17;
/// Long form of the trace number.
pub(crate) const LONG_TRACE: u32 = 0x1F2B;
/// Tip included in the amount.
pub(crate) const TIP: u32 = 0x1F36;
/// Device information.
pub(crate) const DEVICE: u32 = 0xE4;
/// Device name.
pub(crate) const DEVICE_NAME: u32 = 0x1F40;
/// Serial number.
pub(crate) const SERIAL_NUMBER: u32 = 0x1F42;
/// Terminal id.
pub(crate) const TERMINAL_ID: u32 = 0x1F44;

/// One element.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    /// The tag with all its bytes, as they stand: `1F 07` is 0x1F07.
    pub tag: u32,
    /// What it holds.
    pub value: Value<'a>,
}

/// What an element holds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Plain bytes.
    Bytes(&'a [u8]),
    /// More elements.
    Nodes(Vec<Node<'a>>),
}

/// Why reading stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The container is longer than we take.
    TooLong,
    /// Nested deeper than we follow.
    TooDeep,
    /// A tag or length is malformed or longer than the data.
    Malformed,
}

/// Elements up to the first defect; tolerant, because a broken tail must not hide a readable result.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Node<'_>>, Option<Defect>) {
    if bytes.len() > MAX_BYTES {
        return (Vec::new(), Some(Defect::TooLong));
    }
    level(bytes, MAX_DEPTH)
}

/// The plain value of the first element with this tag, at any depth, in reading order.
pub(crate) fn find<'a>(nodes: &[Node<'a>], tag: u32) -> Option<&'a [u8]> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Bytes(bytes) => (node.tag == tag).then_some(*bytes),
        Value::Nodes(nodes) => find(nodes, tag),
    })
}

/// The elements inside the first container with this tag on this level.
pub(crate) fn inside<'n, 'a>(nodes: &'n [Node<'a>], tag: u32) -> Option<&'n [Node<'a>]> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Nodes(nodes) if node.tag == tag => Some(nodes.as_slice()),
        Value::Nodes(_) | Value::Bytes(_) => None,
    })
}

/// Bytes of a length and the length itself: below 80 as it is, `81 n`, or `82 high low`.
pub(crate) fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [short @ 0..=0x7F, ..] => Some((1, usize::from(short))),
        [0x81, length, ..] => Some((2, usize::from(length))),
        [0x82, high, low, ..] => Some((3, usize::from(u16::from_be_bytes([high, low])))),
        _ => None,
    }
}

/// Appends one element. `value` must be shorter than 128 bytes, which all ours are.
pub(crate) fn write(into: &mut Vec<u8>, tag: &[u8], value: &[u8]) {
    into.extend_from_slice(tag);
    into.push(u8::try_from(value.len()).expect("our own elements are short"));
    into.extend_from_slice(value);
}

fn level(mut bytes: &[u8], depth: usize) -> (Vec<Node<'_>>, Option<Defect>) {
    let mut nodes = Vec::new();
    while !bytes.is_empty() {
        let Some((tag, constructed, value, rest)) = element(bytes) else {
            return (nodes, Some(Defect::Malformed));
        };
        bytes = rest;
        if !constructed {
            nodes.push(Node { tag, value: Value::Bytes(value) });
            continue;
        }
        if depth == 1 {
            return (nodes, Some(Defect::TooDeep));
        }
        let (inner, defect) = level(value, depth - 1);
        nodes.push(Node { tag, value: Value::Nodes(inner) });
        if defect.is_some() {
            return (nodes, defect);
        }
    }
    (nodes, None)
}

/// Tag, whether it is a container, value and what follows.
fn element(bytes: &[u8]) -> Option<(u32, bool, &[u8], &[u8])> {
    let first = *bytes.first()?;
    let mut tag = u32::from(first);
    let mut used = 1;
    if first & 0x1F == 0x1F {
        loop {
            let next = *bytes.get(used)?;
            if used == MAX_TAG_BYTES {
                return None;
            }
            tag = tag << 8 | u32::from(next);
            used += 1;
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    let (header, length) = length(&bytes[used..])?;
    let start = used + header;
    let value = bytes.get(start..start + length)?;
    Some((tag, first & 0x20 != 0, value, &bytes[start + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Elements as text, because values must not be printable in ordinary code.
    fn show(nodes: &[Node<'_>]) -> String {
        let one = |node: &Node<'_>| match &node.value {
            Value::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
                format!("{:X}={hex}", node.tag)
            }
            Value::Nodes(nodes) => format!("{:X}[{}]", node.tag, show(nodes)),
        };
        nodes.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn nested_containers_are_read_as_a_tree() {
        // From 06 50 17 123456 06 12 …, the nested example of public implementations.
        let bytes = [
            0x3F, 0x21, 0x0C, 0x60, 0x06, 0x55, 0x01, 0xAA, 0x05, 0x01, 0xBB, 0x10, 0x02, 0xAB, 0xBA, 0x11,
            0x01, 0x77,
        ];
        let (nodes, defect) = parse(&bytes);
        assert_eq!(defect, None);
        assert_eq!(show(&nodes), "3F21[60[55=AA 5=BB] 10=ABBA] 11=77");
        assert_eq!(find(&nodes, 0x05), Some(&[0xBB][..]));
    }

    #[test]
    fn lengths_of_one_two_and_three_bytes_are_read_high_byte_first() {
        assert_eq!(length(&[0x7F]), Some((1, 127)));
        assert_eq!(length(&[0x81, 0x80]), Some((2, 128)));
        assert_eq!(length(&[0x82, 0x02, 0x8A]), Some((3, 650)));
        assert_eq!(length(&[0x83, 0, 0, 1]), None);
        assert_eq!(length(&[0x80]), None);
    }

    #[test]
    fn a_broken_tail_keeps_what_stood_before_it() {
        let (nodes, defect) = parse(&[0x08, 0x02, 0x01, 0x23, 0x07, 0x09, b'x']);
        assert_eq!(show(&nodes), "8=0123");
        assert_eq!(defect, Some(Defect::Malformed));
    }

    #[test]
    fn containers_nested_too_deep_or_too_long_are_cut() {
        let mut bytes = vec![0x07, 0x00];
        for _ in 0..MAX_DEPTH {
            bytes = [vec![0x25, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        }
        assert_eq!(parse(&bytes).1, Some(Defect::TooDeep));
        assert_eq!(parse(&bytes[2..]).1, None);
        assert_eq!(parse(&vec![0; MAX_BYTES + 1]).1, Some(Defect::TooLong));
    }

    #[test]
    fn an_endless_tag_is_malformed() {
        assert_eq!(parse(&[0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00]).1, Some(Defect::Malformed));
    }

    proptest! {
        #[test]
        fn random_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let (nodes, _) = parse(&bytes);
            find(&nodes, LINE);
        }

        #[test]
        fn what_we_write_is_read_back(tag in 1u8..0x1F, value in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = Vec::new();
            write(&mut bytes, &[tag], &value);
            let (nodes, defect) = parse(&bytes);
            prop_assert_eq!(defect, None);
            prop_assert_eq!(find(&nodes, u32::from(tag)), Some(value.as_slice()));
        }
    }
}
