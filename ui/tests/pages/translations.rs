//! The translation files, against the words of the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::view::Page;
use ui::fixtures::{self, LANGUAGES};
use ui::shell::Screen as _;

use crate::desk::{Desk, PORTRAIT};

/// Context, words, plural.
type Message = (String, String, String);

fn root() -> &'static Path {
    Path::new(".")
}

fn slint_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(slint_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "slint") {
            files.push(path);
        }
    }
    files
}

/// A quoted string at the start, and what follows it.
fn quoted(source: &str) -> Option<(String, &str)> {
    let inner = source.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.char_indices().find_map(|(at, letter)| {
        let closes = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes.then_some(at)
    })?;
    Some((inner[..end].to_owned(), inner[end + 1..].trim_start()))
}

/// The messages of the pages: `@tr("context" => "words" | "plural" % n, …)`.
fn messages() -> BTreeSet<Message> {
    let mut messages = BTreeSet::new();
    for file in slint_files(&root().join("ui")) {
        let source = fs::read_to_string(&file).unwrap();
        for rest in source.split("@tr(").skip(1) {
            let (first, rest) = quoted(rest.trim_start()).unwrap();
            let (context, words, rest) = match rest.strip_prefix("=>") {
                Some(rest) => {
                    let (words, rest) = quoted(rest.trim_start()).unwrap();
                    (first, words, rest)
                }
                None => (String::new(), first, rest),
            };
            let plural =
                rest.strip_prefix('|').and_then(|rest| quoted(rest.trim_start())).map(|(plural, _)| plural);
            messages.insert((context, words, plural.unwrap_or_default()));
        }
    }
    messages
}

/// The translations of a file, all forms of a message.
fn catalog(lang: &str) -> BTreeMap<Message, Vec<String>> {
    let path = root().join("lang").join(lang).join("LC_MESSAGES/ui.po");
    let source = fs::read_to_string(path).unwrap();
    let mut catalog = BTreeMap::new();
    for block in source.split("\n\n").skip(1) {
        let mut message = Message::default();
        let mut forms = Vec::new();
        for line in block.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (keyword, value) = line.split_once(' ').unwrap();
            let (value, _) = quoted(value).unwrap();
            match keyword {
                "msgctxt" => message.0 = value,
                "msgid" => message.1 = value,
                "msgid_plural" => message.2 = value,
                _ => forms.push(value),
            }
        }
        catalog.insert(message, forms);
    }
    catalog
}

fn placeholders(words: &str) -> usize {
    words.matches("{}").count()
}

#[test]
fn every_language_has_every_word_and_no_others() {
    let messages = messages();
    assert!(messages.len() > 200, "the pages have words");
    for lang in LANGUAGES {
        let catalog = catalog(lang);
        let known: BTreeSet<Message> = catalog.keys().cloned().collect();
        let missing: Vec<&Message> = messages.difference(&known).collect();
        assert!(missing.is_empty(), "{lang} lacks {missing:#?}");
        let stale: Vec<&Message> = known.difference(&messages).collect();
        assert!(stale.is_empty(), "{lang} has words that no page says: {stale:#?}");
    }
}

#[test]
fn translations_are_complete_and_keep_their_places_for_values() {
    for lang in LANGUAGES {
        let forms_of_plural = if lang == "ar" { 6 } else { 2 };
        for (message, forms) in catalog(lang) {
            let wanted = if message.2.is_empty() { 1 } else { forms_of_plural };
            assert_eq!(forms.len(), wanted, "{lang}: {message:?}");
            for form in forms {
                assert!(!form.trim().is_empty(), "{lang}: {message:?} is not translated");
                assert_eq!(placeholders(&form), placeholders(&message.1), "{lang}: {message:?} -> {form}");
            }
        }
    }
}

#[test]
fn the_greeting_fits_the_hour_in_every_language() {
    let hours = [(0, 0), (2, 0), (4, 59), (5, 0), (11, 29), (11, 30), (17, 29), (17, 30), (23, 59)];
    // Night, morning, day, evening.
    let greetings = [
        ("en", ["Hello.", "Good morning.", "Good afternoon.", "Good evening."]),
        ("de", ["Hallo.", "Guten Morgen.", "Guten Tag.", "Guten Abend."]),
        ("fr", ["Bienvenue.", "Bonjour.", "Bonjour.", "Bonsoir."]),
        ("ar", ["مرحبًا.", "صباح الخير.", "مرحبًا بك.", "مساء الخير."]),
    ];
    let desk = Desk::new(PORTRAIT);
    for (lang, [night, morning, day, evening]) in greetings {
        let wanted = [night, night, night, morning, morning, day, day, evening, evening];
        for ((hour, minute), words) in hours.into_iter().zip(wanted) {
            let mut view = fixtures::named("service", lang).unwrap();
            let Page::Service(service) = &mut view.page else { panic!("another page") };
            service.minute_of_day = hour * 60 + minute;
            assert_eq!(desk.screen.apply(&view).say, words, "{lang} {hour}:{minute:02}");
            desk.wait(std::time::Duration::ZERO);
            assert!(desk.shows(words), "{lang} {hour}:{minute:02}");
        }
    }
}
