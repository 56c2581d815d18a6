//! What the protocol's code bytes mean.
//!
//! Three tables share the code space: results and aborts, terminal conditions, and intermediate states. Unknown
//! codes keep their number and get the careful meaning.

/// What a result, abort or refusal code means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultClass {
    /// 00.
    Approved,
    /// The network, the bank or the card says no. Another card or method may work.
    Declined,
    /// Someone pressed stop, or nobody presented a card in time.
    Cancelled,
    /// What should be reversed has been reversed already.
    AlreadyReversed,
    /// What should be reversed cannot be reversed.
    ReversalImpossible,
    /// The terminal does not know us (any more).
    NotRegistered,
    /// Occupied; ask again.
    Busy,
    /// No connection to the host. Definite only because the terminal itself says so.
    NoConnection,
    /// The terminal does not have this function.
    Unsupported,
    /// The day's payments must be handed in first.
    EndOfDayNeeded,
    /// Something is wrong with the terminal; staff must look.
    Fault,
}

/// A terminal's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// May take payments.
    Ready,
    /// Must be initialised.
    NeedsInitialisation,
    /// Its clock is wrong.
    ClockWrong,
    /// Occupied, often with its host.
    Busy,
    /// Must hand in the day's payments.
    NeedsEndOfDay,
    /// Must be diagnosed.
    NeedsDiagnosis,
    /// Its printer is not ready.
    PrinterNotReady,
    /// A card was left in it.
    CardLeftIn,
    /// Out of order.
    OutOfOrder,
    /// Its card reader does not answer.
    ReaderFault,
    /// The shutter of its card reader is closed.
    ShutterClosed,
    /// Anything else; staff must look.
    Other(u8),
}

/// What a customer should do or know, for our own translated texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Present, insert or swipe a card.
    PresentCard,
    /// Look at the PIN pad.
    LookAtPinPad,
    /// Confirm the amount there.
    ConfirmAmount,
    /// The host is being asked.
    ContactingHost,
    /// Wait.
    PleaseWait,
    /// A payment is being undone by the terminal itself.
    AutoReversal,
    /// Take the card out.
    RemoveCard,
    /// The card cannot be read.
    CardUnreadable,
    /// The card is not taken here, unknown, expired or invalid.
    CardNotAccepted,
    /// Wrong PIN.
    WrongPin,
    /// Too many wrong PINs.
    PinTriesExceeded,
    /// A PIN digit was typed.
    PinEntry,
    /// Not enough money or limit.
    LimitExceeded,
    /// Approved.
    Approved,
    /// Declined.
    Declined,
    /// Choose the application or the currency there.
    Choose,
    /// Choose the language there.
    ChooseLanguage,
    /// Staff must do something there.
    AskStaff,
    /// The terminal initialises or diagnoses itself or hands in the day's payments.
    Maintenance,
    /// The terminal has no connection.
    Offline,
    /// Something else: show the terminal's own words if it sent any, else "please wait".
    Other,
}

/// Which extra intermediate codes a terminal uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntermediateDialect {
    /// The common table.
    Standard,
    /// Codes A0 to A5 as well.
    Ingenico,
}

/// "Please wait": the terminal is busy, or we ask for time.
pub(crate) const WAIT: u8 = 0x9C;
/// "Goods not issued": makes the terminal reverse by itself.
pub(crate) const GOODS_NOT_ISSUED: u8 = 0x66;
/// "Function not possible".
pub(crate) const NOT_POSSIBLE: u8 = 0x83;
/// "Not registered".
pub(crate) const NOT_REGISTERED: u8 = 0x6B;

/// From here on an intermediate code is "the same and please take the card out".
const REMOVE_CARD_FROM: u8 = 0x40;
/// Last code with that meaning.
const REMOVE_CARD_TO: u8 = 0x67;

/// What a result, abort or refusal code means.
#[must_use]
pub fn result_class(code: u8) -> ResultClass {
    match code {
        0x00 => ResultClass::Approved,
        0x6B => ResultClass::NotRegistered,
        0x6C => ResultClass::Cancelled,
        0x7D | 0x9B | 0xA0 | 0xA1 | 0xA3 => ResultClass::NoConnection,
        0x83 | 0x67 | 0x68 | 0xA4 | 0xA5 => ResultClass::Unsupported,
        0x9C => ResultClass::Busy,
        0xB4 => ResultClass::AlreadyReversed,
        0xB5 => ResultClass::ReversalImpossible,
        0x77 | 0xB1 | 0xB2 | 0x6A | 0xF0 => ResultClass::EndOfDayNeeded,
        0x01..=0x66
        | 0x69
        | 0x6E..=0x76
        | 0x78..=0x7C
        | 0x7E
        | 0xC3..=0xC9
        | 0xCD
        | 0xD2
        | 0xE9
        | 0xEA
        | 0xF1 => ResultClass::Declined,
        _ => ResultClass::Fault,
    }
}

/// What a terminal condition code means.
#[must_use]
pub fn condition(code: u8) -> Condition {
    match code {
        0x00 => Condition::Ready,
        0x51 => Condition::NeedsInitialisation,
        0x62 => Condition::ClockWrong,
        0x9C => Condition::Busy,
        0xB2 | 0xF0 => Condition::NeedsEndOfDay,
        0xC2 => Condition::NeedsDiagnosis,
        0xCC => Condition::PrinterNotReady,
        0xDC | 0xE1 => Condition::CardLeftIn,
        0xDF => Condition::OutOfOrder,
        0xE2 => Condition::ReaderFault,
        0xE3 => Condition::ShutterClosed,
        other => Condition::Other(other),
    }
}

