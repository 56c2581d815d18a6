//! The fleet's side: takes every kiosk's events exactly once, knows how each kiosk is and should be, and
//! hands out identities.
//!
//! ```text
//! kiosks ══ MQTT 5 broker ══ $share/ingest ══► ingest ──► one transaction ──► PostgreSQL
//!    ▲                                            │ after the commit: acknowledgement, then the MQTT ack
//!    └────────────────────────────────────────────┘
//! ```
//! [`embedded`] supervises a private Mosquitto and PostgreSQL in one folder and then runs what
//! `fleetd serve` runs on a broker and a database that are there already: the same engines both ways.

pub mod database;
pub mod embedded;
pub mod ingest;
pub mod link;
pub mod pki;
pub mod serve;
pub mod settings;
