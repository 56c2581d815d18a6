//! The engines as they are: openssl, Mosquitto and PostgreSQL of the distribution.
//! Needs the packages `bsdutils curl mosquitto mosquitto-clients openssl postgresql prometheus python3-paho-mqtt swupdate`;
//! run by root or by any user. `./dev test` sets KIOSKD_S3_PYTHON.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

#[path = "engines/api.rs"]
mod api;
#[path = "engines/broker.rs"]
mod broker;
#[path = "engines/bucket.rs"]
mod bucket;
#[path = "engines/claims.rs"]
mod claims;
#[path = "engines/ctl.rs"]
mod ctl;
#[path = "engines/embedded.rs"]
mod embedded;
#[path = "engines/hawkbit.rs"]
mod hawkbit;
#[path = "engines/ingest.rs"]
mod ingest;
#[path = "engines/once.rs"]
mod once;
#[path = "engines/outside.rs"]
mod outside;
#[path = "engines/people.rs"]
mod people;
#[path = "engines/pki.rs"]
mod pki;
#[path = "engines/quota.rs"]
mod quota;
#[path = "engines/quota_random.rs"]
mod quota_random;
#[path = "engines/rollouts.rs"]
mod rollouts;
#[path = "engines/serve.rs"]
mod serve;
#[path = "engines/statuses.rs"]
mod statuses;
#[path = "engines/support.rs"]
mod support;
#[path = "engines/tenants.rs"]
mod tenants;
#[path = "engines/updates.rs"]
mod updates;
