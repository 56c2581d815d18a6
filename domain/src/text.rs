//! Text in several languages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A language tag, BCP 47, lower case: `en`, `de`, `ar`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Lang(pub Arc<str>);

impl Lang {
    /// Wraps a tag.
    pub fn new(tag: &str) -> Self {
        Self(tag.into())
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the script runs from right to left.
    pub fn is_rtl(&self) -> bool {
        matches!(self.0.split('-').next(), Some("ar" | "he" | "fa" | "ur"))
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether this can be a language tag: two or three small letters, then subtags of two to eight small letters
/// or digits, joined by `-`.
pub fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or("");
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// The same words in several languages. Never empty in a checked catalog.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Text(pub BTreeMap<Lang, Arc<str>>);

impl Text {
    /// A text in one language.
    pub fn single(lang: &Lang, words: &str) -> Self {
        Self(BTreeMap::from([(lang.clone(), words.into())]))
    }

    /// The words in `lang`, else in its base language (`de` for `de-AT`), else in the first of `fallback`
    /// that has them, else any, else nothing.
    pub fn get(&self, lang: &Lang, fallback: &[Lang]) -> &str {
        let base = lang.as_str().split('-').next().map(Lang::new);
        [Some(lang), base.as_ref()]
            .into_iter()
            .flatten()
            .chain(fallback)
            .find_map(|l| self.0.get(l))
            .or_else(|| self.0.values().next())
            .map_or("", |words| words)
    }

    /// Whether there are no words in any language.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
