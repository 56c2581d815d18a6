//! What a recogniser wrote, or a menu says, as words that can be pronounced.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroize as _;

/// Longest text that is looked at, in bytes: fifteen seconds of quick speech have about 300.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// What was said, in words. It exists in memory only: it can be neither printed, logged nor stored, and its
/// bytes are overwritten when it is dropped.
///
/// ```compile_fail
/// fn print(it: impl std::fmt::Debug) {}
/// print(voice::Transcript::new("two lattes".to_owned()));
/// ```
/// ```compile_fail
/// fn show(it: impl std::fmt::Display) {}
/// show(voice::Transcript::new("two lattes".to_owned()));
/// ```
/// ```
/// let heard = voice::Transcript::new("two lattes".to_owned());
/// assert_eq!(heard.words(), ["two", "lattes"]);
/// ```
pub struct Transcript(String);

impl Transcript {
    /// Takes what a recogniser wrote.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Its words; what is beyond [`TEXT_BYTES_MAX`] is left out.
    pub fn words(&self) -> Vec<String> {
        words(&self.0)
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Lower-case words with letters and apostrophes only: digits are spelt out, signs that are spoken become words,
/// all others separate.
pub fn words(text: &str) -> Vec<String> {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    let text = text[..end].replace('½', " half ").replace('¼', " quarter ");
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let text = text.replace('’', "'").replace("w/o", " without ").replace("w/", " with ");
    let mut out = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '0'..='9' => {
                flush(&mut word, &mut out);
                let mut digits = String::from(c);
                while let Some(d) = chars.next_if(char::is_ascii_digit) {
                    digits.push(d);
                }
                number(&digits, &mut out);
                let mut rest = chars.clone();
                if matches!(rest.next(), Some('.' | ',')) && rest.next().is_some_and(|c| c.is_ascii_digit()) {
                    chars.next();
                    out.push("point".to_owned());
                }
            }
            '\'' => word.push(c),
            c if c.is_alphabetic() => word.push(c),
            '&' | '+' => {
                flush(&mut word, &mut out);
                out.push("and".to_owned());
            }
            '#' => {
                flush(&mut word, &mut out);
                out.push("number".to_owned());
            }
            '%' => {
                flush(&mut word, &mut out);
                out.push("percent".to_owned());
            }
            _ => flush(&mut word, &mut out),
        }
    }
    flush(&mut word, &mut out);
    out
}

/// An apostrophe belongs to a word only between or after letters.
fn flush(word: &mut String, out: &mut Vec<String>) {
    let trimmed = word.trim_matches('\'');
    if !trimmed.is_empty() {
        out.push(trimmed.to_owned());
    }
    word.clear();
}

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Numbers up to 9,999 as one says them; longer ones digit by digit.
fn number(digits: &str, out: &mut Vec<String>) {
    match digits.parse::<usize>() {
        Ok(n) if digits.len() <= 4 => cardinal(n, out),
        _ => out.extend(
            digits
                .bytes()
                .filter_map(|b| ONES.get(usize::from(b.saturating_sub(b'0'))))
                .map(|w| (*w).to_owned()),
        ),
    }
}

fn cardinal(n: usize, out: &mut Vec<String>) {
    let mut push = |word: &str| out.push(word.to_owned());
    match n {
        0..20 => push(ONES[n]),
        20..100 => {
            push(TENS[n / 10]);
            if !n.is_multiple_of(10) {
                push(ONES[n % 10]);
            }
        }
        _ => {
            let (unit, word) = if n >= 1_000 { (1_000, "thousand") } else { (100, "hundred") };
            cardinal(n / unit, out);
            out.push(word.to_owned());
            if !n.is_multiple_of(unit) {
                cardinal(n % unit, out);
            }
        }
    }
}

/// How a number up to 99 is said.
pub(crate) fn spoken_number(n: usize) -> String {
    let mut out = Vec::new();
    cardinal(n, &mut out);
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn signs_and_digits_become_what_is_said() {
        for (text, said) in [
            (" Two Cheeseburgers, without onions.", "two cheeseburgers without onions"),
            ("2 lattes & a #4 w/ milk", "two lattes and a number four with milk"),
            ("½ dozen", "half dozen"),
            ("15 x 0.5 l", "fifteen x zero point five l"),
            ("121 4050", "one hundred twenty one four thousand fifty"),
            ("what's in it? 'tea'", "what's in it tea"),
            ("ＬＡＴＴＥ’s", "latte's"),
            ("Käse", "käse"),
            ("18000", "one eight zero zero zero"),
        ] {
            assert_eq!(words(text).join(" "), said);
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_clean_words(text in "\\PC{0,200}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty());
                prop_assert!(word.chars().all(|c| c.is_alphabetic() || c == '\'' ), "{word:?}");
            }
        }
    }
}
