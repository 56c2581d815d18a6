//! UUIDv7s for the core.

use domain::ids::{IdSource, Uuid};

/// Makes UUIDv7s from the wall clock and the system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidSource;

impl IdSource for UuidSource {
    fn next_id(&mut self) -> Uuid {
        Uuid(uuid::Uuid::now_v7().into_bytes())
    }
}

/// One, for what is not the core's.
pub fn new_id() -> Uuid {
    UuidSource.next_id()
}
