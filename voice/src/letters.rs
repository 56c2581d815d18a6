//! How an English word that no dictionary has is probably said: context rules, first that fits.
//!
//! A recogniser invents words, and the alignment forgives a wrong vowel; this only has to come near. A rule is
//! `left[letters]right SOUNDS`. In a context `_` is the edge of the word, `C` a consonant letter, `V` a vowel
//! letter, `F` one of `e i y`, and a small letter itself.

use std::sync::LazyLock;

use crate::phone::{Phone, phones};

/// Longest word that is spelt out, in letters.
const LETTERS_MAX: usize = 40;

/// Grouped by the first letter, in the order in which they are tried.
const RULES: &str = "
_[a]_ AH; _[are]_ AA R; [augh]t AO; [aigh] EY; [air] EH R; [ai] EY; [ay] EY; [aw] AO; [au] AO; [a]lk AO; [al]k AO;
_[al]C AO L; C[all]_ AO L; [ar]r AE; w[ar] AO R; [are]_ EH R; [ar]V EH R; [ar]_ ER; [ar] AA R; w[a]C AA; [ange]_ EY N JH; [aste]_ EY S T;
[age]_ IH JH; [ate]_ EY T; [able]_ AH B AH L; [a]CF EY; [a]Ce_ EY; [a]CC AE; [a]_ AH; C[a]CV EY; [ah] AA; [ae] IY; [aa] AA; [al]_ AH L; [an]_ AH N; [a] AE;
[bb] B; m[b]_ ; [b] B;
[cch] K; [ch]r K; [ch]l K; s[ch] K; [ch] CH; [ck] K; [cc]F K S; [cc] K; [cia] SH AH; [cious] SH AH S; s[c]F ; [c]F S; [c] K;
[dd] D; [dge] JH; [dg]F JH; [ed]_ D; [du]V JH UW; [d] D;
[eigh] EY; [ear]C ER; [ear] IH R; [eau] OW; [ea]d EH; [ea]th EH; [ea] IY; [eer] IH R; [ee] IY; [ei] IY; [ew] UW; [ere]_ IH R; [err] EH R; [er]V EH R; [er] ER; [eu] UW; [ey]_ IY; [eye] AY;
sh[e]_ IY; _C[e]_ IY; ch[es]_ AH Z; sh[es]_ AH Z; s[es]_ AH Z; x[es]_ AH Z; z[es]_ AH Z; c[es]_ AH Z; g[es]_ AH Z; t[ed]_ AH D; d[ed]_ AH D; [ed]_ D; C[es]_ Z; [e]_ ; C[el]_ AH L; [en]_ AH N; [ess]_ AH S; [ent]_ AH N T; [et]_ AH T; [ette]_ EH T; e[e] ; [e]Ce_ IY; [e] EH;
[ff] F; [f] F;
[gg] G; [gue]_ G; [gh]t ; V[gh]_ F; [gh] G; _[gn] N; [gn]_ N; n[g]_ ; [ge]_ JH; [g]F JH; [gu]F G; [g] G;
_[hour] AW ER; V[h]C ; V[h]_ ; [h] HH;
[igh] AY; [ign]_ AY N; [ind]_ AY N D; [ild]_ AY L D; [ier]_ IY ER; [ies]_ IY Z; [ied]_ AY D; [ie]_ IY; [ie] IY; [ious] IY AH S; [ion] AH N; [ique]_ IY K; [ine]_ AY N; [ir]V AY R; [ir] ER; [ing]_ IH NG; _[i]_ AY; _C[i]V AY AH; [ia] IY AH; [io] IY OW; [i]Ce_ AY; [i]_ IY; [i] IH;
[j] JH;
_[kn] N; [kk] K; [k] K;
[lle]_ L; C[le]_ AH L; C[les]_ AH L Z; [ll] L; [l] L;
[mm] M; _[mc] M AH K; [m] M;
[nn] N; [ng]_ NG; [ng]l NG G; [nk] NG K; [nc]_ NG K; [nx] NG K S; [n] N;
[ough]t AO; [ough] OW; [our]_ AO R; [ous]_ AH S; [ould] UH D; [oung] AH NG; [ou] AW; [ow]_ OW; [ow] AW; [oar] AO R; [oa] OW; [oor] AO R; [ook] UH K; [oo] UW; [oi] OY; [oy] OY; [oe]_ OW; [ore]_ AO R; w[or] ER; [or]_ ER; [or] AO R; [ol]d OW L; [ol]l OW L; [ost]_ OW S T; [on]_ AH N; [om]e AH M; [o]ther AH; [o]ve_ AH; [o]Ce_ OW; [o]_ OW; [os]_ OW Z; C[o]CF OW; _C[o]CV OW; [o] AA;
[ph] F; [pp] P; _[ps] S; _[pn] N; [p] P;
[que]_ K; [qu] K W; [q] K;
_[rh] R; [rr] R; [r] R;
[sch] SH; [sh] SH; [ssion] SH AH N; V[sion] ZH AH N; [sion] SH AH N; [ssure] SH ER; V[sure] ZH ER; [ss] S; V[s]V Z; V[se]_ Z; [se]_ S; V[s]m Z; b[s]_ Z; d[s]_ Z; g[s]_ Z; l[s]_ Z; m[s]_ Z; n[s]_ Z; r[s]_ Z; v[s]_ Z; e[s]_ Z; [s] S;
[tion] SH AH N; [tious] SH AH S; [tial] SH AH L; [tch] CH; [tth] TH; _[the] DH; [ther] DH ER; [th] TH; [tte]_ T; [tt] T; [ture]_ CH ER; [tu]V CH UW; [t] T;
g[u]V ; [ui]C UW; [ur]V Y UH R; [ure]_ Y ER; [ur] ER; [uy] AY; _[un] AH N; [ue]_ UW; [u]Ce_ UW; [u]CF UW; [u]CC AH; C[u]_ UW; _C[u]CV UW; [us]_ AH S; [um]_ AH M; [u] AH;
[v] V;
_[wr] R; [wh]o HH; [wh] W; V[w]C ; V[w]_ ; [w] W;
_[x] Z; [x] K S;
_[y] Y; C[y]_ IY; C[y]C IH; [y]Ce_ AY; [y] IY;
[zz] Z; [z] Z";

