//! `kioskctl factory-reset`: the kiosk as it left the works. What was sold is at the fleet, or it stays.

use domain::kiosk::UpdateGate;
use serde_json::json;
use store::Outbox as _;

use super::{Said, on_core};
use crate::admin::AdminContext;

pub(super) async fn factory(context: &AdminContext, user: &str, losing_unsent: bool) -> Said {
    on_core(context, move |core| {
        let unsent = core.store().unsynced().map_err(|error| core.failure(error).to_string())?.events;
        if unsent > 0 && !losing_unsent {
            return Err(format!(
                "{unsent} events are only here and not at the fleet; what was sold is among them and would be lost. \
                 Connect the kiosk and wait, or add --losing-unsent"
            ));
        }
        match core.kiosk().update_gate(0) {
            UpdateGate::Open => Ok(serde_json::Value::Null),
            UpdateGate::Closed(obstacles) => {
                let why: Vec<_> = obstacles.iter().map(super::obstacle).collect();
                Err(format!("not now: {}", why.join(", ")))
            }
        }
    })
    .await?;
    tracing::warn!(user, "factory reset");
    context.machine.factory_reset().map_err(|error| format!("{error:#}"))?;
    Ok(json!({"done": "the kiosk restarts as it left the works"}))
}
