//! What kiosk and fleet tell each other besides events: how the kiosk is, how it should be, what to do.

mod job;
mod quota;
mod status;
mod twin;

pub use job::{Job, JobKind, JobProgress, JobState, OpenOrClose};
pub use quota::{Allowance, Beyond, QUOTA_GOODS_MAX, Quota, Reserve};
pub use status::{Selling, Status};
pub use twin::{Desired, DesiredTwin, DocumentRef, Documents, Reported, ReportedTwin, TWIN_BYTES_MAX};