struct Rule {
    left: Vec<char>,
    letters: Vec<char>,
    right: Vec<char>,
    sounds: Vec<Phone>,
}

static PARSED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    RULES.split(';').map(|rule| parse(rule.trim()).expect("the rules of this file can be read")).collect()
});

fn parse(rule: &str) -> Option<Rule> {
    let (left, rest) = rule.split_once('[')?;
    let (letters, rest) = rest.split_once(']')?;
    let (right, sounds) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(Rule {
        left: left.chars().collect(),
        letters: letters.chars().collect(),
        right: right.chars().collect(),
        sounds: phones(sounds)?,
    })
}

/// The probable sounds of a word in small letters. Letters that English does not have count as their nearest
/// one (`é` as `e`); anything else is silent.
pub(crate) fn sounds(word: &str) -> Vec<Phone> {
    let letters: Vec<char> = word.chars().flat_map(plain).take(LETTERS_MAX).collect();
    let mut out: Vec<Phone> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        match PARSED.iter().find(|rule| rule.fits(&letters, at)) {
            Some(rule) => {
                out.extend(&rule.sounds);
                at += rule.letters.len();
            }
            None => at += 1,
        }
    }
    out.dedup();
    out
}

/// A letter without what is written over or under it.
fn plain(c: char) -> Option<char> {
    use unicode_normalization::UnicodeNormalization as _;
    match c {
        'ß' => Some('s'),
        'æ' => Some('a'),
        'ø' | 'œ' => Some('o'),
        _ => std::iter::once(c).nfd().next().filter(char::is_ascii_lowercase),
    }
}

impl Rule {
    fn fits(&self, word: &[char], at: usize) -> bool {
        let end = at + self.letters.len();
        word.get(at..end).is_some_and(|letters| letters == self.letters)
            && self
                .left
                .iter()
                .rev()
                .enumerate()
                .all(|(back, class)| is_in(*class, at.checked_sub(back + 1).and_then(|at| word.get(at))))
            && self.right.iter().enumerate().all(|(ahead, class)| is_in(*class, word.get(end + ahead)))
    }
}

fn is_in(class: char, letter: Option<&char>) -> bool {
    const VOWELS: &str = "aeiouy";
    match (class, letter) {
        ('_', letter) => letter.is_none(),
        (_, None) => false,
        ('C', Some(letter)) => !VOWELS.contains(*letter),
        ('V', Some(letter)) => VOWELS.contains(*letter),
        ('F', Some(letter)) => "eiy".contains(*letter),
        (class, Some(letter)) => class == *letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_and_foreign_words_get_sounds() {
        let said = |word| sounds(word).iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
        assert_eq!(said("shake"), "SH EY K");
        assert_eq!(said("zorblatt"), "Z AO R B L AE T");
        assert_eq!(said("café"), "K EY F");
        assert_eq!(said("日本"), "");
    }
}
