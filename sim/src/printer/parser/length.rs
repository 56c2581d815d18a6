//! How long a command is, judged from its first bytes.

/// The answer for the bytes seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Not enough seen to say.
    More,
    /// Total length including the command bytes.
    Exactly(usize),
    /// Up to and including the next NUL.
    UntilNul,
}

use Length::{Exactly, More, UntilNul};

/// The length of the command that starts with `head`, which is never empty.
pub fn of(head: &[u8]) -> Length {
    match head[0] {
        0x10 => real_time(head),
        0x1B => escape(head),
        0x1C => kanji(head),
        0x1D => group(head),
        _ => Exactly(1),
    }
}

fn real_time(head: &[u8]) -> Length {
    match head[1..] {
        [] | [0x04 | 0x14] => More,
        [0x04, 7 | 8 | 18, ..] => Exactly(4),
        [0x04 | 0x05, ..] => Exactly(3),
        [0x14, 1 | 2, ..] => Exactly(5),
        [0x14, 3, ..] => Exactly(8),
        [0x14, 7, ..] => Exactly(4),
        [0x14, 8, ..] => Exactly(10),
        [0x14, ..] => Exactly(3),
        [_, ..] => Exactly(2),
    }
}

fn escape(head: &[u8]) -> Length {
    match head[1..] {
        [] => More,
        [
            b' ' | b'!' | b'%' | b'-' | b'3' | b'=' | b'?' | b'E' | b'G' | b'J' | b'K' | b'M' | b'R' | b'T',
            ..,
        ]
        | [b'U' | b'V' | b'a' | b'd' | b'e' | b'r' | b't' | b'u' | b'{', ..] => Exactly(3),
        [b'$' | b'\\' | b'c', ..] => Exactly(4),
        [b'p', ..] => Exactly(5),
        [b'W', ..] => Exactly(10),
        [b'D', ..] => {
            if head.len() > 2 {
                UntilNul
            } else {
                More
            }
        }
        [b'&', ..] => characters(head),
        [b'*', mode, low, high, ..] => {
            let column_bytes = if mode >= 32 { 3 } else { 1 };
            Exactly(5 + column_bytes * usize::from(word(low, high)))
        }
        [b'*', ..] => More,
        [b'(', ..] => counted(head),
        [_, ..] => Exactly(2),
    }
}

/// `ESC & y c1 c2 [x d1…d(y·x)]…`: each user-defined character brings its own width.
fn characters(head: &[u8]) -> Length {
    let [_, _, height, first, last, ..] = *head else { return More };
    let mut at = 5;
    for _ in first..=last {
        let Some(width) = head.get(at) else { return More };
        at += 1 + usize::from(height) * usize::from(*width);
    }
    Exactly(at)
}

fn kanji(head: &[u8]) -> Length {
    match head[1..] {
        [] => More,
        [b'!' | b'-' | b'C' | b'W', ..] => Exactly(3),
        [b'S' | b'?' | b'p', ..] => Exactly(4),
        [b'2', ..] => Exactly(4 + 72),
        [b'(', ..] => counted(head),
        [b'g', b'1', _, _, _, _, _, low, high, ..] => Exactly(10 + usize::from(word(low, high))),
        [b'g', b'2', ..] => Exactly(10),
        [b'g'] | [b'g', b'1', ..] => More,
        [b'q', ..] => stored_images(head),
        [_, ..] => Exactly(2),
    }
}

/// `FS q n [xL xH yL yH d1…d(x·y·8)]…`.
fn stored_images(head: &[u8]) -> Length {
    let [_, _, count, ..] = *head else { return More };
    let mut at = 3;
    for _ in 0..count {
        let Some([x_low, x_high, y_low, y_high]) = head.get(at..at + 4) else { return More };
        at += 4 + 8 * usize::from(word(*x_low, *x_high)) * usize::from(word(*y_low, *y_high));
    }
    Exactly(at)
}

fn group(head: &[u8]) -> Length {
    match head[1..] {
        [] => More,
        [b':' | b'c', ..] => Exactly(2),
        [b'!' | b'/' | b'B' | b'H' | b'I' | b'T' | b'a' | b'b' | b'f' | b'h' | b'r' | b'w', ..] => Exactly(3),
        [b'$' | b'L' | b'P' | b'W' | b'\\' | b'z', ..] => Exactly(4),
        [b'^', ..] => Exactly(5),
        [b'g', ..] => Exactly(6),
        [b'V', 65 | 66 | 97 | 98 | 103 | 104, ..] => Exactly(4),
        [b'V', _, ..] => Exactly(3),
        [b'k', 65..=79, count, ..] => Exactly(4 + usize::from(count)),
        [b'k', 0..=6, ..] => UntilNul,
        [b'k', 7..=64 | 80.., ..] => Exactly(3),
        [b'C', b'0' | b'2', ..] => Exactly(5),
        [b'C', b'1', ..] => Exactly(9),
        [b'C', b';', ..] => UntilNul,
        [b'C', _, ..] => Exactly(3),
        [b'*', x, y, ..] => Exactly(4 + 8 * usize::from(x) * usize::from(y)),
        [b'v' | b'Q', b'0', _, x_low, x_high, y_low, y_high, ..] => {
            Exactly(8 + usize::from(word(x_low, x_high)) * usize::from(word(y_low, y_high)))
        }
        [b'v' | b'Q', other, ..] if other != b'0' => Exactly(3),
        [b'8', _, a, b, c, d, ..] => {
            Exactly(usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX).saturating_add(7))
        }
        [b'(', ..] => counted(head),
        [b'8' | b'v' | b'Q' | b'*' | b'V' | b'k' | b'C', ..] => More,
        [_, ..] => Exactly(2),
    }
}

/// `( x pL pH …`: the modern form, counts its own bytes.
fn counted(head: &[u8]) -> Length {
    match head[2..] {
        [_, low, high, ..] => Exactly(5 + usize::from(word(low, high))),
        _ => More,
    }
}

pub(super) fn word(low: u8, high: u8) -> u16 {
    u16::from_le_bytes([low, high])
}