/// What an intermediate code means, and whether the customer should take the card out.
#[must_use]
pub fn prompt(code: u8, dialect: IntermediateDialect) -> (Prompt, bool) {
    match (code, dialect) {
        (0x0B, _) => (Prompt::RemoveCard, true),
        (REMOVE_CARD_FROM..=0x5D | 0x66..=REMOVE_CARD_TO, _) => (base_prompt(code - REMOVE_CARD_FROM), true),
        (0x5E, _) => (Prompt::PleaseWait, false),
        (0x5F..=0x65, _) => (Prompt::RemoveCard, true),
        (0xA0 | 0xA2, IntermediateDialect::Ingenico) => (Prompt::Approved, false),
        (0xA1 | 0xA3, IntermediateDialect::Ingenico) => (Prompt::Approved, true),
        (0xA4, IntermediateDialect::Ingenico) => (Prompt::Declined, false),
        (0xA5, IntermediateDialect::Ingenico) => (Prompt::Declined, true),
        _ => (base_prompt(code), false),
    }
}

fn base_prompt(code: u8) -> Prompt {
    match code {
        0x00 => Prompt::ConfirmAmount,
        0x01 | 0x02 => Prompt::LookAtPinPad,
        0x04 | 0xD2 | 0xD3 => Prompt::ContactingHost,
        0x05 => Prompt::AutoReversal,
        0x0A | 0x2A => Prompt::PresentCard,
        0x0B => Prompt::RemoveCard,
        0x0C | 0x0D | 0x19 => Prompt::CardUnreadable,
        0x03 | 0x07..=0x09 | 0x10 => Prompt::CardNotAccepted,
        0x06 | 0x0E | 0x17 | 0x29 | 0x2B | 0x68 => Prompt::PleaseWait,
        0x0F | 0xC9 | 0xCA => Prompt::Maintenance,
        0x12 | 0x1A | 0xC8 | 0xCB | 0xE2 => Prompt::AskStaff,
        0x13 | 0x1D => Prompt::Declined,
        0x14 | 0x16 => Prompt::LimitExceeded,
        0x15 => Prompt::WrongPin,
        0x18 => Prompt::PinTriesExceeded,
        0x1B | 0x1C => Prompt::Approved,
        0x28 | 0x2C | 0x69 | 0xE0 => Prompt::Choose,
        0xE1 => Prompt::ChooseLanguage,
        0x6A..=0x6D => Prompt::PinEntry,
        0xF1 => Prompt::Offline,
        _ => Prompt::Other,
    }
}

/// The brand a terminal's number stands for.
pub(crate) fn card_brand(number: u16) -> Option<&'static str> {
    Some(match number {
        2 | 5 => "girocard",
        6 => "Mastercard",
        8 => "American Express",
        10 => "Visa",
        11 => "Visa Electron",
        12 => "Diners Club",
        13 => "V PAY",
        14 => "JCB",
        46 => "Maestro",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_we_act_on_have_their_meaning() {
        assert_eq!(result_class(0x00), ResultClass::Approved);
        for code in [
            0x01, 0x05, 0x33, 0x63, 0x64, 0x65, 0x72, 0x73, 0x78, 0x79, 0x7A, 0x6F, 0xC6, 0xC3, 0xC8, 0xC9,
            0xC5,
        ] {
            assert_eq!(result_class(code), ResultClass::Declined, "{code:02X}");
        }
        for code in [0x7D, 0x9B, 0xA1, 0xA3] {
            assert_eq!(result_class(code), ResultClass::NoConnection, "{code:02X}");
        }
        assert_eq!(result_class(0x6C), ResultClass::Cancelled);
        assert_eq!(result_class(0xB4), ResultClass::AlreadyReversed);
        assert_eq!(result_class(0xB5), ResultClass::ReversalImpossible);
        assert_eq!(result_class(0x83), ResultClass::Unsupported);
        assert_eq!(result_class(0xFF), ResultClass::Fault);
        assert_eq!(result_class(0x9A), ResultClass::Fault);
    }

    #[test]
    fn only_code_zero_is_approved() {
        assert!((1..=255).all(|code| result_class(code) != ResultClass::Approved));
    }

    #[test]
    fn conditions_name_their_remedy() {
        assert_eq!(condition(0x51), Condition::NeedsInitialisation);
        assert_eq!(condition(0xF0), Condition::NeedsEndOfDay);
        assert_eq!(condition(0xDC), Condition::CardLeftIn);
        assert_eq!(condition(0x99), Condition::Other(0x99));
    }

    #[test]
    fn the_upper_codes_add_take_your_card_to_the_lower_ones() {
        let standard = IntermediateDialect::Standard;
        assert_eq!(prompt(0x0A, standard), (Prompt::PresentCard, false));
        assert_eq!(prompt(0x15, standard), (Prompt::WrongPin, false));
        assert_eq!(prompt(0x55, standard), (Prompt::WrongPin, true));
        assert_eq!(prompt(0x4B, standard), (Prompt::RemoveCard, true));
        assert_eq!(prompt(0x5D, standard), (Prompt::Declined, true));
        assert_eq!(prompt(0xA1, standard), (Prompt::Other, false));
        assert_eq!(prompt(0xA1, IntermediateDialect::Ingenico), (Prompt::Approved, true));
    }
}
