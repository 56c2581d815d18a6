//! Text as terminals send it, decoded by the profile's character set, cleaned and masked.

use super::mask;

/// Characters of one text; receipts come line by line, so anything longer is noise.
const MAX_CHARACTERS: usize = 4096;

/// The character set of a terminal's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// The protocol's usual one.
    Cp437,
    /// Western European.
    Latin1,
    /// Central European.
    Latin2,
    /// Western European with the euro sign.
    Latin9,
}

const CP437_HIGH: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

const LATIN2_HIGH: &str = "\
    \u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žż\
    ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
    ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";

const LATIN9_HIGH: &str = "\
    \u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
    àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

/// Decodes, removes control characters (line breaks stay), and masks card numbers.
pub(crate) fn decode(bytes: &[u8], charset: Charset) -> String {
    let characters = bytes.iter().take(MAX_CHARACTERS).map(|byte| character(*byte, charset));
    let mut text: String = characters.filter_map(printable).collect();
    text.truncate(text.trim_end().len());
    mask::text(&text)
}

/// A carriage return is a line break here: additional texts use it alone.
fn printable(character: char) -> Option<char> {
    match character {
        '\r' | '\n' => Some('\n'),
        control if control.is_control() => None,
        other => Some(other),
    }
}

fn character(byte: u8, charset: Charset) -> char {
    let (table, first) = match charset {
        Charset::Cp437 => (CP437_HIGH, 0x80),
        Charset::Latin1 => return char::from(byte),
        Charset::Latin2 => (LATIN2_HIGH, 0xA0),
        Charset::Latin9 => (LATIN9_HIGH, 0xA0),
    };
    match byte.checked_sub(first) {
        Some(place) => table.chars().nth(usize::from(place)).unwrap_or(char::REPLACEMENT_CHARACTER),
        None => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_set_has_its_umlauts_and_its_euro() {
        assert_eq!(decode(&[0x8E, 0x94, 0xE1], Charset::Cp437), "Äöß");
        assert_eq!(decode(&[0xC4, 0xF6, 0xDF], Charset::Latin1), "Äöß");
        assert_eq!(decode(&[0xE8, 0xB3, 0xBE], Charset::Latin2), "čłž");
        assert_eq!(decode(&[b'2', 0xA4], Charset::Latin9), "2€");
    }

    #[test]
    fn the_tables_are_complete() {
        assert_eq!(CP437_HIGH.chars().count(), 128);
        assert_eq!(LATIN2_HIGH.chars().count(), 96);
        assert_eq!(LATIN9_HIGH.chars().count(), 96);
    }

    #[test]
    fn control_characters_and_card_numbers_do_not_pass() {
        assert_eq!(decode(b"a\x1bb\rc  ", Charset::Cp437), "ab\nc");
        assert_eq!(decode(b"4111\x00111111111111", Charset::Cp437), "************1111");
    }

    proptest! {
        #[test]
        fn any_bytes_become_text(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for charset in [Charset::Cp437, Charset::Latin1, Charset::Latin2, Charset::Latin9] {
                prop_assert!(decode(&bytes, charset).chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    }
}
