//! What the daemon answers to its tools.

mod check;
mod day;
mod orders;
mod reset;
mod status;
mod words;

pub(crate) use status::obstacle;

use std::sync::Arc;

use domain::ids::{ItemId, PaymentId, ReceiptId, TaskId, Uuid};
use domain::input::{Action, Command, Origin};
use domain::kiosk::Refusal;
use domain::payment::StaffVerdict;
use serde_json::{Value, json};
use store::OrderFilter;
use tokio::sync::oneshot;
use ui::backend::mirror::Mirror;

use super::AdminContext;
use super::wire::{Answer, Request, Verdict};
use crate::catalog;
use crate::core::{Asked, Core};
use crate::updates::{UpdatesHandle, Wanted};

/// Most orders in one answer.
const ORDERS_MAX: u32 = 1000;

/// What goes wrong is said in words for a person.
type Said = Result<Value, String>;

/// Answers a request of `user`.
pub(super) async fn answer(request: Request, user: &str, context: &AdminContext) -> Answer {
    let said = match request {
        Request::Devices => Ok(devices(context)),
        Request::Mirror => mirror(context),
        Request::Enroll { code } => enroll(context, code).await,
        Request::Updates => updates(context).map(UpdatesHandle::status),
        Request::UpdatesInstall { path, release } => {
            tell_updates(context, Wanted::Install { path, release }).await
        }
        Request::UpdatesHalt => tell_updates(context, Wanted::Hold { by: user.into() }).await,
        Request::UpdatesResume => tell_updates(context, Wanted::GoOn).await,
        Request::FactoryReset { losing_unsent } => reset::factory(context, user, losing_unsent).await,
        Request::Dump => Ok(json!({"text": context.recorder.text()})),
        Request::CatalogImport { document } => import(context, user, document).await,
        Request::Status => status::status(context).await,
        Request::Orders { limit } => on_core(context, move |core| orders(core, limit)).await,
        Request::Order { order } => on_core(context, move |core| orders::show(core, &order)).await,
        Request::Receipt { order } => on_core(context, move |core| orders::receipt(core, &order)).await,
        Request::CatalogShow => on_core(context, show_catalog).await,
        Request::Check => check::check(context).await,
        Request::Resolve { payment, verdict } => resolve(context, user, &payment, verdict).await,
        Request::PaidAtCounter { order } => {
            on_order(context, user, order, |record| Ok(Action::PaidAtCounter { order: record.order.id }))
                .await
        }
        Request::Reverse { order } => {
            on_order(context, user, order, |record| {
                let payment = record.paying().ok_or("nothing was paid for this order")?;
                Ok(Action::ReversePayment { payment: payment.payment.id })
            })
            .await
        }
        Request::Reprint { order } => {
            on_order(context, user, order, |record| {
                let receipt: ReceiptId = record.receipts.last().ok_or("this order has no receipt")?.id;
                Ok(Action::Reprint { receipt })
            })
            .await
        }
        Request::CancelOrder { order } => {
            on_order(context, user, order, |record| Ok(Action::CancelOrder { order: record.order.id })).await
        }
        Request::TaskDone { task } => match parse_uuid(&task) {
            Some(id) => {
                let missing = format!("there is no open task {task}; kioskctl status shows them");
                command(context, user, Action::FinishTask { task: TaskId(id) }, Some(missing)).await
            }
            None => Err(format!("{task:?} is not a task's id; kioskctl status shows them")),
        },
        Request::EndOfDay => day::close(context, user).await,
        Request::DayEnd { after } => day::ended(context, after).await,
        Request::OpenDrawer { reason } => {
            command(context, user, Action::OpenDrawer { reason: reason.into() }, None).await
        }
        Request::Close => command(context, user, Action::Close, None).await,
        Request::Open => command(context, user, Action::Open, None).await,
        Request::SoldOut { item, sold_out } => {
            let action = Action::SetSoldOut { item: ItemId::new(&item), sold_out, until: None };
            let missing =
                format!("the active catalog has no item {item:?}; kioskctl catalog show has their ids");
            command(context, user, action, Some(missing)).await
        }
    };
    said.map_or_else(Answer::error, Answer::ok)
}

fn updates(context: &AdminContext) -> Result<&UpdatesHandle, String> {
    context.updates.as_ref().ok_or_else(|| "updates are not set; write an [update] section".into())
}

