//! What of the screen is plugged in: displays and touch panels come and go while the pages live on.

/// A part of the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plugged {
    /// Whether it can be used.
    pub is_there: bool,
    /// Which one it is, or why there is none: for a person.
    pub what: String,
}

impl Plugged {
    pub(super) fn there(what: impl Into<String>) -> Self {
        Self { is_there: true, what: what.into() }
    }

    pub(super) fn absent(why: impl Into<String>) -> Self {
        Self { is_there: false, what: why.into() }
    }
}

/// The parts of a screen; `None`: it has none of its own, as when it is only mirrored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluggedParts {
    /// The display.
    pub display: Option<Plugged>,
    /// Its touch panels, together.
    pub touch: Option<Plugged>,
}
