//! The sounds of English as the pronouncing dictionary writes them, and what mistaking one for another costs.
//!
//! Costs are hundredths of "a whole phone wrong". They are integers, so the same words give the same answer on
//! every processor. The table is the project's own, by voicing, manner and place of articulation.

use std::sync::LazyLock;

/// One of 39 ARPAbet phones without stress.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Phone(u8);

/// Hundredths of a whole phone.
pub type Cost = u16;

/// Cost of a heard phone that belongs to nothing.
pub const GARBAGE: Cost = 45;

const COUNT: usize = 39;

const NAMES: [&str; COUNT] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW", "P", "B", "T",
    "D", "K", "G", "CH", "JH", "F", "V", "TH", "DH", "S", "Z", "SH", "ZH", "HH", "M", "N", "NG", "L", "R",
    "W", "Y",
];

const VOWELS: u8 = 15;

const FRONT: &str = "IY IH EH AE EY AY";
const VOICING: &str = "P-B T-D K-G CH-JH F-V TH-DH S-Z SH-ZH";
const NEAR: &str = "T-CH D-JH CH-SH JH-ZH S-SH Z-ZH S-TH Z-DH F-TH V-DH D-DH T-TH M-N N-NG B-M D-N G-NG B-V V-W \
    L-R L-W R-W";
const NEAR_VOWELS: &str = "IH-IY IH-EH EH-AE EH-EY EY-IH EY-IY AA-AO AA-AH AO-AH AO-OW OW-UH OW-UW UH-UW UH-AH \
    UH-ER AH-IH AH-EH AH-AE AH-ER AH-OW AY-AA AW-AA OY-AO";
const GLIDES: &str = "IY-Y IH-Y UW-W UH-W OW-W ER-R OW-L AO-L UH-L";
const MANNERS: [&str; 5] = ["P B T D K G", "CH JH", "F V TH DH S Z SH ZH HH", "M N NG", "L R W Y"];
const PLACES: [&str; 5] = ["P B F V M W", "TH DH T D S Z N L R", "CH JH SH ZH Y", "K G NG", "HH"];

struct Table {
    replaced: [[Cost; COUNT]; COUNT],
    gap: [Cost; COUNT],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { replaced: [[0; COUNT]; COUNT], gap: [0; COUNT] };
    for a in Phone::all() {
        table.gap[a.index()] = a.gap_by_rule();
        for b in Phone::all() {
            table.replaced[a.index()][b.index()] = a.replaced_by_rule(b);
        }
    }
    table
});

impl Phone {
    /// How many there are.
    pub const COUNT: usize = COUNT;

    /// The phone of an ARPAbet name; a digit of stress after it is left out.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let at = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// Its ARPAbet name.
    pub fn name(self) -> &'static str {
        NAMES[self.index()]
    }

    /// Every phone.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..39).map(Self)
    }

    /// Its place in tables of [`Self::COUNT`] entries.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Whether it is a vowel.
    pub fn is_vowel(self) -> bool {
        self.0 < VOWELS
    }

    /// Cost of hearing `heard` where this one belongs.
    pub fn replaced(self, heard: Self) -> Cost {
        TABLE.replaced[self.index()][heard.index()]
    }

    /// Cost of hearing this one too much or too little.
    pub fn gap(self) -> Cost {
        TABLE.gap[self.index()]
    }

    /// The costs of hearing `heard` in place of each phone.
    pub(crate) fn replacing(heard: Self) -> &'static [Cost; COUNT] {
        &TABLE.replaced[heard.index()]
    }

    fn gap_by_rule(self) -> Cost {
        match self.name() {
            "HH" | "AH" | "IH" => 40,
            "T" | "D" | "R" | "L" => 50,
            _ if self.is_vowel() => 80,
            _ => 70,
        }
    }

    fn replaced_by_rule(self, other: Self) -> Cost {
        let (a, b) = (self.name(), other.name());
        let both_in = |classes: &[&str]| classes.iter().any(|class| has(class, a) && has(class, b));
        if a == b {
            return 0;
        }
        match (self.is_vowel(), other.is_vowel()) {
            (true, true) if paired(NEAR_VOWELS, a, b) => 25,
            (true, true) if has(FRONT, a) == has(FRONT, b) => 50,
            (true, true) => 70,
            (false, false) if paired(VOICING, a, b) => 25,
            (false, false) if paired(NEAR, a, b) => 40,
            (false, false) if both_in(&MANNERS) => 50,
            (false, false) if both_in(&PLACES) => 70,
            (false, false) if (a == "HH" && has(MANNERS[0], b)) || (b == "HH" && has(MANNERS[0], a)) => 60,
            (false, false) => 100,
            _ if paired(GLIDES, a, b) => 40,
            _ => 120,
        }
    }
}

fn has(class: &str, name: &str) -> bool {
    class.split(' ').any(|member| member == name)
}

fn paired(pairs: &str, a: &str, b: &str) -> bool {
    pairs
        .split_whitespace()
        .filter_map(|pair| pair.split_once('-'))
        .any(|(x, y)| (x == a && y == b) || (x == b && y == a))
}

/// Phones written with spaces between, `L AA T EY`; `None` when one is unknown.
pub fn phones(text: &str) -> Option<Vec<Phone>> {
    text.split_whitespace().map(Phone::named).collect()
}

/// The least cost of turning one pronunciation into another.
pub fn distance(said: &[Phone], heard: &[Phone]) -> u32 {
    let mut row: Vec<u32> = Vec::with_capacity(said.len() + 1);
    row.push(0);
    for phone in said {
        row.push(row.last().copied().unwrap_or(0) + u32::from(phone.gap()));
    }
    for h in heard {
        let mut diagonal = row[0];
        row[0] += u32::from(h.gap());
        for (at, s) in said.iter().enumerate() {
            let replaced = diagonal + u32::from(s.replaced(*h));
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + u32::from(h.gap())).min(row[at] + u32::from(s.gap()));
        }
    }
    row[said.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_symmetric_and_zero_only_for_the_same_phone() {
        for a in Phone::all() {
            for b in Phone::all() {
                assert_eq!(a.replaced(b), b.replaced(a));
                assert_eq!(a.replaced(b) == 0, a == b);
            }
            assert!((40..=80).contains(&a.gap()));
        }
    }

    #[test]
    fn names_are_read_with_and_without_stress() {
        assert_eq!(Phone::named("ER0"), Phone::named("ER"));
        assert_eq!(phones("L AA T EY").unwrap().len(), 4);
        assert_eq!(phones("L QQ"), None);
    }

    /// Menu word, heard word, cost: computed by hand from the rules.
    #[test]
    fn typical_slips_cost_what_the_rules_say() {
        for (said, heard, cost) in [
            ("T UW L AA T EY Z AH T IY", "T UW L AA T IH Z AH T IY", 25),
            ("N OW AH N Y AH N Z", "N OW N AH N Y AH N Z", 70),
            ("S P R AY T", "S P AY T", 50),
            ("F IH F T IY N", "F IH F T IY", 70),
            ("M EY OW", "M EY L", 40),
            ("K OW K", "K OW T", 50),
            ("K OW K", "K EY K", 70),
            ("P EY", "HH EY", 60),
            ("W AO T ER", "W EH DH ER", 140),
            ("V EH JH IY B ER G ER", "M AE JH IH K M ER D ER", 280),
        ] {
            assert_eq!(distance(&phones(said).unwrap(), &phones(heard).unwrap()), cost, "{said} / {heard}");
        }
    }
}