async fn tell_updates(context: &AdminContext, wanted: Wanted) -> Said {
    Ok(json!({"done": updates(context)?.tell(wanted).await?}))
}

/// Runs on the core's thread and brings the answer back.
async fn on_core(context: &AdminContext, question: impl FnOnce(&mut Core) -> Said + Send + 'static) -> Said {
    ask_core(context, |asked| match asked {
        Asked::Working(core) => question(core),
        Asked::Failed(failure) => Err(failure.to_string()),
    })
    .await
}

/// As [`on_core`], and has an answer for a core whose store failed as well.
async fn ask_core(context: &AdminContext, question: impl FnOnce(Asked<'_>) -> Said + Send + 'static) -> Said {
    let (sender, receiver) = oneshot::channel();
    context
        .core
        .ask(move |asked| {
            // Whoever asked may have gone.
            drop(sender.send(question(asked)));
        })
        .map_err(|error| error.to_string())?;
    receiver.await.map_err(|_| "the core ended".to_owned())?
}

/// A command; `missing` says in words what is not there if the kiosk does not find what the command is about.
async fn command(context: &AdminContext, user: &str, action: Action, missing: Option<String>) -> Said {
    let origin = Origin::Local(user.into());
    on_core(context, move |core| match (core.command(Command { origin, action }), missing) {
        (Ok(Err(Refusal::NotFound)), Some(missing)) => Err(missing),
        (result, _) => done(core, result),
    })
    .await
}

/// A command about an order, made from its record.
async fn on_order(
    context: &AdminContext,
    user: &str,
    order: String,
    action: impl FnOnce(&domain::kiosk::ledger::OrderRecord) -> Result<Action, &'static str> + Send + 'static,
) -> Said {
    let origin = Origin::Local(user.into());
    on_core(context, move |core| {
        let record = orders::find(core, &order)?;
        let (action, state) = (action(record)?, orders::state_with_payment(record));
        match core.command(Command { origin, action }) {
            Ok(Err(Refusal::NotNow)) => Err(format!("not possible now: the order is {state}")),
            result => done(core, result),
        }
    })
    .await
}

fn done(core: &Core, result: Result<Result<(), Refusal>, store::StoreError>) -> Said {
    followed(core, result).map(|()| json!({"done": "done"}))
}

/// What came of a command, or why nothing did.
fn followed<T>(core: &Core, result: Result<Result<T, Refusal>, store::StoreError>) -> Result<T, String> {
    let obeyed = result.map_err(|error| core.failure(error).to_string())?;
    obeyed.map_err(|refusal| refused(&refusal))
}

/// Why the kiosk does not do it, in words.
pub(crate) fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotNow => "not possible in this state".into(),
        Refusal::NotFound => "there is no such thing".into(),
        Refusal::NotAllowed => "the shop's settings do not allow it".into(),
        Refusal::TerminalBusy => "the payment terminal is busy, or what it did last is not known".into(),
        Refusal::NotReversible => {
            "the terminal told no receipt number, so it cannot give this money back; do it at the terminal itself, \
             then: kioskctl resolve PAYMENT given-back"
                .into()
        }
        Refusal::DayClosed => "the terminal has closed its day since and no longer knows this payment; \
                               give the money back at the terminal itself, as a refund, then: \
                               kioskctl resolve PAYMENT given-back"
            .into(),
        Refusal::OlderCatalog { active } => {
            format!("revision {active} is active; a catalog needs a higher revision to replace it")
        }
        Refusal::SameRevision { active } => format!(
            "revision {active} is active already, with other content than this revision {active}; \
             raise rev to {} or more to replace it",
            active.saturating_add(1)
        ),
        Refusal::NotInTheTables(event) => format!("a mistake in the daemon: {event:?} is not allowed here"),
    }
}

async fn enroll(context: &AdminContext, code: String) -> Said {
    let uplink = context.uplink.as_ref().ok_or(
        "no fleet is set; write [uplink] with fleet = \"https://...\" and ca = \"...\" into the settings",
    )?;
    let identity = uplink.enrol(code).await?;
    Ok(json!({
        "done": format!("enrolled as {}", identity.kiosk), "kiosk": identity.kiosk.as_str(),
        "broker": identity.broker, "tenant": identity.tenant, "site": identity.site,
    }))
}

