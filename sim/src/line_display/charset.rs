//! The display's characters: ASCII below 80, code page 437 above.

/// Code page 437 from 80 on; its last character is a blank.
const UPPER: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
);

/// What the byte looks like; bytes below 20 are commands and never come here.
pub fn glyph(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None if byte == 0x7F => '⌂',
        None => char::from(byte),
        Some(index) => UPPER.chars().nth(index.into()).unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_half_is_code_page_437() {
        assert_eq!(UPPER.chars().count(), 128);
        for (byte, char) in [
            (0x41, 'A'),
            (0x80, 'Ç'),
            (0x81, 'ü'),
            (0x9F, 'ƒ'),
            (0xA0, 'á'),
            (0xC0, '└'),
            (0xE1, 'ß'),
            (0xFE, '■'),
        ] {
            assert_eq!(glyph(byte), char);
        }
        assert!((0x20..=0xFF).all(|byte| !glyph(byte).is_control()));
    }
}
