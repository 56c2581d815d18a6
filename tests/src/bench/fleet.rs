//! The fleet's backend under a crowd of simulated kiosks: how fast it takes events in, beside the same rows
//! written straight into the same database, and what a large fleet costs while nothing special happens.

mod crowd;
mod ingest;
mod peers;
mod stage;
mod uplink;

pub(super) use crowd::measure as measure_crowd;
pub(super) use ingest::measure as measure_ingest;

/// Our own name among the subjects of these areas.
const FLEETD: &str = super::report::OURS_IN_FLEET;
