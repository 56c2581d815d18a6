//! Keys under the names of the W3C (`KeyboardEvent.key`), and what Slint calls them.

use slint::SharedString;
use slint::platform::Key as SlintKey;

/// A key, independent of where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A key that types this character. Never a control character.
    Char(char),
    /// A key that does something.
    Named(NamedKey),
}

/// The keys besides characters that the pages react to; all others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the W3C and say what the keys are")]
pub enum NamedKey {
    Enter,
    Tab,
    /// Tab backwards.
    Backtab,
    Escape,
    Backspace,
    Delete,
    ArrowUp,
    ArrowDown,
    ArrowLeft,
    ArrowRight,
    Home,
    End,
    PageUp,
    PageDown,
}

const NAMES: [(&str, NamedKey, SlintKey); 14] = [
    ("Enter", NamedKey::Enter, SlintKey::Return),
    ("Tab", NamedKey::Tab, SlintKey::Tab),
    ("Backtab", NamedKey::Backtab, SlintKey::Backtab),
    ("Escape", NamedKey::Escape, SlintKey::Escape),
    ("Backspace", NamedKey::Backspace, SlintKey::Backspace),
    ("Delete", NamedKey::Delete, SlintKey::Delete),
    ("ArrowUp", NamedKey::ArrowUp, SlintKey::UpArrow),
    ("ArrowDown", NamedKey::ArrowDown, SlintKey::DownArrow),
    ("ArrowLeft", NamedKey::ArrowLeft, SlintKey::LeftArrow),
    ("ArrowRight", NamedKey::ArrowRight, SlintKey::RightArrow),
    ("Home", NamedKey::Home, SlintKey::Home),
    ("End", NamedKey::End, SlintKey::End),
    ("PageUp", NamedKey::PageUp, SlintKey::PageUp),
    ("PageDown", NamedKey::PageDown, SlintKey::PageDown),
];

/// Slint's code points for named keys; a character from here would press a key of that name.
const SLINT_NAMED: std::ops::RangeInclusive<char> = '\u{F700}'..='\u{F8FF}';

impl Key {
    /// The key of a W3C name: one printable character, or a name of [`NamedKey`]. `None` for all other keys.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some((_, named, _)) = NAMES.iter().find(|(known, _, _)| *known == name) {
            return Some(Self::Named(*named));
        }
        let mut chars = name.chars();
        let (first, rest) = (chars.next()?, chars.next());
        let typed = rest.is_none() && !first.is_control() && !SLINT_NAMED.contains(&first);
        typed.then_some(Self::Char(first))
    }

    /// What to put into a Slint key event.
    #[must_use]
    pub fn to_slint(self) -> SharedString {
        match self {
            Self::Char(char) => char.into(),
            Self::Named(named) => {
                let known = NAMES.iter().find(|(_, name, _)| *name == named);
                known.expect("every named key is in the table, see the test").2.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_key_has_its_slint_key_and_reads_back_from_its_name() {
        for (name, named, slint) in NAMES {
            assert_eq!(Key::from_name(name), Some(Key::Named(named)));
            assert_eq!(Key::Named(named).to_slint(), SharedString::from(slint));
        }
        // The last variant has the highest number: a new variant without a row fails here.
        assert_eq!(NamedKey::PageDown as usize + 1, NAMES.len());
    }

    #[test]
    fn only_single_printable_characters_type() {
        assert_eq!(Key::from_name("ß"), Some(Key::Char('ß')));
        assert_eq!(Key::from_name(" "), Some(Key::Char(' ')));
        for name in ["", "ab", "F5", "Control", "\u{7}", "\u{F700}", "Unidentified"] {
            assert_eq!(Key::from_name(name), None, "{name:?}");
        }
    }
}
