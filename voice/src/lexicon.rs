//! How words are said: the house's own entries, the pronouncing dictionary, word forms, compounds, and at last
//! the spelling.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::letters;
use crate::phone::{Phone, phones};

/// Where Debian's `pocketsphinx-en-us` puts CMUdict, which its licence asks to be named: see `voice/NOTICE.md`.
pub const CMUDICT: &str = "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict";

/// Largest dictionary file that is read, in bytes; the real one has 3.3 MB.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most pronunciations of one word that are used.
const ALTERNATES_MAX: usize = 4;

/// Shortest half of a compound, in letters.
const HALF_LETTERS_MIN: usize = 3;

/// Words of menus that dictionaries lack or say in a way that no customer does.
const HOUSE: &[(&str, &str)] = &[
    ("lattes", "L AA T EY Z"),
    ("latte", "L AA T EY"),
    ("americano", "AH M EH R IH K AA N OW"),
    ("macchiato", "M AA K IY AA T OW"),
    ("matcha", "M AA CH AH"),
    ("chai", "CH AY"),
    ("brioche", "B R IY OW SH"),
    ("falafel", "F AH L AA F AH L"),
    ("sencha", "S EH N CH AH"),
    ("rooibos", "R OY B AO S"),
    ("remoulade", "R EH M AH L AA D"),
    ("slaw", "S L AO"),
    ("vinaigrette", "V IH N AH G R EH T"),
    ("yoghurt", "Y OW G ER T"),
    ("chilli", "CH IH L IY"),
    ("doughnut", "D OW N AH T"),
    ("spritz", "S P R IH T S"),
    ("wanna", "W AA N AH"),
    ("gimme", "G IH M IY"),
    ("lemme", "L EH M IY"),
    ("um", "AH M"),
    ("uh", "AH"),
    ("er", "ER"),
    ("hmm", "HH M"),
    ("decaf", "D IY K AE F"),
    ("checkout", "CH EH K AW T"),
];

/// The dictionary could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the pronouncing dictionary {path}")]
pub struct LexiconError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// How every word is said. Cheap to clone.
#[derive(Clone)]
pub struct Lexicon {
    /// The file's text; `lines` are the places where words begin, sorted by word.
    text: Arc<str>,
    lines: Arc<[u32]>,
    own: Arc<BTreeMap<String, Vec<Vec<Phone>>>>,
}

impl Lexicon {
    /// Reads a dictionary: `word PHONES` a line, alternates as `word(2)`, stress digits or none.
    /// Blocks for some 30 ms with the whole of CMUdict.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8 or larger than 16 MiB.
    pub fn read(path: &Path) -> Result<Self, LexiconError> {
        let fault = |source| LexiconError { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(fault)?.len();
        if length > FILE_BYTES_MAX {
            return Err(fault(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "more than 16 MiB")));
        }
        Ok(Self::parse(&std::fs::read_to_string(path).map_err(fault)?))
    }

    /// The same from text.
    pub fn parse(text: &str) -> Self {
        let mut lines: Vec<u32> = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if line.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'\'') {
                lines.extend(u32::try_from(at));
            }
            at += line.len();
        }
        let key = |at: &u32| word_at(text, *at);
        lines.sort_by(|a, b| key(a).cmp(key(b)));
        let own =
            HOUSE.iter().filter_map(|(word, said)| Some(((*word).to_owned(), vec![phones(said)?]))).collect();
        Self { text: text.into(), lines: lines.into(), own: Arc::new(own) }
    }

    /// Adds what a shop says about a word; it comes before everything else. What is not ARPAbet is read as a
    /// respelling (`"dough nut"`).
    pub fn with_pronunciation(mut self, word: &str, said: &str) -> Self {
        let said = phones(&said.to_uppercase()).unwrap_or_else(|| {
            crate::text::words(said).iter().flat_map(|word| letters::sounds(word)).collect()
        });
        if !said.is_empty() {
            Arc::make_mut(&mut self.own).insert(word.to_lowercase(), vec![said]);
        }
        self
    }

    /// Whether the dictionary itself has the word, so that a recogniser with the same dictionary knows it.
    pub fn is_listed(&self, word: &str) -> bool {
        !self.listed(word).is_empty()
    }

    /// Every way to say a word, the usual one first; never empty unless the word has no letters.
    pub fn say(&self, word: &str) -> Vec<Vec<Phone>> {
        let known = self.known(word);
        if !known.is_empty() {
            return known;
        }
        for form in [self.inflected(word), self.compound(word)] {
            if !form.is_empty() {
                return form;
            }
        }
        let spelt = letters::sounds(word);
        if spelt.is_empty() { Vec::new() } else { vec![spelt] }
    }

    /// The usual way to say several words.
    pub fn say_all(&self, words: &[String]) -> Vec<Phone> {
        words.iter().filter_map(|word| self.say(word).into_iter().next()).flatten().collect()
    }

    fn known(&self, word: &str) -> Vec<Vec<Phone>> {
        self.own.get(word).cloned().unwrap_or_else(|| self.listed(word))
    }

    fn listed(&self, word: &str) -> Vec<Vec<Phone>> {
        let key = |at: &u32| base(word_at(&self.text, *at));
        let from = self.lines.partition_point(|at| key(at) < word);
        let mut found: Vec<Vec<Phone>> = Vec::new();
        for at in self.lines[from..].iter().take_while(|at| key(at) == word).take(ALTERNATES_MAX) {
            let line = self.line(*at);
            if let Some(said) = line.split_once(char::is_whitespace).and_then(|(_, said)| phones(said))
                && !said.is_empty()
                && !found.contains(&said)
            {
                found.push(said);
            }
        }
        found
    }

    fn line(&self, at: u32) -> &str {
        usize::try_from(at).ok().and_then(|at| self.text[at..].lines().next()).unwrap_or("")
    }

    /// Plural and possessive of a known word.
    fn inflected(&self, word: &str) -> Vec<Vec<Phone>> {
        let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or("");
        let stems = [Some(stem), stem.strip_suffix('e')];
        let known = stems.into_iter().flatten().map(|stem| self.known(stem)).find(|known| !known.is_empty());
        known.unwrap_or_default().into_iter().map(|said| [said.clone(), plural(&said)].concat()).collect()
    }

    /// Two known words written as one.
    fn compound(&self, word: &str) -> Vec<Vec<Phone>> {
        let splits = word.char_indices().map(|(at, _)| at).skip(HALF_LETTERS_MIN);
        for at in splits.filter(|at| word.len() - at >= HALF_LETTERS_MIN) {
            let (first, second) = (self.known(&word[..at]), self.known(&word[at..]));
            if let (Some(first), Some(second)) = (first.first(), second.first()) {
                return vec![[first.clone(), second.clone()].concat()];
            }
        }
        Vec::new()
    }
}