/// Everything that helps whoever looks at this kiosk from afar. What cannot be found out says why.
pub(crate) async fn diagnostics(context: &AdminContext) -> Value {
    let or_why = |said: Said| said.unwrap_or_else(|why| json!({ "error": why }));
    json!({
        "status": or_why(status::status(context).await),
        "checks": or_why(check::check(context).await),
        "devices": devices(context),
        "inputs": context.recorder.text(),
    })
}

fn devices(context: &AdminContext) -> Value {
    let devices = context.board.devices().into_iter().map(|(name, status)| {
        let counters = status.counters;
        let value = json!({
            "state": state_words(&status.state),
            "usable": status.state.is_usable(),
            "detail": status.detail,
            "last_error": status.last_error,
            "since_ms": status.since_ms,
            "identity": {
                "maker": status.identity.maker, "model": status.identity.model,
                "firmware": status.identity.firmware, "serial": status.identity.serial,
            },
            "counters": {
                "opened": counters.opened, "jobs": counters.jobs, "ok": counters.ok,
                "failed": counters.failed, "unknown": counters.unknown, "reconnects": counters.reconnects,
                "bytes_in": counters.bytes_in, "bytes_out": counters.bytes_out,
                "garbage_bytes": counters.garbage_bytes,
            },
        });
        (name.to_owned(), value)
    });
    Value::Object(devices.collect())
}

fn state_words(state: &hal::status::DeviceState) -> String {
    match state {
        hal::status::DeviceState::Absent => "absent".into(),
        hal::status::DeviceState::Connecting => "connecting".into(),
        hal::status::DeviceState::Ready => "ready".into(),
        hal::status::DeviceState::Degraded(why) => format!("degraded ({why})"),
        hal::status::DeviceState::Faulted(why) => format!("faulted ({why})"),
        hal::status::DeviceState::Disabled => "disabled".into(),
    }
}

fn mirror(context: &AdminContext) -> Said {
    let door = context.mirror.as_ref().ok_or("the mirror is off; set screen.mirror = \"127.0.0.1:0\"")?;
    Ok(json!({"url": Mirror::url(door.address, &door.mirror.invite())}))
}

fn orders(core: &mut Core, limit: u32) -> Said {
    let filter = OrderFilter { limit: limit.min(ORDERS_MAX) };
    let rows = core.store().orders(filter).map_err(|error| core.failure(error).to_string())?;
    Ok(rows.iter().map(|row| orders::row(row, core.clock())).collect())
}

fn show_catalog(core: &mut Core) -> Said {
    let active = core.store().active_catalog().map_err(|error| core.failure(error).to_string())?;
    let active = active.ok_or("there is no catalog yet; use kioskctl catalog import")?;
    let text = String::from_utf8(active.document.bytes).map_err(|e| e.to_string())?;
    Ok(json!({"rev": active.document.rev, "text": text}))
}

async fn import(context: &AdminContext, user: &str, document: String) -> Said {
    let checked = tokio::task::spawn_blocking(move || catalog::check_json(&document, "catalog"))
        .await
        .map_err(|e| e.to_string())?;
    let (catalog, document) = checked.map_err(|errors| errors.to_string())?;
    let origin = Origin::Local(user.into());
    on_core(context, move |core| {
        let items = catalog.items.len();
        let rev = document.rev;
        let result = core.activate_catalog(origin, Arc::clone(&catalog), &document);
        let already = if followed(core, result)? { "" } else { "already " };
        Ok(json!({"done": format!("revision {rev} with {items} items is {already}active"), "rev": rev}))
    })
    .await
}

async fn resolve(context: &AdminContext, user: &str, payment: &str, verdict: Verdict) -> Said {
    let id = parse_uuid(payment).ok_or_else(|| format!("{payment:?} is not a payment's id"))?;
    let verdict = match verdict {
        Verdict::Taken => StaffVerdict::Taken,
        Verdict::NotTaken => StaffVerdict::NotTaken,
        Verdict::GivenBack => StaffVerdict::GivenBack,
    };
    let missing = format!("there is no payment {payment}; kioskctl order show has their ids");
    command(context, user, Action::ResolvePayment { payment: PaymentId(id), verdict }, Some(missing)).await
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    uuid::Uuid::parse_str(text).ok().map(|id| Uuid(id.into_bytes()))
}
