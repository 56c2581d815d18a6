//! The fleet's side: takes every kiosk's events exactly once, knows how each kiosk is and should be, and
//! hands out identities.
//!
//! ```text
//! kiosks ══ MQTT 5 broker ══ $share/<secret> ══► ingest ──► one transaction ──► PostgreSQL
//!    ▲                                              │ after the commit: acknowledgement, then the MQTT ack
//!    └──────────────────────────────────────────────┘
//! ```
//! `http` is the API for people, programs and kiosks: registry, enrolment, views, stock, twins, jobs and
//! catalogs; what goes down to kiosks is written in tables and sent by `jobs`. Replicas tell each other news
//! through `hub`.
//!
//! [`embedded`] supervises a private Mosquitto and PostgreSQL in one folder and then runs what
//! `fleetd serve` runs on a broker and a database that are there already: the same engines both ways.

mod access;
mod audit;
mod clock;
mod counters;
pub mod ctl;
pub mod database;
pub mod embedded;
mod enrolment;
mod filter;
mod http;
mod hub;
pub mod ingest;
pub mod init;
mod jobs;
pub mod link;
mod misses;
mod people;
pub mod pki;
pub mod quota;
mod registry;
pub mod rollout;
pub mod serve;
pub mod settings;
mod updates;