/// What the plural adds: by the last sound.
pub(crate) fn plural(said: &[Phone]) -> Vec<Phone> {
    let ending = match said.last().map_or("", |last| last.name()) {
        "S" | "Z" | "SH" | "ZH" | "CH" | "JH" => "AH Z",
        "P" | "T" | "K" | "F" | "TH" => "S",
        _ => "Z",
    };
    phones(ending).unwrap_or_default()
}

fn word_at(text: &str, at: u32) -> &str {
    let rest = usize::try_from(at).ok().and_then(|at| text.get(at..)).unwrap_or("");
    rest.split(char::is_whitespace).next().unwrap_or("")
}

/// `word` of `word(2)`.
fn base(entry: &str) -> &str {
    entry.split('(').next().unwrap_or(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::distance;

    fn said(lexicon: &Lexicon, word: &str) -> Vec<String> {
        let name = |said: Vec<Phone>| said.iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
        lexicon.say(word).into_iter().map(name).collect()
    }

    #[test]
    fn every_source_of_a_pronunciation_has_its_turn() {
        let lexicon = Lexicon::parse(
            ";;; comment\nfor F AO1 R\nfor(2) F ER0\ncheese CH IY1 Z\nburger B ER G ER\nbox B AA K S\n",
        )
        .with_pronunciation("zorblatt", "Z AO R B L AE T")
        .with_pronunciation("Coke", "coak");
        assert_eq!(said(&lexicon, "for"), ["F AO R", "F ER"]);
        assert_eq!(said(&lexicon, "burgers"), ["B ER G ER Z"]);
        assert_eq!(said(&lexicon, "boxes"), ["B AA K S AH Z"]);
        assert_eq!(said(&lexicon, "cheeseburger"), ["CH IY Z B ER G ER"]);
        assert_eq!(said(&lexicon, "zorblatt"), ["Z AO R B L AE T"]);
        assert_eq!(said(&lexicon, "coke"), ["K OW K"]);
        assert_eq!(said(&lexicon, "shake"), ["SH EY K"]);
        assert!(said(&lexicon, "'").is_empty());
        assert!(lexicon.is_listed("box") && !lexicon.is_listed("boxes"));
    }

    /// The real dictionary against our spelling rules: within 0.20 a phone for 70 of 100 words.
    #[test]
    fn spelling_comes_near_the_dictionary() {
        let lexicon = Lexicon::read(Path::new(CMUDICT)).unwrap();
        let (mut near, mut all) = (0_u32, 0_u32);
        for at in lexicon.lines.iter().step_by(7) {
            let word = word_at(&lexicon.text, *at);
            let listed = lexicon.listed(word);
            let spelt = letters::sounds(word);
            if !word.bytes().all(|b| b.is_ascii_lowercase()) || listed.is_empty() {
                continue;
            }
            all += 1;
            let is_near =
                listed.iter().any(|said| distance(said, &spelt) <= 20 * u32::try_from(said.len()).unwrap());
            near += u32::from(is_near);
        }
        assert!(all > 10_000, "{all} words");
        assert!(near * 100 >= all * 70, "{near} of {all}");
    }
}
