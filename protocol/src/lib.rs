//! Versioned formats, stored and on the wire: what leaves this process and must still be readable in ten
//! years, by another version or another program. The types of `domain` are not serialisable; every format
//! here has types of its own, with a conversion both ways.

pub mod catalog;
pub mod event;
pub mod fleet;
pub mod rollout;
pub mod schema;
pub mod sync;
pub mod text;
pub mod topic;
pub mod update;
