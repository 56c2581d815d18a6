//! The cards in the emulated customer's wallet. Test numbers, never a real card's.

/// One card. The terminal sends its number masked, so the middle digits exist nowhere.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    /// The word of the verb `card`.
    pub word: &'static str,
    /// Field 8B.
    pub name: &'static str,
    /// Field 8A.
    pub kind: u8,
    /// Field 22: digits, E for a masked one.
    pub masked_number: &'static str,
    /// YYMM.
    pub expiry: u16,
    /// The application on the chip.
    pub application: &'static [u8],
    /// Which of the seven sums of field 60 it counts to.
    pub total: usize,
}

/// The first one is used until another is chosen.
pub const CARDS: &[Card] = &[
    Card {
        word: "girocard",
        name: "girocard",
        kind: 0x05,
        masked_number: "672596EEEEEEEEE1234",
        expiry: 2912,
        application: &[0xA0, 0x00, 0x00, 0x03, 0x59, 0x10, 0x10, 0x02, 0x80, 0x01],
        total: 0,
    },
    Card {
        word: "mastercard",
        name: "MasterCard",
        kind: 0x06,
        masked_number: "541333EEEEEE4004",
        expiry: 3011,
        application: &[0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10],
        total: 2,
    },
    Card {
        word: "visa",
        name: "VISA",
        kind: 0x0A,
        masked_number: "476173EEEEEE0119",
        expiry: 2808,
        application: &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10],
        total: 4,
    },
    Card {
        word: "amex",
        name: "American Express",
        kind: 0x08,
        masked_number: "374245EEEEE1006",
        expiry: 2704,
        application: &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01, 0x05, 0x01],
        total: 3,
    },
];

impl Card {
    pub fn by_word(word: &str) -> Option<&'static Self> {
        CARDS.iter().find(|card| card.word == word)
    }

    /// Two digits a byte, padded by F.
    pub fn packed_number(&self) -> Vec<u8> {
        let nibble =
            |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok()).unwrap_or(0xE);
        self.masked_number
            .as_bytes()
            .chunks(2)
            .map(|pair| nibble(pair[0]) << 4 | pair.get(1).map_or(0xF, |low| nibble(*low)))
            .collect()
    }

    /// For a receipt: `############1234`.
    pub fn printed_number(&self) -> String {
        self.masked_number
            .char_indices()
            .map(|(at, digit)| if at + 4 < self.masked_number.len() { '#' } else { digit })
            .collect()
    }
}

/// How the card meets the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// Without contact.
    Hold,
    /// Into the slot, with a PIN.
    Insert,
}
