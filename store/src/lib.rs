//! The kiosk's memory: one SQLite file that holds every fact, the catalogs, and how far the fleet has taken
//! the facts over.
//!
//! * The event log is append only and chained by hash; it is also the outbox. There is no other queue.
//! * One core step is one transaction, durable (`synchronous=FULL`) when [`Store::append`] returns.
//! * What the fleet has acknowledged is one cursor, never a column of the events.
//! * A failed write or fsync is final: the store refuses everything from then on, and the process must exit.
//! * One process at a time: the file beside the database is locked.

mod catalogs;
mod error;
mod identity;
mod jobs;
mod log;
mod migrations;
mod outbox;
mod projections;
mod schema;
mod twin;
mod updates;

pub use catalogs::{ActiveCatalog, CatalogDocument, sha256};
pub use error::StoreError;
pub use identity::Connection;
pub use jobs::{JobRow, Recorded};
pub use log::{Appended, Damage, StoredEvent};
pub use outbox::{Acknowledged, Outbox, Pending, Unsynced};
pub use projections::{OrderFilter, OrderRow};
pub use schema::{Clocks, Options, Store};
pub use twin::TwinRow;
pub use updates::UpdateRow;
