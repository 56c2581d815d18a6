//! Ordering by voice, without a network.
//!
//! A recogniser turns sound into words as well as it can. The *phonetic menu matcher* turns these words into
//! sounds and finds what of the current menu and screen they come nearest to: it repairs what the recogniser
//! misheard ("too lot is a tea"), leaves what was no order, and says how sure it is of each part. Nothing is
//! ordered by it: an [`OrderFrame`] is shown as a draft, asked about, or left.
//!
//! [`Menu`] reads the names out of a catalog, [`Matcher::compile`] makes the net, [`Matcher::hear`] reads an
//! utterance. The same tree is printed as the grammar of the recogniser.

mod align;
mod decide;
pub mod endpoint;
mod english;
mod frame;
mod grammar;
mod letters;
mod lexicon;
pub mod listen;
mod matcher;
mod menu;
mod net;
mod phone;
mod phrase;
mod print;
mod read;
mod sound;
pub mod tell;
mod text;
pub mod wyoming;

pub use align::HEARD_PHONES_MAX;
pub use decide::{Evidence, Thresholds};
pub use frame::{
    ACTS_MAX, Act, Ask, CANDIDATES_MAX, CommandKind, Decision, Line, Op, OpKind, OrderFrame,
    PIECES_BY_VOICE_MAX, Part, PartKind, QTY_BY_VOICE_MAX, QuestionKind, Reason, Target,
};
pub use grammar::Screen;
pub use lexicon::{CMUDICT, Lexicon, LexiconError};
pub use matcher::Matcher;
pub use menu::{ITEMS_MAX, Menu, MenuItem, MenuOption, MenuTooLarge, Sayings};
pub use net::{NET_STATES_MAX, NetTooLarge};
pub use phone::{Cost, GARBAGE, Phone, distance, phones};
pub use sound::{RATE, Sound, SoundError};
pub use text::{TEXT_BYTES_MAX, Transcript, words};
