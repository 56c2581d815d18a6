//! Names, texts and words.

use super::super::limits::{MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_WORD_CHARS};
use super::super::{Place, is_id};
use super::Check;
use crate::text::Text;

/// What a text may be.
#[derive(Clone, Copy)]
struct Form {
    /// Characters.
    most: usize,
    /// It must be there in the default language.
    required: bool,
    /// It may have several lines.
    lines: bool,
}

const NAME: Form = Form { most: MAX_NAME_CHARS, required: true, lines: false };
const DESCRIPTION: Form = Form { most: MAX_DESCRIPTION_CHARS, required: false, lines: true };

impl Check<'_> {
    /// A name: must be there in the default language.
    pub(super) fn name(&mut self, place: &[&str], text: &Text) {
        self.text(place, text, NAME);
    }

    /// A name that may be missing altogether.
    pub(super) fn optional_name(&mut self, place: &[&str], text: &Text) {
        self.text(place, text, Form { required: false, ..NAME });
    }

    /// A longer text that may be missing altogether.
    pub(super) fn description(&mut self, place: &[&str], text: &Text) {
        self.text(place, text, DESCRIPTION);
    }

    fn text(&mut self, place: &[&str], text: &Text, form: Form) {
        let Some(default) = self.parts.languages.first() else { return };
        if (form.required || !text.is_empty()) && !text.0.contains_key(default) {
            let remedy = format!("add it in {default}, which every other language falls back to");
            self.report(place, format!("no words in the default language {default}"), remedy);
        }
        if !text.is_empty() && text.0.contains_key(default) && text.0.len() > 1 {
            self.note_missing(place, text);
        }
        for (lang, words) in &text.0 {
            let place: Vec<&str> = place.iter().copied().chain([lang.as_str()]).collect();
            if !self.parts.languages.contains(lang) {
                self.report(
                    &place,
                    format!("{lang} is not a language of this catalog"),
                    "add it to the languages",
                );
            }
            if words.trim().is_empty() {
                self.report(&place, "empty words", "write something, or leave the language out");
            } else if words.chars().count() > form.most {
                self.report(&place, format!("longer than {} characters", form.most), "shorten it");
            } else if words.chars().any(|c| c.is_control() && !(c == '\n' && form.lines)) {
                self.report(&place, "a control character in the words", "remove it");
            }
        }
    }

    /// A text in one language only is the same in all: a brand, "Cola".
    fn note_missing(&mut self, place: &[&str], text: &Text) {
        for lang in self.parts.languages.iter().filter(|lang| !text.0.contains_key(lang)) {
            let first = || (Place::new(place.iter().copied()), 0);
            self.missing.entry(lang.clone()).or_insert_with(first).1 += 1;
        }
    }

    /// A short word for machines or staff: one line, not empty.
    pub(super) fn word(&mut self, place: &[&str], word: &str) {
        if word.trim().is_empty() {
            self.report(place, "empty", "write something, or leave the field out");
        } else if word.chars().count() > MAX_WORD_CHARS {
            self.report(place, format!("longer than {MAX_WORD_CHARS} characters"), "shorten it");
        } else if word.chars().any(char::is_control) {
            self.report(place, "a control character in the word", "remove it");
        }
    }

    /// A word that may be empty.
    pub(super) fn optional_word(&mut self, place: &[&str], word: &str) {
        if !word.is_empty() {
            self.word(place, word);
        }
    }

    /// A picture's name, or none: it becomes the name of a file.
    pub(super) fn picture(&mut self, place: &[&str], name: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.chars().all(allowed) {
            let what = format!("\"{}\" cannot be the name of a picture", name.escape_debug());
            self.report(place, what, "use letters, digits, - and _, and leave .svg or .png out");
        } else {
            self.optional_word(place, name);
        }
    }

    pub(super) fn id(&mut self, place: &[&str], id: &str) {
        if !is_id(id) {
            let what = format!("\"{}\" cannot be an id", id.escape_debug());
            self.report(place, what, "use 1 to 64 small letters, digits, - and _");
        }
    }
}
