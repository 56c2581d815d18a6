//! How to run the real programs together: [`Rig`] starts the emulated devices and an ordinary `kioskd` and
//! talks to them as people and tools do, [`Fleet`] a fleet beside it. Used by the integration tests, the demo and the benches.

pub mod bench;
pub mod chaos;
pub mod customer;
pub mod dice;
pub(crate) mod engines;
pub mod fleet;
pub mod guest;
pub mod hearing;
mod makers;
pub mod mirror;
pub mod process;
pub mod rig;
pub mod rollout;
pub mod script;
pub mod updates;

pub use customer::Customer;
pub use fleet::Fleet;
pub use hearing::Hearing;
pub use mirror::MirrorClient;
pub use rig::{Rig, RigOptions};
